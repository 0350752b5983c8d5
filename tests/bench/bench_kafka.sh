#!/usr/bin/env bash
# A Kafka broker of its own on 127.0.0.1, and the table of bench_kafka; then the broker goes.
#
#   bench_kafka.sh BENCH_KAFKA WEIR_SERVER [ORDERS [costs|latency|many]]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
program=$1
server=$2
shift 2
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench-kafka-XXXXXX")
trap '"$here/../kafka/kafka.sh" stop "$dir/broker"; rm -rf "$dir"' EXIT
address=$(timeout 400 "$here/../kafka/kafka.sh" start "$dir/broker" | tail -1)
timeout 1500 "$program" "$address" "$server" "$@"
