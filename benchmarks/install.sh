#!/usr/bin/env bash
# What the benchmark needs beside the tests: peers in .venv, gcc, and headers for what torch.compile writes.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

headers=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')
need gcc command -v gcc
need g++ command -v g++
need python3-dev test -e "$headers/Python.h"
install_missing

.venv/bin/pip install --quiet --disable-pip-version-check --constraint scripts/constraints.txt \
    --requirement benchmarks/requirements.txt
touch .venv/ready-to-bench
