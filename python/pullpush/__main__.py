"""The command line: ``python -m pullpush info`` and ``python -m pullpush eval features.npy``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from . import PullPushError, PullPushLoss, __version__, isa, library_path, stream
from .options import DEFAULTS, WORDS, Preset
from .streaming import check_other_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status: 0, or 1 after an error (argparse itself leaves with 2)."""
    given = _parser().parse_args(arguments)
    try:
        lines = given.command(given)
    except (PullPushError, OSError, EOFError, ValueError) as error:
        print(f"pullpush: {error}", file=sys.stderr)
        return 1
    print(json.dumps(lines) if given.json else "\n".join(f"{name:<15} {value}" for name, value in lines.items()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pullpush", description="Metric-learning losses on .npy files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    info = commands.add_parser("info", help="what is installed and what it runs on")
    info.set_defaults(command=_info)

    evaluate = commands.add_parser("eval", help="the loss of a file of features, and its gradient")
    evaluate.set_defaults(command=_eval)
    evaluate.add_argument("features", type=Path, help="an .npy file of (rows, dim) floats")
    identities = evaluate.add_mutually_exclusive_group(required=True)
    identities.add_argument("--samples-per-id", type=int, metavar="K", help="rows of each identity, one after another")
    identities.add_argument("--labels", type=Path, metavar="FILE", help="an .npy file with an integer for every row")
    evaluate.add_argument("--gradient", type=Path, metavar="FILE", help="write the gradient to this .npy file")
    evaluate.add_argument("--upstream", type=float, metavar="X", default=1.0, help="the factor of the gradient")
    evaluate.add_argument(
        "--stream", action="store_true", help="read block by block, for files larger than memory (no hinge push)"
    )
    evaluate.add_argument("--preset", choices=get_args(Preset), default="original", help="the options to start from")
    group = evaluate.add_argument_group("options of the loss", "each starts from its value in the preset")
    for name, default in DEFAULTS.items():
        flag = "--" + name.replace("_", "-")
        if name in WORDS:
            group.add_argument(flag, dest=name, choices=tuple(WORDS[name]), default=argparse.SUPPRESS)
        elif isinstance(default, bool):
            group.add_argument(flag, dest=name, action="store_true", default=argparse.SUPPRESS)
        else:
            group.add_argument(flag, dest=name, type=type(default), metavar="X", default=argparse.SUPPRESS)

    for command in (info, evaluate):
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _info(given: argparse.Namespace) -> dict[str, Any]:
    return {
        "version": __version__,
        "library": library_path(),
        "instruction_set": isa(),
        "processors": os.cpu_count(),
        "python": sys.version.split()[0],
        "numpy": np.__version__,
    }


def _eval(given: argparse.Namespace) -> dict[str, Any]:
    overrides = {name: value for name, value in vars(given).items() if name in DEFAULTS}
    loss_fn = PullPushLoss.preset(given.preset, **overrides)
    identities = {
        "samples_per_id": given.samples_per_id,
        "labels": None if given.labels is None else np.load(given.labels),
    }
    if given.stream:
        options: Any = loss_fn.options.changed()
        return stream(given.features, out=given.gradient, upstream=given.upstream, **identities, **options).parts()
    features = np.load(given.features, mmap_mode="r")
    check_other_file(given.gradient, features)
    if given.gradient is None:
        return loss_fn.value(features, **identities).parts()
    loss, gradient = loss_fn.value_and_grad(features, upstream=given.upstream, **identities)
    with given.gradient.open("wb") as file:
        np.save(file, gradient)
    return loss.parts()


if __name__ == "__main__":
    sys.exit(main())
