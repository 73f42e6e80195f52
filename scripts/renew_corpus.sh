#!/usr/bin/env bash
# renew_corpus.sh: Tests/Fuzz/corpus anew, from itself and what `make fuzz` has found: a small set of inputs that
# together reach all of the library that any of them reaches, with each instruction set.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build/fuzz
rm -rf "$folder/merged"
mkdir "$folder/merged"
for isa in baseline x86-64-v3 x86-64-v4; do
    # Places reached, however often: a file for every count would be thousands.
    PULLPUSH_ISA=$isa LD_LIBRARY_PATH=build/address "$folder/fuzz" -set_cover_merge=1 -use_counters=0 \
        "$folder/merged" Tests/Fuzz/corpus "$folder/corpus" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
done
rm -f Tests/Fuzz/corpus/*
mv "$folder"/merged/* Tests/Fuzz/corpus/
printf '%d files, %d bytes\n' "$(find Tests/Fuzz/corpus -type f | wc -l)" "$(cat Tests/Fuzz/corpus/* | wc -c)"
