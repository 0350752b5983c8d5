#!/bin/bash
# Installs the Debian packages that Weir is built with, and those named as arguments.  Does nothing
# when they are all there; asks for the package lists only when the ones at hand do not do.
set -euo pipefail

needed=(
    gcc cmake ninja-build pkg-config ccache re2c lemon
    clang clang-format libcmocka-dev
    libsqlite3-dev librdkafka-dev libwebsockets-dev libnghttp2-dev libjansson-dev libpcre2-dev
    libgmp-dev libicu-dev libcurl4-openssl-dev libedit-dev
    python3 python3-websockets curl
    "$@"
)

mapfile -t missing < <(
    for package in "${needed[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            echo "$package"
    done)
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "cannot install packages: neither root nor sudo; install: ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi

install_missing() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq --no-install-recommends "${missing[@]}"
}

echo "installing ${missing[*]}"
install_missing || {
    "${as_root[@]}" apt-get update -qq
    install_missing
}
