#!/usr/bin/env bash
# run.sh LIBRARY: builds the tests with every compiler there is, as C99 and as C++17, linked and with dlopen; runs each
# on some of the generated cases, and one on all of them with every instruction set.
set -euo pipefail
library=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
flags=(-D_GNU_SOURCE -O2 -Wall -Wextra -Werror -pedantic -I "$here/../../include")
# What the loader looks for is the soname.
ln -s "$library" "$programs/libpullpush.so.0"
export LD_LIBRARY_PATH=$programs

# build PROGRAM COMPILER LANGUAGE FORM: LANGUAGE is c99 or c++17, FORM is linked or dlopen.
build() {
    local libraries=(-x none "$library")
    [[ $4 == linked ]] || libraries=(-DPULLPUSH_DLOPEN)
    "$2" -x "${3%%[0-9]*}" "-std=$3" "${flags[@]}" "$here"/*.c "${libraries[@]}" -lm -pthread -o "$1"
}

# run PROGRAM ARGUMENT...: a deadlock is a failure and not a hang. It takes seconds; a machine may be busy.
run() { timeout --verbose 900 "$@"; }

# supports ISA: whether this machine's own loader knows the machine to have it.
supports() {
    [[ $1 == baseline ]] || /lib64/ld-linux-x86-64.so.2 --help 2>/dev/null | grep -q "$1 (supported"
}

for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || continue
    for language in c99 c++17; do
        for form in linked dlopen; do
            program=$programs/$compiler-$language-$form
            build "$program" "$compiler" "$language" "$form"
            printf '%s: ' "${program##*/}"
            PULLPUSH_NUM_THREADS=3 run "$program" "$library" 16
        done
    done
done

# The instruction sets are those that the header names.
for isa in $(grep -oE '"(baseline|x86-64-v[0-9])"' "$here/../../include/pullpush.h" | tr -d '"' | sort -u); do
    printf 'all cases, %s: ' "$isa"
    if supports "$isa"; then
        PULLPUSH_ISA=$isa run "$program" "$library" 1 "$isa"
    else
        echo "skipped, for this machine does not have it"
    fi
done
