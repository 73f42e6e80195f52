#!/usr/bin/env bash
# build_sanitized.sh address|thread: the shared library as it is shipped, Embedded Swift, but watched: by that
# sanitizer, by the checks that a release leaves out (an overflow or a bad index stops the program), and by counters
# that tell a fuzzer what was reached. The address sanitizer also watches over the pieces of scratch memory. What is for
# AVX-512 is built for AVX2 and chosen there, as x86-64-v4. The library goes to build/address or build/thread; whoever
# loads it must bring the sanitizer's runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift
install_missing

sanitizer=$1
scratch=.build-$sanitizer
forget_old_headers "$scratch"
mkdir -p "build/$sanitizer"
more=()
[[ $sanitizer == thread ]] || more=(
    -Xswiftc "-sanitize-coverage=edge,inline-8bit-counters,pc-table" -Xswiftc -Xcc -Xswiftc -DCSYSTEM_ADDRESS_SANITIZER
)
export PULLPUSH_EMBEDDED=1 PULLPUSH_CHECKED=1 PULLPUSH_PLAIN_V4=1
if ! swift build -c release --product pullpush --scratch-path "$scratch" --sanitize "$sanitizer" -Xswiftc -g \
    "${more[@]}" >"build/$sanitizer/log" 2>&1; then
    cat "build/$sanitizer/log" >&2
    exit 1
fi
for name in libpullpush.so libpullpush.so.0; do
    ln -sf "$PWD/$scratch/release/libpullpush.so" "build/$sanitizer/$name"
done
