#!/usr/bin/env bash
# fuzz.sh LIBRARY SECONDS: calls that libFuzzer makes up, a third of the time with each instruction set, checked by
# Tests/Fuzz. It is guided through the Swift code, and watched in it, by a library built for that; all inputs that it
# keeps then go to LIBRARY, the one that ships. An input that fails stays in build/fuzz, and so do inputs that reach
# something new, which scripts/renew_corpus.sh makes part of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift # its clang has the fuzzer
install_missing

library=$(realpath "$1")
seconds=$(($2 / 3 > 0 ? $2 / 3 : 1))
abi=Tests/ABITests
folder=build/fuzz
mkdir -p "$folder/corpus" "$folder/shipped"
ln -sf "$library" "$folder/shipped/libpullpush.so.0"
scripts/build_sanitized.sh address

# lld, for gold warns of the sanitizers' symbols. What the tests themselves reach is no discovery, so it is not counted.
clang -std=c99 -D_GNU_SOURCE -g -O2 -Wall -Wextra -Werror -I include -fuse-ld=lld \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    -fno-sanitize-coverage=edge,indirect-calls,inline-8bit-counters,pc-table,trace-cmp \
    Tests/Fuzz/*.c "$abi"/{api,element,guarded,option_sets,reference,scene}.c build/address/libpullpush.so -lm \
    -o "$folder/fuzz"

# fuzz FOLDER ARGUMENT...: the fuzzer with the library in that folder; what it says goes to the log.
fuzz() {
    local libraries=$1
    shift
    if ! PULLPUSH_ISA=$isa FUZZ_ISA=$isa LD_LIBRARY_PATH=$libraries "$folder/fuzz" -timeout=20 \
        -artifact_prefix="$folder/" "$@" "$folder/corpus" Tests/Fuzz/corpus >"$folder/log" 2>&1; then
        echo
        tail -n 40 "$folder/log" >&2
        echo "To see it again, with FILE named above:" \
            "PULLPUSH_ISA=$isa LD_LIBRARY_PATH=$libraries $folder/fuzz FILE" >&2
        exit 1
    fi
    sed -n 's/^\([0-9]* calls accepted.*\)/\1/p' "$folder/log"
}

# chooses FOLDER: whether the library there runs with the instruction set, for a run is called by what it runs with.
chooses() {
    ! grep 'the library chose' < <(PULLPUSH_ISA=$isa FUZZ_ISA=$isa LD_LIBRARY_PATH=$1 "$folder/fuzz" -runs=0 2>&1)
}

for isa in baseline x86-64-v3 x86-64-v4; do
    printf '%s: ' "$isa"
    ! chooses build/address || fuzz build/address -seed=1 -max_len=128 -len_control=0 -max_total_time="$seconds"
    printf '%s, as shipped: ' "$isa"
    ! chooses "$folder/shipped" || fuzz "$folder/shipped" -runs=0
done
