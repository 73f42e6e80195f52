#!/usr/bin/env bash
# Makes .venv with the pinned packages; in it `import pullpush` means python/pullpush of this checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

# The system's Python first: it is the one whose libpython the embedding test links.
python=/usr/bin/python3
need python3 command -v "$python"
install_missing
is_recent "$python" || python=$(command -v python3)
if ! is_recent "$python"; then
    echo "PullPush needs Python 3.10 or later, but $python is $("$python" --version)." >&2
    exit 1
fi
if [[ $python == /usr/bin/python3 ]]; then
    need python3-venv "$python" -c 'import venv, ensurepip'
    install_missing
fi

[[ -x .venv/bin/pip ]] || "$python" -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --constraint scripts/constraints.txt \
    --requirement scripts/requirements.txt
.venv/bin/python - <<'PYTHON'
import pathlib, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "pullpush.pth").write_text(f"{pathlib.Path('python').resolve()}\n")
PYTHON
touch .venv/ready
