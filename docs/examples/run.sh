#!/bin/bash
# `make run`: a server with the example of this folder, and orders that keep arriving.  Ctrl-C ends
# both; what they did stays in ./weir-data, and the next start goes on from there.
#
#   WEIR_DATA   data directory (./weir-data)
#   WEIR_URL    where to serve (http://127.0.0.1:8088)
set -uo pipefail
cd "$(dirname "$0")/../.."

data=${WEIR_DATA:-./weir-data}
server_pid='' generator_pid=''

# The generator first: a server that is shutting down would only give it errors.
stop() {
    trap '' INT TERM
    [ -z "$generator_pid" ] || { kill "$generator_pid" && wait "$generator_pid"; } 2>/dev/null
    [ -n "$server_pid" ] || exit 1
    kill "$server_pid" 2>/dev/null
    wait "$server_pid"
    local code=$?
    [ $code != 0 ] || echo "ended; the data is in $data"
    exit $code
}
trap stop INT TERM

coproc server {
    exec build/bin/weir-server --data "$data" --queries docs/examples/orders.sql \
        -o "listeners=${WEIR_URL:-http://127.0.0.1:8088}"
}
server_pid=$!
read -r _ _ url _ <&"${server[0]}" || stop # it has said why
build/bin/weir datagen orders --rate 2 --quiet --server "$url" &
generator_pid=$!

cat <<TEXT

Weir serves $url and keeps its data in $data.
Two orders arrive each second; docs/examples/orders.sql says what is made of them.

In another terminal:

  the SQL prompt; try SHOW TABLES; or SELECT * FROM item_totals EMIT CHANGES;
    build/bin/weir --server $url

  a table as it is now
    curl -s $url/query -d '{"ksql":"SELECT * FROM item_totals;"}'

  each change as it comes
    curl -sN $url/query-stream -d '{"sql":"SELECT * FROM big_orders EMIT CHANGES;"}'

  the same in a browser's console, by websocket
    new WebSocket('${url/http/ws}/ws/query?request=' + encodeURIComponent(JSON.stringify(
      {ksql: 'SELECT * FROM big_orders EMIT CHANGES;'}))).onmessage = e => console.log(e.data)

Ctrl-C ends all of it.
TEXT

wait -n "$server_pid" "$generator_pid"
kill -0 "$generator_pid" 2>/dev/null ||
    { echo 'the generator of orders has ended; the server goes on'; generator_pid=''; }
wait "$server_pid"
stop
