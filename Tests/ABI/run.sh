#!/usr/bin/env bash
# run.sh LIBRARY [--renew]: is the binary interface the one in baseline.txt, with the types in baseline.abi, and do
# programs of other versions run with it? With --renew, writes the two files instead.
set -euo pipefail
export LC_ALL=C
library=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../include
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The oldest glibc whose symbols the library may need, as docs/stability.md says.
oldest_glibc=2.34

# What a program that was linked or compiled with the library relies on, one fact a line. What the library imports is
# among it, for SECURITY.md says what it never does: files, sockets, processes, signal handlers and so on.
describe() {
    readelf --dynamic --wide "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/soname \1/p'
    readelf --dynamic --wide "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/needs \1/p' | sort
    nm --dynamic --undefined-only --format=posix "$library" | sed 's/[@ ].*//; s/^/imports /' | sort
    nm --dynamic --defined-only --with-symbol-versions --format=posix "$library" |
        sed 's/^\([^ ]*\) \(.\).*/exports \1 \2/' | sort
    gcc -E -P "$include/pullpush.h" | tr -s ' \n' ' ' |
        grep -oE '(const )?[a-z0-9_]+ \**pullpush_[a-z0-9_]+\([^)]*\);' | sed 's/^/declares /' | sort
    gcc -E -P "$include/pullpush.h" | grep -oE 'PULLPUSH_[A-Z0-9_]+ = -?[0-9]+' | sed 's/^/constant /' | sort
    gcc -std=c99 -Wall -Wextra -Werror -I "$include" "$here/layout.c" -o "$scratch/layout"
    "$scratch/layout"
}

describe >"$scratch/found.txt"
"$here/types.sh" "$include" "$scratch/found.abi"
if [[ ${2:-} == --renew ]]; then
    mv "$scratch/found.txt" "$here/baseline.txt"
    mv "$scratch/found.abi" "$here/baseline.abi"
    exit
fi

newest=$(readelf --version-info --wide "$library" | grep -oE 'GLIBC_[0-9.]+' | cut -d_ -f2 | sort -Vu | tail -1)
if [[ $(printf '%s\n' "$newest" "$oldest_glibc" | sort -V | tail -1) != "$oldest_glibc" ]]; then
    echo "The library needs glibc $newest, but is to run with glibc $oldest_glibc: find the symbols by nm -D." >&2
    exit 1
fi
if ! diff -u "$here/baseline.txt" "$scratch/found.txt" >&2; then
    echo "The binary interface differs from Tests/ABI/baseline.txt. What was there must stay while the soname does;" \
        "what is only added, and breaks no word of SECURITY.md, is accepted by:" \
        "Tests/ABI/run.sh build/libpullpush.so --renew" >&2
    exit 1
fi
# The text has no word for the types of fields.
if ! abidiff --no-added-syms --no-show-locs "$here/baseline.abi" "$scratch/found.abi" >"$scratch/differences"; then
    cat "$scratch/differences" >&2
    echo "The types above differ from Tests/ABI/baseline.abi. A struct that has only grown at its end is accepted by:" \
        "Tests/ABI/run.sh build/libpullpush.so --renew" >&2
    exit 1
fi
mkdir "$scratch/later"
"$here/grow.sh" "$include/pullpush.h" >"$scratch/later/pullpush.h"
releases=("$here"/[0-9]*)
"$here/clients.sh" "$library" "${releases[@]}" "$include" "$scratch/later"
echo "$(wc -l <"$here/baseline.txt") facts and all types as in the baseline, glibc $newest;" \
    "programs of ${#releases[@]} release, of today and of a later version run"
