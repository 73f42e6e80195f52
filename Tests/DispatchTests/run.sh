#!/usr/bin/env bash
# run.sh LIBRARY [EVERY]: the library on processors that an emulator plays: it must choose the best instruction set that
# is there in full, and pass the C tests (each EVERY-th generated case) with it.
set -euo pipefail
library=$(realpath "$1")
every=${2:-64}
here=$(cd "$(dirname "$0")" && pwd)
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
ln -s "$library" "$programs/libpullpush.so.0"
export LD_LIBRARY_PATH=$programs ABI_TESTS_EMULATED=1
flags=(-std=c99 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -I "$here/../../include")

gcc "${flags[@]}" "$here/isa.c" "$library" -o "$programs/isa"
gcc "${flags[@]}" "$here"/../ABITests/*.c "$library" -lm -pthread -o "$programs/abi_tests"

# on PROCESSOR PROGRAM ARGUMENT...: without check=off the emulator lists what of the processor it does not play.
on() { timeout --verbose 7200 qemu-x86_64 -cpu "$1,check=off" "${@:2}"; }

checked=0 failed=0
# Of libc, what needs SSE2 alone: on half processors, which nobody builds, it would choose instructions that they lack.
tunables=glibc.cpu.hwcaps=-AVX2,-SSE4_2,-SSSE3

# chooses PROCESSOR ISA [WISH]: what the library chooses, if WISH is in PULLPUSH_ISA.
chooses() {
    local chosen
    chosen=$(PULLPUSH_ISA=${3:-} GLIBC_TUNABLES=$tunables on "$1" "$programs/isa") ||
        chosen="nothing, and ended with status $?"
    checked=$((checked + 1))
    if [[ $chosen != "$2" ]]; then
        failed=$((failed + 1))
        echo "FAILED on $1 with PULLPUSH_ISA='${3:-}': chose $chosen instead of $2" >&2
    fi
}

for processor in Haswell Skylake-Client EPYC max; do
    chooses "$processor" x86-64-v3
    chooses "$processor" baseline baseline
    chooses "$processor" x86-64-v3 x86-64-v3
    chooses "$processor" x86-64-v3 x86-64-v4
    chooses "$processor" x86-64-v3 nonsense
done
# A wish does not give a processor what it lacks.
for processor in qemu64 Westmere SandyBridge max,level=6; do
    chooses "$processor" baseline
    chooses "$processor" baseline x86-64-v3
    chooses "$processor" baseline x86-64-v4
done
# All that x86-64-v3 consists of, and the operating system's part; each is missed.
for feature in sse3 ssse3 sse4.1 sse4.2 popcnt cx16 lahf-lm avx avx2 bmi1 bmi2 f16c fma abm movbe xsave; do
    chooses "max,-$feature" baseline
done
echo "$checked choices, $failed wrong"

for processor in 'Westmere baseline' 'Haswell x86-64-v3'; do
    read -r name isa <<<"$processor"
    printf 'each %s. case on a %s: ' "$every" "$name"
    on "$name" "$programs/abi_tests" "$library" "$every" "$isa"
done
[[ $failed -eq 0 ]]
