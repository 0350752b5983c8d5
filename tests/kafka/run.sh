#!/usr/bin/env bash
# What needs a Kafka broker: starts one, runs the contract test and a server against it, stops it.
#
#   run.sh CONTRACT_TEST WEIR_SERVER
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
contract=$1
server=$2
dir=$(mktemp -d /tmp/weir-kafka-XXXXXX)
trap '"$here/kafka.sh" stop "$dir/broker"; rm -rf "$dir"' EXIT

if ! command -v npm >/dev/null; then
    sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    "${sudo[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq \
        --no-install-recommends nodejs npm
fi
address=$(timeout 400 "$here/kafka.sh" start "$dir/broker" | tail -1)
cp "$here/package.json" "$here/package-lock.json" "$dir"
(cd "$dir" && timeout 100 npm ci --no-audit --no-fund --silent)

WEIR_TEST_KAFKA=$address timeout 200 "$contract"
WEIR_TEST_KAFKA=$address timeout 100 "$(dirname "$contract")/test_broker_kafka"
timeout 200 python3 -B "$here/test_server.py" "$server" "$address" "$dir/node_modules"
