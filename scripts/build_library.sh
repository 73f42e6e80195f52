#!/usr/bin/env bash
# Builds the shared library and puts it, stripped, with its two links into build/.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift
need binutils command -v strip
install_missing

version=$(sed -n 's/^#define PULLPUSH_VERSION_STRING "\(.*\)"/\1/p' include/pullpush.h)
file=libpullpush.so.$version
scratch=.build-embedded

forget_old_headers "$scratch"
# Nothing of the folder it is built in may show: the same sources give the same bytes anywhere.
PULLPUSH_EMBEDDED=1 swift build -c release --product pullpush --scratch-path "$scratch" \
    -Xswiftc -file-prefix-map -Xswiftc "$PWD=." -Xlinker --build-id=none
mkdir -p build
strip --remove-section=.comment -o "build/$file.new" "$scratch/release/libpullpush.so"
# Replaced in one step, for a running program may have the old file mapped.
mv "build/$file.new" "build/$file"
ln -sf "$file" build/libpullpush.so
ln -sf "$file" "build/$(readelf -d "build/$file" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
ls -l build/libpullpush.so*
