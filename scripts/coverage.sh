#!/usr/bin/env bash
# Which regions of the Swift sources, which conditions of their C headers, and which lines and branches of the Python
# package do the tests run? What none runs must be explained: for Swift and C in scripts/uncovered.py, for Python by a
# comment at the line. The reports are in build/coverage.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift
need gcc command -v gcc
need libpython3-dev pkg-config --exists python3-embed
need openmpi-bin command -v mpirun
need pkg-config command -v pkg-config
install_missing

out=$PWD/build/coverage
scratch=$PWD/.build-coverage
bin=$(dirname "$(command -v swiftc)") # the profile's format is that of the compiler
rm -rf "$out"
mkdir -p "$out"
step() { printf '\n== %s\n' "$*"; }

step "Swift package"
site_packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
rm -rf "$scratch/release/codecov"
export PULLPUSH_PLAIN_V4=1
PYTHONPATH=$site_packages:$PWD/python swift test -c release --enable-code-coverage --scratch-path "$scratch" 2>&1 |
    grep -v '^◇ '
library=$scratch/release/libpullpush.so
export LD_LIBRARY_PATH=$out LLVM_PROFILE_FILE=$out/%p.profraw
ln -s "$library" "$out/libpullpush.so.0"
gcc -D_GNU_SOURCE -O2 -I include Tests/ABITests/*.c "$library" -lm -pthread -o "$out/abi_tests"
for isa in baseline x86-64-v3 x86-64-v4; do
    step "C callers, $isa"
    PULLPUSH_ISA=$isa PULLPUSH_NUM_THREADS=3 "$out/abi_tests" "$library" 64
done

"$bin/llvm-profdata" merge -o "$out/swift.profdata" "$out"/*.profraw "$scratch"/release/codecov/*.profraw
rm "$out"/*.profraw
objects=("$library" -object "$scratch/release/PullPushPackageTests.xctest" -instr-profile "$out/swift.profdata")
"$bin/llvm-cov" export -format=text "${objects[@]}" "$PWD/Sources" >"$out/Swift.json"
"$bin/llvm-cov" show -format=html -output-dir "$out/swift" "${objects[@]}" "$PWD/Sources"

step "C headers of the Swift sources"
Tests/HeaderTests/run.sh "$out/headers"
"$bin/llvm-profdata" merge -o "$out/headers.profdata" "$out/headers"
objects=("$out/headers.program" -instr-profile "$out/headers.profdata")
"$bin/llvm-cov" export -format=text "${objects[@]}" "$PWD/Sources" >"$out/C.json"
"$bin/llvm-cov" show -format=html -show-branches=count -output-dir "$out/headers-pages" "${objects[@]}" "$PWD/Sources"

step "Python"
unset LD_LIBRARY_PATH LLVM_PROFILE_FILE
cd python
export COVERAGE_FILE=$out/python.data
PYTHONPATH=$PWD ../.venv/bin/coverage run -m pytest tests
../.venv/bin/coverage combine -q "$out"
../.venv/bin/coverage html -q -d "$out/python"
cd ..
failed=0
step "Swift and C: what no test runs"
.venv/bin/python scripts/uncovered.py "$out/Swift.json" "$out/C.json" || failed=1
step "Python: lines and branches that no test runs"
(cd python && ../.venv/bin/coverage report) || failed=1
exit $failed
