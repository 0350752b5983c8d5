#!/bin/bash
# The sizes and habits that a compiler does not check: line, function and file lengths, and memory
# from common/ only.
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."

line_columns_max=100
function_lines_max=70
file_lines_max=1000
header_lines_max=300

product_folders=()
for folder in common parser planner exec server cli; do
    [ -d $folder ] && product_folders+=($folder)
done
mapfile -t sources < <(find "${product_folders[@]}" tests -name '*.[ch]' | sort)
mapfile -t scripts < <(find "${product_folders[@]}" tests .ci -name '*.sh' -o -name '*.py' \
    -o -name CMakeLists.txt -o -path '.ci/*' -type f | sort)
grammars=()
for file in parser/lexer.re parser/grammar.y; do
    [ -f $file ] && grammars+=($file)
done

bad=0
complain() {
    local line
    while IFS= read -r line; do
        echo "$line"
        bad=1
    done
}

complain < <(awk -v max=$line_columns_max 'length($0) > max {
    print FILENAME ":" FNR ": line of " length($0) " columns, at most " max
}' "${sources[@]}" "${scripts[@]}" "${grammars[@]}")

# clang-format puts the braces of a function, and of nothing else, alone into the first column.
complain < <(awk -v max=$function_lines_max '
    /^{$/ {start = FNR}
    /^}$/ && start {
        if (FNR - start + 1 > max)
            print FILENAME ":" start ": function of " FNR - start + 1 " lines, at most " max
        start = 0
    }
    FNR == 1 {start = 0}' "${sources[@]}")

complain < <(awk -v file_max=$file_lines_max -v header_max=$header_lines_max '
    {lines[FILENAME] = FNR}
    END {
        for (file in lines) {
            max = file ~ /\.h$/ ? header_max : file_max
            if (lines[file] > max)
                print file ": " lines[file] " lines, at most " max
        }
    }' "${sources[@]}")

# Comments and strings are blanked first, so that prose may say "free".
complain < <(awk '
    FNR == 1 {in_comment = 0}
    FILENAME ~ /^common\// {next}
    {
        line = $0
        gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
        if (in_comment) {
            if (!sub(/^.*\*\//, "", line))
                next
            in_comment = 0
        }
        gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
        sub(/\/\/.*/, "", line)
        if (sub(/\/\*.*/, "", line))
            in_comment = 1
        if (line ~ /(^|[^A-Za-z0-9_.>])(malloc|calloc|realloc|free|strn?dup|v?asprintf) *\(/)
            print FILENAME ":" FNR ": memory comes from arenas or mem_*() of common/arena.h"
    }' "${sources[@]}" "${grammars[@]}")

[ $bad = 0 ] && echo "tidy: ${#sources[@]} files"
exit $bad
