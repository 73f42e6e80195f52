#!/usr/bin/env bash
# Builds the shared library twice from nothing, in two folders, and compares the files byte by byte. The same compiler
# and the same sources must give the same library, so that anyone can check what they were handed.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/one" "$scratch/another"
cp -r Package.swift Sources Tests include scripts "$scratch/one"
cp -r "$scratch/one" "$scratch/another/folder"
for folder in one another/folder; do
    "$scratch/$folder/scripts/build_library.sh" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
done
if ! cmp "$scratch/one/build/libpullpush.so" "$scratch/another/folder/build/libpullpush.so"; then
    echo "Two builds of the same sources differ: the bytes above are the first." >&2
    exit 1
fi
sha256sum <"$scratch/one/build/libpullpush.so"
