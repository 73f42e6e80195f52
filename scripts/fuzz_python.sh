#!/usr/bin/env bash
# fuzz_python.sh SECONDS: made-up calls of the Python package, checked by python/tests. Half of the time hypothesis
# draws them at random (in other tests it draws the same every time), half of the time atheris looks for those that
# reach something new. An input of atheris that fails stays in build/fuzz, and so do those with something new, of which
# scripts/renew_corpus_python.sh makes a small set to begin with.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build/fuzz
mkdir -p "$folder/python"
half=$(($1 / 2 > 0 ? $1 / 2 : 1))
until=$(($(date +%s) + half))
printf 'Python, at random: '
rounds=0
while [[ $rounds -eq 0 || $(date +%s) -lt $until ]]; do
    (cd python && ../.venv/bin/python -m pytest --hypothesis-profile=random tests/test_made_up_calls.py \
        tests/test_properties.py) >"$folder/log-python" 2>&1 || { cat "$folder/log-python" >&2; exit 1; }
    rounds=$((rounds + 1))
done
echo "$rounds rounds of all properties hold"
printf 'Python, guided: '
if ! PYTHONPATH=python .venv/bin/python python/tests/fuzz.py -max_len=1000 -len_control=0 -timeout=60 \
    -max_total_time="$half" -artifact_prefix="$folder/" "$folder/python" python/tests/corpus \
    >"$folder/log-python" 2>&1; then
    echo
    tail -n 40 "$folder/log-python" >&2
    echo "To see it again: PYTHONPATH=python .venv/bin/python python/tests/fuzz.py FILE, the file named above." >&2
    exit 1
fi
sed -n 's/^Done \([0-9]*\) runs.*/\1 calls, each right or refused by name/p' "$folder/log-python"
