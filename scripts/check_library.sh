#!/usr/bin/env bash
# check_library.sh LIBRARY: is the shared object what it claims to be? Small, C alone, and with vector kernels inside.
set -euo pipefail
library=$1
header=$(dirname "$0")/../include/pullpush.h
passed=0 failed=0

# expect WHAT GOT WANTED: one comparison of two words or lists.
expect() {
    if [[ $2 == "$3" ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s\n  got    %s\n  wanted %s\n' "$1" "${2//$'\n'/ }" "${3//$'\n'/ }" >&2
    fi
}

# holds WHAT CONDITION...: one condition.
holds() {
    local what=$1
    shift
    if "$@"; then expect "$what" true true; else expect "$what" false true; fi
}

dynamic=$(readelf --dynamic --wide "$library")
needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic" | sort)
soname=$(sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p' <<<"$dynamic")
declared=$(grep -v '^ \*' "$header" | grep -oE '\bpullpush_[a-z0-9_]+\(' | tr -d '(' | sort -u)
exported=$(nm --dynamic --defined-only --format=posix "$library" | awk '$2 != "A" { print $1 }' | sed 's/@.*//' | sort)
undefined=$(nm --dynamic --undefined-only "$library" | awk '$1 == "U" { print $2 }')
# GNU_STACK's flags are in the line after its name, or at its end.
stack=$(readelf --program-headers --wide "$library" | awk '/GNU_STACK/ { print $(NF - 1) }')
major=$(sed -n 's/^#define PULLPUSH_VERSION_MAJOR //p' "$header")
size=$(stat --dereference --format=%s "$library")

# On arm64 a part of libc is asked of its loader, and segments are 64 kB apart.
arm64='' limit=100000
if [[ $(readelf --file-header "$library") == *AArch64* ]]; then arm64='|ld-linux-aarch64\.so\.1' limit=200000; fi
holds "needs libc and libm alone, not: ${needed//$'\n'/ }" \
    test -z "$(grep -vxE "lib[cm]\.so\.6$arm64" <<<"$needed" || true)"
expect "exports what the header declares" "$exported" "$declared"
expect "soname" "$soname" "libpullpush.so.$major"
expect "a stack that is not executable" "$stack" "RW"
holds "no text relocations" test -z "$(grep TEXTREL <<<"$dynamic" || true)"
holds "under $limit bytes, at $size" test "$size" -lt $limit
holds "nothing undefined beside glibc: ${undefined//$'\n'/ }" \
    test -z "$(grep -vE '@GLIBC_|^(__cxa_finalize|__gmon_start__|_ITM_.*)(@|$)' <<<"$undefined" || true)"

# The kernels of each instruction set must have kept it: an optimiser may move them to a lesser one without a word.
if [[ $(readelf --file-header "$library") == *X86-64* ]]; then
    code=$(objdump --disassemble --no-show-raw-insn "$library")
    instructions() { grep -cE "$1" <<<"$code" || true; }
    kernels=('mulps.*%xmm' 'vfmadd.*ps.*%ymm' 'vfmadd.*pd.*%ymm' 'vfmadd.*ps.*%zmm')
    for kernel in "${kernels[@]}"; do
        holds "has instructions $kernel" test "$(instructions "$kernel")" -gt 10
    done
    holds "no library call for a fused multiply-add" test "$(instructions 'call.*<fmaf?[@>]')" -eq 0
    holds "no call into a Swift runtime" test "$(instructions 'call.*<_?swift_.*@plt')" -eq 0
fi

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
