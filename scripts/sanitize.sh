#!/usr/bin/env bash
# sanitize.sh LIBRARY: the library, with each of its instruction sets, under those who watch memory and threads:
# as it ships, under valgrind's memcheck; and built for it (scripts/build_sanitized.sh) with the C tests, under
# AddressSanitizer, with UndefinedBehaviorSanitizer for the tests, and under ThreadSanitizer, where some of the tests
# with processes run too. Then the C that is compiled into the Swift code, and the Swift tests.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift
need gcc command -v gcc
need libc6-dbg test -d /usr/lib/debug/.build-id
need valgrind command -v valgrind
install_missing

library=$(realpath "$1")
abi=Tests/ABITests
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
ln -s "$library" "$programs/libpullpush.so.0"
flags=(-std=c99 -D_GNU_SOURCE -g -Wall -Wextra -Werror -I include)

gcc "${flags[@]}" -O1 Tests/MemoryTests/*.c "$abi"/{api,check,element,guarded,option_sets,reference,scene}.c \
    "$library" -lm -o "$programs/memory_tests"
for isa in baseline x86-64-v3; do
    printf 'memcheck, %s: ' "$isa"
    PULLPUSH_ISA=$isa LD_LIBRARY_PATH=$programs timeout --verbose 3600 valgrind --quiet --error-exitcode=1 \
        --leak-check=full --errors-for-leak-kinds=definite,possible --show-leak-kinds=definite,possible \
        --suppressions=Tests/MemoryTests/valgrind.supp "$programs/memory_tests" "$library" "$isa"
done

# build PROGRAM SANITIZER SOURCE...: by the compiler of Swift, whose sanitizers the library was built for; lld, for gold
# warns of their symbols.
build() {
    local program=$programs/$1 sanitizer=$2
    shift 2
    clang "${flags[@]}" -O1 -fuse-ld=lld "-fsanitize=$sanitizer" -fno-sanitize-recover=all -fno-omit-frame-pointer \
        "$@" -lm -pthread -o "$program"
}

scripts/build_sanitized.sh address
scripts/build_sanitized.sh thread
# Swift's ThreadSanitizer knows of queues and blocks, and wants their libraries.
swift_libraries=$(swift -print-target-info | sed -n '/"runtimeLibraryPaths"/{n;s/.*"\(.*\)".*/\1/p}')
thread=(build/thread/libpullpush.so "-L$swift_libraries" "-Wl,-rpath,$swift_libraries" -ldispatch -lBlocksRuntime)
build address address,undefined "$abi"/*.c build/address/libpullpush.so
build thread thread "$abi"/*.c "${thread[@]}"
build first_calls thread Tests/ThreadTests/*.c "$abi"/api.c "${thread[@]}"
build processes thread -DPULLPUSH_DLOPEN -DSECONDS=900 -rdynamic Tests/ProcessTests/*.c \
    "$abi"/{api,check,element,guarded,option_sets,reference,scene}.c -Wl,--no-as-needed "${thread[@]:1}"
cp "$(realpath build/thread/libpullpush.so)" "$programs/another.so"
# Not those that fork while other threads run, that need small stacks, or that count memory, of which a sanitizer has
# its own.
processes=(callers load-local two-copies timer blocked-signals faults cancel)
# A test forks while other threads run: what the child does with threads then is the point of it.
# And one asks for more memory than there is, which is refused as without a sanitizer.
export TSAN_OPTIONS="die_after_fork=0 allocator_may_return_null=1 suppressions=$PWD/Tests/ThreadTests/tsan.supp"
export ASAN_OPTIONS=allocator_may_return_null=1
for isa in baseline x86-64-v3 x86-64-v4; do
    for sanitizer in address thread; do
        every=1
        [[ $sanitizer == address ]] || every=4
        printf 'C tests, %s sanitizer, %s: ' "$sanitizer" "$isa"
        PULLPUSH_ISA=$isa PULLPUSH_NUM_THREADS=3 LD_LIBRARY_PATH=build/$sanitizer timeout --verbose 3600 \
            "$programs/$sanitizer" "build/$sanitizer/libpullpush.so" "$every" "$isa"
    done
    for _ in {1..25}; do
        PULLPUSH_ISA=$isa LD_LIBRARY_PATH=build/thread timeout --verbose 300 "$programs/first_calls"
    done
    printf 'First calls at once, thread sanitizer, %s: 25 passed, 0 failed\n' "$isa"
done

printf 'Tests with processes, thread sanitizer:\n'
"$programs/processes" "$PWD/build/thread/libpullpush.so" "$programs/another.so" "${processes[@]}"

for march in x86-64 x86-64-v3; do
    printf 'C within the Swift code, undefined behaviour, %s: ' "$march"
    build headers address,undefined -std=gnu11 "-march=$march" -Wno-psabi -DCSYSTEM_ADDRESS_SANITIZER \
        -I Sources/CSystem -I Sources/CVectors Tests/HeaderTests/main.c
    "$programs/headers"
done

# The ordinary build. XCTest leaves some memory of its own; leaks of the library show above.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0
for sanitizer in address thread; do
    printf 'Swift tests, %s sanitizer: ' "$sanitizer"
    log=$programs/swift-$sanitizer
    swift test -c release --sanitize "$sanitizer" --scratch-path ".build-swift-$sanitizer" \
        --filter PullPushTests >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    grep -oE '[0-9]+ tests in [0-9]+ suites passed' "$log"
done
