#!/usr/bin/env bash
# fuzz.sh LIBRARY SECONDS: calls that libFuzzer makes up, half of the time with each instruction set, checked by
# Tests/Fuzz. An input that fails stays in build/fuzz, and so do inputs that reach something new.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift # its clang has the fuzzer
install_missing

library=$(realpath "$1")
seconds=$(($2 / 2 > 0 ? $2 / 2 : 1))
abi=Tests/ABITests
folder=build/fuzz
mkdir -p "$folder/corpus"
ln -sf "$library" "$folder/libpullpush.so.0"

# lld, for gold warns of the sanitizers' symbols.
clang -std=c99 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Werror -I include -fuse-ld=lld \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    Tests/Fuzz/*.c "$abi"/{api,element,guarded,option_sets,reference,scene}.c "$library" -lm -o "$folder/fuzz"
for isa in baseline x86-64-v3; do
    printf '%s: ' "$isa"
    if ! PULLPUSH_ISA=$isa LD_LIBRARY_PATH=$folder "$folder/fuzz" -seed=1 -max_len=128 -len_control=0 -timeout=20 \
        -max_total_time="$seconds" -artifact_prefix="$folder/" "$folder/corpus" Tests/Fuzz/corpus \
        >"$folder/log" 2>&1; then
        echo
        tail -n 40 "$folder/log" >&2
        echo "To see it again: PULLPUSH_ISA=$isa LD_LIBRARY_PATH=$folder $folder/fuzz FILE, the file named above." >&2
        exit 1
    fi
    grep -a 'calls accepted' "$folder/log"
done
