# shellcheck shell=bash
# Sourced by the other scripts: what a machine must have, and how a bare Debian machine gets it; what builds share.

missing=()

# need PACKAGE COMMAND...: the Debian package is missing unless the command succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

# Installs what is missing when root may and PULLPUSH_NO_APT is not set, else says in one sentence what to install.
install_missing() {
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ -n ${PULLPUSH_NO_APT:-} || $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        echo "PullPush needs the Debian packages ${missing[*]}: sudo apt-get install ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing the Debian packages ${missing[*]}."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    missing=()
}

# Swift has no Debian package: a toolchain is expected on the PATH, with what its linker takes from the system.
need_swift() {
    local version
    version=$({ swift --version 2>/dev/null || true; } | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -1)
    if [[ -z $version || $(printf '%s\n' 6.2 "$version" | sort -V | head -1) != 6.2 ]]; then
        echo "PullPush needs Swift 6.2 or later, but 'swift' on the PATH is ${version:-not there}." >&2
        exit 1
    fi
    need g++ command -v g++
    need git command -v git
}

# forget_old_headers FOLDER: leaves nothing there of a build before a header changed, which the package manager does not
# see.
forget_old_headers() {
    if [[ -n $(find include Sources -name '*.h' -newer "$1/release/libpullpush.so" 2>/dev/null) ]]; then
        rm -rf "$1"
    fi
}
