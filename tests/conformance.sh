#!/bin/bash
# conformance.sh RUNNER CASES [OPTION...]: runs the conformance cases of each folder of CASES, and
# fails when fewer pass than tests/conformance.counts says, or when a run ends without counting.
# A line there is a folder and a number; raise it when more pass.
set -euo pipefail
runner=$1
cases=$2
shift 2
counts=$(dirname "$0")/conformance.counts
log=$(mktemp)
trap 'rm -f "$log"' EXIT

failed=0
while read -r folder kept; do
    [ -d "$cases/$folder" ] || {
        echo "conformance/$folder: no such folder in $cases"
        failed=1
        continue
    }
    # That some cases fail is no failure of the run: the count decides.
    "$runner" "$@" "$cases/$folder" >"$log" 2>&1 || true
    closing=$(tail -1 "$log")
    if [[ ! $closing =~ ^([0-9]+)\ passed,\ [0-9]+\ failed,\ [0-9]+\ skipped ]]; then
        tail -20 "$log"
        echo "conformance/$folder: did not finish"
        failed=1
    elif [ "${BASH_REMATCH[1]}" -lt "$kept" ]; then
        echo "conformance/$folder: $closing; at least $kept must pass"
        failed=1
    else
        echo "conformance/$folder: $closing (at least $kept)"
    fi
done <"$counts"
exit $failed
