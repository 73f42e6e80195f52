#!/usr/bin/env bash
# renew_corpus_python.sh: python/tests/corpus anew, from itself and what `make fuzz` has found: a small set of inputs
# that together reach all of the package that any of them reaches. What an input means changes with the strategies of
# the tests and with hypothesis, so they are a good start for atheris, and no more.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build/fuzz
rm -rf "$folder/merged"
mkdir -p "$folder/merged" "$folder/python" python/tests/corpus
# The fuzzer starts itself anew, by the name of its program alone.
PATH=$PWD/.venv/bin:$PATH PYTHONPATH=python python/tests/fuzz.py -max_len=1000 -set_cover_merge=1 -use_counters=0 \
    "$folder/merged" python/tests/corpus "$folder/python" >"$folder/log-python" 2>&1 ||
    { cat "$folder/log-python" >&2; exit 1; }
rm -f python/tests/corpus/*
mv "$folder"/merged/* python/tests/corpus/
printf '%d files, %d bytes\n' "$(find python/tests/corpus -type f | wc -l)" "$(cat python/tests/corpus/* | wc -c)"
