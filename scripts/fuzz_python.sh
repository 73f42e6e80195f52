#!/usr/bin/env bash
# fuzz_python.sh SECONDS: calls of the Python package that atheris makes up, checked by python/tests. An input that
# fails stays in build/fuzz, and so do inputs that reach something new.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build/fuzz
mkdir -p "$folder/python"
printf 'Python: '
if ! PYTHONPATH=python .venv/bin/python python/tests/fuzz.py -max_len=1000 -len_control=0 -timeout=60 \
    -max_total_time="$1" -artifact_prefix="$folder/" "$folder/python" >"$folder/log-python" 2>&1; then
    echo
    tail -n 40 "$folder/log-python" >&2
    echo "To see it again: PYTHONPATH=python .venv/bin/python python/tests/fuzz.py FILE, the file named above." >&2
    exit 1
fi
sed -n 's/^Done \([0-9]*\) runs.*/\1 calls, each right or refused by name/p' "$folder/log-python"
