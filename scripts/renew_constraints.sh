#!/usr/bin/env bash
# Writes scripts/constraints.txt: the version of every package that the requirements lead to, as pip chooses it today in
# a new environment of this Python.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt \
    --requirement Tests/Fuzz/requirements.txt
series=$("$scratch/venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
{
    echo "# What scripts/renew_constraints.sh found: every package of the tests, the fuzzer, the pages and the"
    echo "# benchmark, with the one version that is installed for Python $series. For another Python pip chooses"
    echo "# what no requirement names."
    # Of a version's builds (2.13.0+cpu) any will do; those for graphics cards bring packages of their own.
    "$scratch/venv/bin/pip" freeze | sed -E 's/\+[a-z0-9.]+$//' | grep -vE '^(nvidia|cuda|triton)' | LC_ALL=C sort -f |
        sed "s/\$/; python_version == \"$series\"/"
} >"$scratch/constraints.txt"
mv "$scratch/constraints.txt" scripts/constraints.txt
