#!/usr/bin/env bash
# run.sh [PROFILE]: the C headers of the Swift sources, tested in C. With a PROFILE, writes there which of their lines
# and branches were run, and leaves the program that says so beside it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../../Sources
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
program=$scratch/headers
flags=()
if [[ -n ${1:-} ]]; then
    program=$1.program
    flags=(-fprofile-instr-generate -fcoverage-mapping)
    export LLVM_PROFILE_FILE=$1
fi
# The clang of the Swift compiler; the vectors are inlined here too, so how they would be passed is no matter.
clang -std=gnu11 -O1 -Wall -Wextra -Werror -Wno-unused-function -Wno-psabi "${flags[@]}" -I "$sources/CSystem" \
    -I "$sources/CVectors" "$here/main.c" -lm -pthread -o "$program"
"$program"
