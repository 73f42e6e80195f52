#!/usr/bin/env bash
# types.sh FOLDER OUT: the types of the header in FOLDER, down to the last field, as abidw writes them. The library has
# no debug information: the types are those of pointers to its functions.
set -euo pipefail
folder=$(realpath "$1")
out=$(realpath "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
{
    echo '#include <pullpush.h>'
    gcc -E -P "$folder/pullpush.h" | tr -s ' \n' ' ' | grep -oE 'pullpush_[a-z0-9_]+\([^)]*\);' |
        sed -E 's/^([a-z0-9_]+).*/__typeof__(\1) *pointer_to_\1;/'
} >"$scratch/types.c"
cd "$scratch"
gcc -std=gnu99 -g -shared -fPIC -I "$folder" types.c -o types.so
abidw --no-corpus-path --no-comp-dir-path --no-show-locs --out-file "$out" types.so
