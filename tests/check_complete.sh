#!/bin/bash
# Nothing is left out: each source has a unit test, each folder a README that names its files.
# .ci/run calls it; ctest does not, because a change may land before the last of its tests.
set -uo pipefail
cd "$(dirname "$0")/.."

# Sources without a unit test of their own, each with the reason.
declare -A untested=(
    [server/main.c]='the process itself: the tests under tests/server start it'
    [server/start.c]='waits for a cluster: tests/server/test_start.py'
    [server/properties_table.c]='a table: test_properties walks it'
    [cli/main.c]='the process itself: the tests under tests/server start it'
    [cli/client.c]='needs a server: tests/server/test_cli.py'
    [cli/command.c]='needs a session: tests/server/test_cli.py'
    [cli/line_editor.c]='needs a terminal: tests/server/test_cli.py'
    [cli/repl.c]='needs a terminal: tests/server/test_cli.py'
    [cli/shell.c]='needs a server: tests/server/test_cli.py'
    [cli/conformance.c]='a test runner: each of its cases is a test'
    [cli/conformance_query.c]='a test runner: each of its cases is a test'
    [cli/conformance_rest.c]='a test runner: each of its cases is a test'
)

bad=0
complain() {
    echo "$1"
    bad=1
}

# A module that is split into files, engine.c and engine_replay.c, may be tested as one.
is_tested() {
    local stem=$1
    while [ ! -f "tests/unit/test_$stem.c" ]; do
        [[ $stem == *_* ]] || return 1
        stem=${stem%_*}
    done
}

sources=$(for folder in common parser planner exec server cli; do
    [ -d $folder ] && find $folder -name '*.c' -o -name '*.re' -o -name '*.y'
done | sort)
for file in $sources; do
    stem=$(basename "${file%.*}")
    readme=$(dirname "$file")/README.md
    if [ ! -f "$readme" ]; then
        complain "$file: no $readme"
    elif ! grep -qw "$stem" "$readme"; then
        complain "$file: not named in $readme"
    fi
    [[ $file != *.c ]] || [ -n "${untested[$file]:-}" ] || is_tested "$stem" ||
        complain "$file: no tests/unit/test_$stem.c"
done
for file in "${!untested[@]}"; do
    [ ! -f "tests/unit/test_$(basename "$file")" ] ||
        complain "$file: has a test, and is listed as having none"
done

[ $bad = 0 ] && echo "complete: $(wc -w <<<"$sources") sources have their tests and READMEs"
exit $bad
