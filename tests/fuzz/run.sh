#!/bin/bash
# run.sh SECONDS [NAME...]: builds the fuzz targets with libFuzzer and runs each of them, or those
# named, for that long.  New inputs stay in build-fuzz/corpus; one that fails is left there as
# crash-*, to be copied into tests/fuzz/corpus/NAME once it is fixed.
set -euo pipefail
seconds=${1:?how many seconds for each target}
shift
cd "$(dirname "$0")/../.."

cmake -S . -B build-fuzz -G Ninja -DCMAKE_C_COMPILER=clang -DFUZZ=ON >/dev/null
if [ $# = 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        set -- "$@" "${name#fuzz_}"
    done
fi
cmake --build build-fuzz -j "$(nproc)" -t "${@/#/fuzz_}" >/dev/null

failed=()
for name in "$@"; do
    found=build-fuzz/corpus/$name
    mkdir -p "$found"
    log=build-fuzz/fuzz_$name.log
    if build-fuzz/bin/fuzz_"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$found/" "$found" tests/fuzz/corpus/"$name" \
        >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "fuzz_$name: $runs inputs in $seconds s"
    else
        tail -40 "$log"
        failed+=("$name")
    fi
done
[ ${#failed[@]} = 0 ] || {
    echo "fuzz: FAILED: ${failed[*]}"
    exit 1
}
echo "fuzz: $# targets passed"
