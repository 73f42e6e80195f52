#!/usr/bin/env bash
# run.sh LIBRARY [CALLS | TEST...]: the library among threads, processes and signals of its host. With CALLS, nothing
# but so many calls in a row, in which nothing may grow; with names of tests, only those.
set -euo pipefail
library=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
abi=$here/../ABITests
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT

gcc -std=c99 -D_GNU_SOURCE -DPULLPUSH_DLOPEN -O2 -Wall -Wextra -Werror -I "$here/../../include" -rdynamic "$here"/*.c \
    "$abi"/{api,check,element,guarded,option_sets,reference,scene}.c -lm -pthread -o "$programs/process_tests"
cp "$library" "$programs/another.so"
"$programs/process_tests" "$library" "$programs/another.so" "${@:2}"
