#!/usr/bin/env bash
# One version everywhere: the header decides, the others must repeat it.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^#define PULLPUSH_VERSION_STRING "\(.*\)"/\1/p' include/pullpush.h)
for place in Sources/PullPush/Version.swift python/pullpush/_version.py CHANGELOG.md; do
    grep -qF "$version" "$place" || { echo "$place does not name version $version of include/pullpush.h." >&2; exit 1; }
done
