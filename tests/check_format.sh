#!/bin/bash
# Every C file is as clang-format leaves it; `make fmt` makes it so.
set -euo pipefail
cd "$(dirname "$0")/.."
find common parser planner exec server cli tests -name '*.[ch]' -print0 2>/dev/null |
    xargs -0 -n 16 -P "$(nproc)" clang-format --dry-run -Werror
