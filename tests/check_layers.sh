#!/bin/bash
# Which file may include what.  The layers are common < parser < planner < exec < server, and cli
# beside them; docs/ARCHITECTURE.md says why.  Prints each include that breaks a rule.
set -uo pipefail
cd "$(dirname "$0")/.."
bad=0

product_folders=(common parser planner exec server cli)

# Every quoted or bracketed include of the folders given, as file:line:#include ...
includes() {
    local folder
    for folder in "$@"; do
        [ -d "$folder" ] || continue
        grep -rnE '^[ \t]*#[ \t]*include' --include='*.c' --include='*.h' --include='*.re' \
            --include='*.y' "$folder"
    done
}

# complain WHY: prints the offending lines read from stdin, if any.
complain() {
    local line
    while IFS= read -r line; do
        printf '%s   <- %s\n' "$line" "$1"
        bad=1
    done
}

# rule FOLDER OTHER...: FOLDER may include itself and the others.
rule() {
    local may
    may=$(echo "$*" | tr ' ' '|')
    complain "$1 may include only: $*" < <(
        includes "$1" | grep -E 'include[ \t]*"' | grep -vE "\"($may)/")
}

# only PATTERN FILES WHY: includes that match PATTERN belong in files whose path matches FILES.
only() {
    complain "$3" < <(includes "${product_folders[@]}" | grep -E "include[ \t]*[\"<]$1" |
        grep -vE "^($2):")
}

rule common
rule parser common
rule planner common parser
rule exec common planner
rule server common parser planner exec
rule cli common parser server

complain 'exec sees the planner through its contract headers only' < <(
    includes exec | grep '"planner/' | grep -vE '"planner/(plan|expr|schema|fn_def|catalog)\.h"')
complain 'cli sees the lexer of the parser only' < <(
    includes cli | grep '"parser/' | grep -vE '"parser/lexer\.h"')
complain 'only tools that run the engine without a server include it' < <(
    includes cli | grep '"server/' |
        grep -vE '^cli/(test|local|conformance)(_[a-z]+)?\.[ch]:.*"server/(engine|api|harness)\.h"')

# A driver that outgrows one file is split into files of the same stem.
only 'librdkafka/' 'exec/brokers/broker_kafka(_[a-z]+)?\.[ch]' \
    'librdkafka stays behind the Kafka broker'
only 'sqlite3' \
    '[a-z/]*_sqlite\.c|exec/brokers/broker_local(_[a-z]+)?\.[ch]|exec/(pull|pull_sqlite_fn)\.c' \
    'SQLite stays behind the state, the view, the local broker and pull queries'
only '(sys/(socket|un|epoll)|netinet/.*|arpa/inet|netdb|libwebsockets|nghttp2/.*)\.h' \
    'server/(acceptor|http|http2|ws)(_[a-z]+)?\.[ch]' \
    'sockets are known to the acceptor, http, http2 and ws only'

# What exec includes must not drag in the AST by way of the planner.
if [ -d exec ]; then
    mapfile -t sources < <(find exec -name '*.c')
    if [ ${#sources[@]} -gt 0 ]; then
        deps=$("${CC:-cc}" -MM -D_GNU_SOURCE -I. "${sources[@]}") || bad=1
        complain 'an object of exec reaches the parser' < <(
            sed -e ':a;/\\$/{N;s/\\\n//;ba}' <<<"$deps" | grep -oE '^[^:]+:|parser/[a-z_]+\.h' |
                awk '/:$/ {object = $0; next} {print object, $0}')
    fi
fi

[ $bad = 0 ] && echo 'layers: every include is allowed'
exit $bad
