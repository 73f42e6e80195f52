#!/usr/bin/env bash
# Puts the objects of the shared library into build/libpullpush.a as one object, in which only the header's functions
# are visible: a program may hold other Swift code of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need binutils command -v objcopy
install_missing

objects=.build-embedded/release/pullpush.product/Objects.LinkFileList
if [[ ! -f $objects ]]; then
    echo "There is no $objects: build the shared library first, by scripts/build_library.sh." >&2
    exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
nm --dynamic --defined-only --format=posix build/libpullpush.so | grep -o '^pullpush_[a-z0-9_]*' >"$scratch/functions"

# What no function of the header leads to is left out, as it is in the shared library.
mapfile -t roots < <(sed 's/^/--undefined=/' "$scratch/functions")
ld -r --gc-sections --force-group-allocation "${roots[@]}" -o "$scratch/all.o" "@$objects"
# The compiler's hashes of the modules tell in which folder they were built.
objcopy --strip-unneeded --remove-section=.swift_modhash --keep-global-symbols="$scratch/functions" \
    "$scratch/all.o" "$scratch/pullpush.o"
ar rcsD "$scratch/libpullpush.a" "$scratch/pullpush.o"
mv "$scratch/libpullpush.a" build/libpullpush.a
ls -l build/libpullpush.a
