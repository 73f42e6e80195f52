#!/usr/bin/env bash
# All tests, in the order in which a mistake travels: Swift, the shared library, its C callers, Python, the demo.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift
need abigail-tools command -v abidiff
need binutils command -v readelf
need cmake command -v cmake
need libpython3-dev pkg-config --exists python3-embed
need openmpi-bin command -v mpirun
need pkg-config command -v pkg-config
need qemu-user command -v qemu-x86_64
need rustc command -v rustc
install_missing

# step NAME COMMAND...: runs one kind of test under a heading and stops the run when it fails.
step() {
    local name=$1
    shift
    printf '\n== %s\n' "$name"
    "$@" || { printf '\n%s failed; it was: %s\n' "$name" "$*" >&2; exit 1; }
}

# Every case that starts would be a line.
swift_tests() {
    local site_packages
    site_packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    PYTHONPATH=$site_packages:python swift test -c release 2>&1 | grep -v '^◇ '
}

step "Swift package, and Swift inside Python's process" swift_tests
step "What is in the shared library" scripts/check_library.sh build/libpullpush.so
step "The C headers of the Swift sources" Tests/HeaderTests/run.sh
step "Built again elsewhere, the same bytes" scripts/check_reproducible.sh
step "C and C++ callers" Tests/ABITests/run.sh build/libpullpush.so
if [[ $(uname -m) == x86_64 ]]; then
    step "Other processors, emulated" Tests/DispatchTests/run.sh build/libpullpush.so
    step "arm64, emulated" scripts/cross_arm64.sh 64
fi
step "The binary interface" Tests/ABI/run.sh build/libpullpush.so
step "Programs of today with longer structs to come" scripts/check_growth.sh
step "Memory and threads refused" Tests/FaultTests/run.sh build/libpullpush.so
step "Threads, processes and signals of the host" Tests/ProcessTests/run.sh build/libpullpush.so
step "Made-up calls" scripts/fuzz.sh build/libpullpush.so 10
step "Installed, and as a wheel" .venv/bin/python -m pytest Tests/InstallTests
for tests in python/tests accuracy/tests demo/tests examples/tests docs/tests benchmarks/tests; do
    [[ ! -d $tests ]] || step "Python: $tests" .venv/bin/python -m pytest "$tests"
done
printf '\nAll tests passed.\n'
