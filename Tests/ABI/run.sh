#!/usr/bin/env bash
# run.sh LIBRARY [--renew]: does the binary interface keep what every release had, is it the one in baseline.txt, with
# the types in baseline.abi and the symbols in library.abi, and do programs of other versions run with it? With --renew,
# writes the three files instead, unless a release had something else.
set -euo pipefail
export LC_ALL=C
library=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../include
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The oldest glibc whose symbols the library may need is the one that the page promises.
oldest_glibc=$(grep -oE 'glibc [0-9.]+[0-9]' "$here/../../docs/stability.md" | head -1 | cut -d' ' -f2)

# What a program that was linked or compiled with the library relies on, one fact a line. What the library imports is
# among it, for SECURITY.md says what it never does: files, sockets, processes, signal handlers and so on.
describe() {
    readelf --dynamic --wide "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/soname \1/p'
    readelf --dynamic --wide "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/needs \1/p' | sort
    nm --dynamic --undefined-only --format=posix "$library" | sed 's/[@ ].*//; s/^/imports /' | sort
    nm --dynamic --defined-only --with-symbol-versions --format=posix "$library" |
        sed 's/^\([^ ]*\) \(.\).*/exports \1 \2/' | sort
    "$here/declarations.sh" "$include/pullpush.h"
    gcc -std=c99 -Wall -Wextra -Werror -I "$include" "$here/layout.c" -o "$scratch/layout"
    "$scratch/layout"
}

mkdir "$scratch/later" "$scratch/broken"
"$here/grow.sh" "$include/pullpush.h" >"$scratch/later/pullpush.h"
sed '/^    double margin;/d' "$include/pullpush.h" >"$scratch/broken/pullpush.h"
"$here/releases.sh" "$include"
"$here/releases.sh" "$scratch/later"
if "$here/releases.sh" "$scratch/broken" 2>/dev/null; then
    echo "Tests/ABI/releases.sh takes a header without a field that there was." >&2
    exit 1
fi

describe >"$scratch/found.txt"
"$here/types.sh" "$include" "$scratch/baseline.abi"
abidw --no-corpus-path --no-comp-dir-path --out-file "$scratch/library.abi" "$library"
if [[ ${2:-} == --renew ]]; then
    mv "$scratch/found.txt" "$here/baseline.txt"
    mv "$scratch"/*.abi "$here"
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
# The types of the header behind their names, and the symbols of the library, which has no types, for it is stripped.
for file in baseline.abi library.abi; do
    if ! abidiff --no-added-syms --no-show-locs "$here/$file" "$scratch/$file" >"$scratch/differences"; then
        cat "$scratch/differences" >&2
        echo "What is above differs from Tests/ABI/$file. A struct that has only grown at its end is accepted by:" \
            "Tests/ABI/run.sh build/libpullpush.so --renew" >&2
        exit 1
    fi
done
releases=("$here"/[0-9]*)
"$here/clients.sh" "$library" "${releases[@]}" "$include" "$scratch/later"
echo "$(wc -l <"$here/baseline.txt") facts and all types as in the baseline, glibc $newest;" \
    "programs of ${#releases[@]} release, of today and of a later version run"
