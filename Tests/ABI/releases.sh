#!/usr/bin/env bash
# releases.sh FOLDER: does the header in FOLDER keep all that the headers of earlier releases declare, and only add to
# it? No baseline is asked, so that none can be renewed to hide a change: the releases themselves decide.
set -euo pipefail
export LC_ALL=C
header=$1/pullpush.h
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

major() { sed -n 's/^#define PULLPUSH_VERSION_MAJOR //p' "$1"; }

# A struct may grow at its end, for it says its size; its old fields are among the declarations.
cat >"$scratch/growth" <<'GROWTH'
[suppress_type]
  type_kind = struct
  name_regexp = ^pullpush_(batch|options|result)$
  has_data_member_inserted_at = end
  has_size_change = yes
GROWTH

"$here/types.sh" "$1" "$scratch/today.abi"
"$here/declarations.sh" "$header" >"$scratch/today.txt"
for release in "$here"/[0-9]*; do
    # Another major version is another soname, which no old program asks for.
    [[ $(major "$release/pullpush.h") == "$(major "$header")" ]] || continue
    "$here/types.sh" "$release" "$scratch/then.abi"
    "$here/declarations.sh" "$release/pullpush.h" >"$scratch/then.txt"
    lost=$(comm -23 "$scratch/then.txt" "$scratch/today.txt")
    if [[ -n $lost ]] || ! abidiff --no-added-syms --no-show-locs --suppressions "$scratch/growth" \
        "$scratch/then.abi" "$scratch/today.abi" >"$scratch/differences"; then
        echo "Programs of version ${release##*/} relied on what is gone from $header or has become something else:" >&2
        printf '%s\n' "$lost" >&2
        cat "$scratch/differences" >&2 2>/dev/null
        exit 1
    fi
done
