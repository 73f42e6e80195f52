#!/usr/bin/env bash
# clients.sh LIBRARY FOLDER...: compiles one program with the header of each folder and runs all with the one library.
set -euo pipefail
library=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$library" "$scratch/libpullpush.so.0"

for folder in "${@:2}"; do
    gcc -std=c99 -O2 -Wall -Wextra -Werror -I "$folder" "$here/client.c" "$library" -lm -o "$scratch/client"
    if ! LD_LIBRARY_PATH=$scratch "$scratch/client"; then
        echo "A program that was compiled with $folder/pullpush.h does not run with $library." >&2
        exit 1
    fi
done
