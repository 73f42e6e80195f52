#!/usr/bin/env bash
# Old programs, later library: builds the library as it would be if every struct of the header had one more field, and
# runs programs that were compiled with the headers of today and of every release.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r Package.swift Sources Tests include scripts "$scratch"
Tests/ABI/grow.sh include/pullpush.h >"$scratch/include/pullpush.h"
# Swift wants a value for every field that is written.
sed -i 's/active_pairs: UInt64(result.activePairs))/active_pairs: UInt64(result.activePairs), of_a_later_version: 1)/' \
    "$scratch/Sources/PullPushABI/Evaluate.swift"
"$scratch/scripts/build_library.sh" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
Tests/ABI/clients.sh "$scratch/build/libpullpush.so" Tests/ABI/[0-9]*/ include
echo "Programs with the headers of today and of $(printf '%s ' Tests/ABI/[0-9]*/)run with a library of longer structs."
