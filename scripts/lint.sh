#!/usr/bin/env bash
# Style, types and warnings of everything; `lint.sh --fix` rewrites what a formatter can.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

need_swift
need shellcheck command -v shellcheck
install_missing

swift=(Package.swift Sources Tests examples)
python=()
for folder in accuracy demo benchmarks examples docs scripts Tests/InstallTests; do
    [[ -z $(find "$folder" -name '*.py' -print -quit 2>/dev/null) ]] || python+=("$folder")
done
if [[ ${1:-} == --fix ]]; then
    swift format --in-place --recursive "${swift[@]}"
    .venv/bin/ruff check --fix
    .venv/bin/ruff format
    exit
fi

swift format lint --strict --recursive "${swift[@]}"
.venv/bin/ruff check
.venv/bin/ruff format --check
(cd python && ../.venv/bin/mypy)
# Programs import their neighbours by bare names, and the documentation's tests run the demo.
for folder in "${python[@]}"; do
    MYPYPATH=demo:$folder .venv/bin/mypy --strict --config-file python/pyproject.toml "$folder"
done
shellcheck scripts/*.sh .ci/run Tests/*/*.sh benchmarks/install.sh
for standard in c99 c++17; do
    clang -fsyntax-only -x "${standard%%[0-9]*}" "-std=$standard" -Wall -Wextra -Werror -pedantic include/pullpush.h
done
if grep -rnIE '.{121}' scripts packaging Tests/*Tests Tests/Fuzz Tests/ABI/*.[cs]* include Makefile examples/rust; then
    echo "Lines above are longer than 120 characters." >&2
    exit 1
fi
mapfile -t pinned < <(git ls-files '*requirements.txt' '*constraints.txt')
if grep -nvE '^(#|-r |$)|^[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*(;|$)' "${pinned[@]}"; then
    echo "The requirements above are not pinned to one version." >&2
    exit 1
fi
scripts/check_versions.sh
