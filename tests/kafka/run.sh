#!/usr/bin/env bash
# What needs a Kafka broker: starts one, runs the tests against it, stops it.
#
#   run.sh short|long BUILD_DIR
#
# long ends with the short run on Kafka 4.
# Java, Maven, node and kcat come from the distribution when they are missing; Kafka and kafkajs by
# their package tools.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
length=$1
build=$2
newest=4.3.1
server=$build/bin/weir-server
fault=$build/bin/weir-server-fault
dir=$(mktemp -d /tmp/weir-kafka-XXXXXX)
trap '"$here/kafka.sh" stop "$dir/broker"; "$here/kafka.sh" stop "$dir/sql"; rm -rf "$dir"' EXIT

if ! command -v npm >/dev/null || ! command -v kcat >/dev/null; then
    sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    "${sudo[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq \
        --no-install-recommends nodejs npm kcat
fi
KAFKA=$(timeout 400 "$here/kafka.sh" start "$dir/broker" | tail -1 | tr -d ' ')
cp "$here/package.json" "$here/package-lock.json" "$dir"
(cd "$dir" && timeout 100 npm ci --no-audit --no-fund --silent)
export KAFKA KAFKA_DIR=$dir/broker MODULES=$dir/node_modules

# step SECONDS COMMAND...
step() {
    local seconds=$1 began=$SECONDS
    shift
    echo "== ${*##*/}"
    timeout --kill-after=10 "$seconds" "$@"
    echo "== $((SECONDS - began)) s"
}
python() {
    step "$1" python3 -B "$here/$2" "${@:3}"
}

export WEIR_TEST_KAFKA=$KAFKA
step 400 "$build/tests/unit/test_broker_contract"
step 200 "$build/tests/unit/test_broker_kafka"
python 400 test_server.py "$server"
python 400 test_memory.py "$server"
python 400 test_clients.py "$server"

# The SQL tests, on an empty broker of their own.
SQL_KAFKA=$(WEIR_KAFKA_KEEPS=1 timeout 100 "$here/kafka.sh" start "$dir/sql" | tail -1 | tr -d ' ')
step 900 "$build/bin/weir" test --bootstrap-servers "$SQL_KAFKA" "$here/../sql"
"$here/kafka.sh" stop "$dir/sql"

if [ "$length" = short ]; then
    python 400 test_kill.py "$server" restart 20000
    python 400 test_kill.py "$server" state 20000
    python 400 test_kill.py "$server" random 60000 3
    python 400 test_kill.py "$fault" points 60000 1
    python 400 test_churn.py "$server" 1 20
    python 400 test_faults.py "$server" test_broker_down_at_start
    python 400 test_said.py "$server" short
else
    python 300 test_kill.py "$server" restart 60000
    python 300 test_kill.py "$server" state 60000
    python 900 test_kill.py "$server" random 200000 20
    python 1800 test_kill.py "$fault" points 200000 20
    python 1500 test_faults.py "$server"
    python 400 test_said.py "$server"
    python 1000 test_churn.py "$server" 5 100
    python 400 test_churn.py "$server" 5 20 1 -o processing.guarantee=at_least_once
    python 400 test_leader.py "$server" 100000
    python 500 test_proxy.py "$server" 100000
fi
python 400 test_security.py "$server"
if [ "$length" = long ]; then
    echo "== Kafka $newest"
    WEIR_KAFKA_VERSION=$newest timeout --kill-after=30 1800 "$here/run.sh" short "$build"
fi
