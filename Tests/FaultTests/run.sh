#!/usr/bin/env bash
# run.sh LIBRARY: no memory, no threads: every request that the library makes is refused in turn, with each of its
# instruction sets.
set -euo pipefail
library=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
abi=$here/../ABITests
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
ln -s "$library" "$programs/libpullpush.so.0"
export LD_LIBRARY_PATH=$programs

gcc -std=c99 -D_GNU_SOURCE -O2 -fno-builtin -Wall -Wextra -Werror -I "$here/../../include" "$here"/*.c \
    "$abi"/{api,check,element,guarded,reference,scene}.c "$library" -lm -pthread -o "$programs/fault_tests"
failed=0
printf 'baseline: '
PULLPUSH_ISA=baseline "$programs/fault_tests" "$library" || failed=1
printf 'best instruction set: '
env -u PULLPUSH_ISA "$programs/fault_tests" "$library" || failed=1
exit $failed
