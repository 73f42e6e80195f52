#!/usr/bin/env bash
# sanitize.sh LIBRARY: the library under valgrind's memcheck, with each of its instruction sets: no leak, no read of
# uninitialised memory, no access beyond a buffer; and the C tests built with AddressSanitizer and
# UndefinedBehaviorSanitizer, which judge the tests and what they hand to the library.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need gcc command -v gcc
need libc6-dbg test -d /usr/lib/debug/.build-id
need valgrind command -v valgrind
install_missing

library=$(realpath "$1")
abi=Tests/ABITests
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
ln -s "$library" "$programs/libpullpush.so.0"
export LD_LIBRARY_PATH=$programs
flags=(-std=c99 -D_GNU_SOURCE -g -Wall -Wextra -Werror -I include)

gcc "${flags[@]}" -O1 Tests/MemoryTests/*.c "$abi"/{api,check,element,guarded,option_sets,reference,scene}.c \
    "$library" -lm -o "$programs/memory_tests"
for isa in baseline x86-64-v3; do
    printf 'memcheck, %s: ' "$isa"
    PULLPUSH_ISA=$isa valgrind --quiet --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite,possible \
        --show-leak-kinds=definite,possible --suppressions=Tests/MemoryTests/valgrind.supp \
        "$programs/memory_tests" "$library" "$isa"
done

printf 'C tests with AddressSanitizer and UndefinedBehaviorSanitizer: '
gcc "${flags[@]}" -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer "$abi"/*.c \
    "$library" -lm -pthread -o "$programs/abi_tests"
"$programs/abi_tests" "$library" 16
