# What the scripts share: where things are, quiet installation of what is missing, the compiler cache.
# Sourced, not run. Leaves the caller in the repository's folder.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1m· %s\033[0m\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Cargo's target folder, wherever the person has put it.
target_folder() {
    cargo metadata --no-deps --offline --format-version 1 2>/dev/null \
        | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Runs a command as root: directly, or by sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif has sudo; then sudo "$@"
    else fail "this needs root and there is no sudo; run it as root: $*"; fi
}

# The lists of packages, once a run and only when something is to be installed.
refresh_lists() {
    [ -z "${LISTS_ARE_FRESH:-}" ] || return 0
    as_root apt-get update -qq || fail "apt-get update failed; is the network reachable?"
    LISTS_ARE_FRESH=1
}

# Installs the packages given that dpkg does not know yet.
install_packages() {
    local package missing=()
    has apt-get || fail "there is no apt-get here; install by hand what Debian calls: $*"
    for package in "$@"; do
        dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    refresh_lists
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null \
        || fail "apt-get could not install ${missing[*]}"
}

# Fetches a package's file into a folder, and says its name.
fetch_package() {
    local package=$1 folder=$2
    has apt-get || fail "there is no apt-get here; get Debian's $package by hand"
    apt-cache show "$package" >/dev/null 2>&1 || refresh_lists
    if ! (cd "$folder" && apt-get download -qq "$package" >/dev/null 2>&1); then
        refresh_lists
        (cd "$folder" && apt-get download -qq "$package" >/dev/null 2>&1) || fail "apt-get could not fetch $package"
    fi
    printf '%s\n' "$folder"/*.deb
}

# Unpacks a package's programs into a folder instead of installing it: no service is started or enabled.
unpack_package() {
    local package=$1 folder=$2 work file
    say "unpacking $package"
    work=$(mktemp -d)
    file=$(fetch_package "$package" "$work")
    mkdir -p "$folder"
    dpkg-deb -x "$file" "$folder"
    rm -rf "$work"
}

need_cargo() {
    has cargo || fail "there is no Rust toolchain; install one from https://rustup.rs and open a new shell"
}

# The library, and the headers that come with it.
has_libclang() {
    [ -z "${LIBCLANG_PATH:-}" ] || return 0
    compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null \
        && compgen -G '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' >/dev/null
}

# RocksDB is C++: a compiler, and libclang for its bindings. ccache keeps the objects, so that the
# debug and the release build, and the next clone, share them. Neither clang nor cmake is needed.
need_build_tools() {
    need_cargo
    local packages=()
    { has cc && has c++ && has make; } || packages+=(build-essential)
    has_libclang || packages+=(libclang-dev)
    has ccache || packages+=(ccache)
    [ ${#packages[@]} = 0 ] || install_packages "${packages[@]}"
    # by the PATH and not by CC, so that a plain `cargo build` finds the same build up to date
    if [ -z "${CC:-}${CXX:-}" ] && [ -x /usr/lib/ccache/c++ ]; then
        export PATH="/usr/lib/ccache:$PATH"
    fi
}

# Builds with cargo, and says now and then how far RocksDB's C++ is, since cargo shows one step for
# many minutes. Usage: build PROFILE-FOLDER CARGO-ARGUMENTS…
build() {
    local folder marker watcher status=0
    folder="$(target_folder)/$1"
    shift
    marker=$(mktemp)
    watch_rocksdb "$folder" "$marker" &
    watcher=$!
    cargo "$@" || status=$?
    kill "$watcher" 2>/dev/null || true
    rm -f "$marker"
    return "$status"
}

watch_rocksdb() {
    local folder=$1 marker=$2 compiled before=0
    while sleep 20 >/dev/null 2>&1 && [ -e "$marker" ]; do
        compiled=$(find "$folder/build" -path '*librocksdb-sys-*/out/*' -name '*.o' -newer "$marker" 2>/dev/null | wc -l)
        [ "$compiled" = "$before" ] || say "compiling RocksDB, once a machine: $compiled of 343 files"
        before=$compiled
    done
}
