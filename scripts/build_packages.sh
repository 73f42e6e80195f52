#!/usr/bin/env bash
# build_packages.sh wheel|sdist FOLDER: the Python package, built by the backend that python/pyproject.toml names.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
PATH=$PWD/.venv/bin:$PATH
# What builds the package has the versions that the tests have; newer versions of pip read the second variable.
export PIP_CONSTRAINT=$PWD/scripts/constraints.txt PIP_BUILD_CONSTRAINT=$PWD/scripts/constraints.txt

need_swift
need binutils command -v strip
install_missing
folder=$(realpath -m "$2")
mkdir -p "$folder"

case $1 in
    sdist)
        (cd python && hatchling build --target sdist --directory "$folder")
        ;;
    wheel)
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$scratch" ./python
        # auditwheel reads from the library which versions of glibc it runs with, and names the wheel after the oldest.
        auditwheel repair --plat auto --only-plat --wheel-dir "$folder" "$scratch"/*.whl
        ;;
    *)
        echo "usage: $0 wheel|sdist FOLDER" >&2
        exit 2
        ;;
esac
