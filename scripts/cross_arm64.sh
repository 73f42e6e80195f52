#!/usr/bin/env bash
# cross_arm64.sh [EVERY]: builds the shared library for Linux on arm64 into build/arm64, and runs the C tests (each
# EVERY-th generated case) with it in an emulator.
#
# Toolchains for x86-64 have Embedded Swift's standard library for arm64 without an operating system. That is enough:
# the library takes from the system what the C headers declare, and these are Linux's.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift
need gcc-aarch64-linux-gnu command -v aarch64-linux-gnu-gcc
need libc6-dev-arm64-cross test -d /usr/aarch64-linux-gnu/include
need qemu-user command -v qemu-aarch64
install_missing

out=build/arm64
system=/usr/aarch64-linux-gnu
rm -rf "$out"
mkdir -p "$out"

# What Package.swift asks for, of all modules and of each; the first lines make it Linux.
flags=(-target aarch64-none-none-elf -Xcc -D__linux__ -Xcc -isystem -Xcc "$system/include" -Xcc -fPIC
    -swift-version 6 -enable-experimental-feature Embedded -wmo -parse-as-library -package-name pullpush
    -Xfrontend -function-sections -I "$out" -module-cache-path "$out/cache")
for map in Sources/CSystem Sources/CVectors include; do
    flags+=(-Xcc "-fmodule-map-file=$map/module.modulemap")
done
small=(-Osize -Xfrontend -remove-runtime-asserts)
fast=(-Ounchecked -Xllvm -align-loops=1 -Xllvm -unroll-runtime=0 -Xllvm -vectorize-loops=0)
for module in KernelInterface PullPushKernels PullPush PullPushABI; do
    case $module in
        PullPush) settings=("${fast[@]}") ;;
        PullPushKernels) settings=("${small[@]}" -DPULLPUSH_FMA) ;;
        *) settings=("${small[@]}") ;;
    esac
    swiftc "${flags[@]}" "${settings[@]}" -module-name "$module" -emit-module \
        -emit-module-path "$out/$module.swiftmodule" -c Sources/$module/*.swift -o "$out/$module.o"
done
library=$out/libpullpush.so.0
aarch64-linux-gnu-gcc -shared "$out"/*.o -lm -o "$library" -Wl,--version-script=Sources/PullPushABI/exports.map \
    -Wl,-soname,libpullpush.so.0 -Wl,--gc-sections -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,text
aarch64-linux-gnu-strip "$library"
scripts/check_library.sh "$library"

aarch64-linux-gnu-gcc -std=c99 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -pedantic -I include Tests/ABITests/*.c \
    "$library" -lm -pthread -o "$out/abi_tests"
ABI_TESTS_EMULATED=1 timeout --verbose 7200 qemu-aarch64 -L "$system" -E "LD_LIBRARY_PATH=$out" \
    "$out/abi_tests" "$library" "${1:-1}" baseline
