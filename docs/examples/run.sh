#!/bin/bash
# `make run`: a server with the example of this folder, and orders that keep arriving.  Ctrl-C ends
# both; what they did stays in ./weir-data, and the next start goes on from there.
#
#   WEIR_DATA   data directory (./weir-data)
#   WEIR_URL    where to serve (http://127.0.0.1:8088)
#   WEIR_BIN    folder of the programs (build/bin)
set -uo pipefail
cd "$(dirname "$0")/../.."

data=${WEIR_DATA:-./weir-data}
address=${WEIR_URL:-http://127.0.0.1:8088}
bin=${WEIR_BIN:-build/bin}
server_pid='' generator_pid=''

# The generator first: a server that is shutting down would only give it errors.
stop() {
    trap '' INT TERM HUP
    [ -z "$generator_pid" ] || { kill "$generator_pid" && wait "$generator_pid"; } 2>/dev/null
    [ -n "$server_pid" ] || exit 1
    kill "$server_pid" 2>/dev/null
    wait "$server_pid"
    local code=$?
    [ $code != 0 ] || echo "ended; the data is in $data"
    exit $code
}
trap stop INT TERM HUP

coproc server {
    exec "$bin/weir-server" --data "$data" --queries docs/examples/orders.sql \
        -o "listeners=$address"
}
server_pid=$!
read -r _ _ url _ <&"${server[0]}" || { # it has said why
    ! curl -s -o /dev/null "$address" ||
        echo 'to serve elsewhere: make run WEIR_URL=http://127.0.0.1:8090 WEIR_DATA=./data2' >&2
    stop
}
"$bin/weir" datagen orders --rate 2 --quiet --server "$url" &
generator_pid=$!

cat <<TEXT

Weir serves $url and keeps its data in $data.
Two orders arrive each second; docs/examples/orders.sql says what is made of them.

In another terminal:

  the SQL prompt; try SHOW TABLES; or SELECT * FROM item_totals EMIT CHANGES;
    $bin/weir --server $url

  a table as it is now
    curl -s $url/query -d '{"ksql":"SELECT * FROM item_totals;"}'

  each change as it comes
    curl -sN $url/query-stream -d '{"sql":"SELECT * FROM big_orders EMIT CHANGES;"}'

  the same by websocket
    /usr/bin/python3 -m websockets '${url/http/ws}/ws/query?request={"ksql":"SELECT+*+FROM+big_orders+EMIT+CHANGES;"}'

Ctrl-C ends all of it.
TEXT

wait -n "$server_pid" "$generator_pid"
kill -0 "$generator_pid" 2>/dev/null ||
    { echo 'the generator of orders has ended; the server goes on'; generator_pid=''; }
wait "$server_pid"
stop
