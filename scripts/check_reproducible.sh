#!/usr/bin/env bash
# Builds both libraries once more, from nothing and in another folder, and compares them with those in build/, byte by
# byte. The same compiler and the same sources must give the same libraries, so that anyone can check what they were
# handed: neither the folder nor what was built in it before may show.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/another/folder"
cp -r Package.swift Sources Tests include scripts "$scratch/another/folder"
for script in build_library build_static_library; do
    "$scratch/another/folder/scripts/$script.sh" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
done
for library in libpullpush.so libpullpush.a; do
    if ! cmp "build/$library" "$scratch/another/folder/build/$library"; then
        echo "Two builds of the same sources differ: the bytes above are the first." >&2
        exit 1
    fi
    sha256sum "build/$library"
done
swift --version 2>/dev/null | head -1
