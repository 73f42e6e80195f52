"""Counts the instructions of one call as the batch grows: the proof that a closed form does no work on pairs.

Runs a small C program under valgrind's callgrind, which counts instructions and not seconds, so the figures are the
same on a busy machine. A push in closed form costs the same number of instructions an element however many rows there
are; one that looks at pairs doubles with the rows.

    .venv/bin/python benchmarks/instructions.py
"""

from __future__ import annotations

import argparse
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIM = 64
SAMPLES_PER_ID = 4
ROWS = (256, 512, 1024)

PROGRAM = r"""
#include <pullpush.h>
#include <stdlib.h>

/* argv: calls rows dim samples_per_id normalize push push_between objective */
int main(int argc, char **argv) {
    size_t rows = (size_t)atol(argv[2]), dim = (size_t)atol(argv[3]);
    float *features = malloc(rows * dim * sizeof *features), *gradient = malloc(rows * dim * sizeof *gradient);
    for (size_t i = 0; i < rows * dim; i++) features[i] = (float)((i * 2654435761u) % 1000) / 1000 - 0.5f;
    pullpush_batch batch = {sizeof batch, features, rows, dim, 0, NULL, (size_t)atol(argv[4]), PULLPUSH_DTYPE_F32, 0};
    pullpush_result result = {.struct_size = sizeof result};
    pullpush_options options;
    pullpush_options_init(&options, sizeof options);
    options.normalize = atoi(argv[5]);
    options.push = atoi(argv[6]);
    options.push_between = atoi(argv[7]);
    options.objective = atoi(argv[8]);
    options.num_threads = 1;
    for (long i = 0; i < atol(argv[1]); i++)
        if (pullpush_evaluate(&batch, &options, &result, gradient, 0, NULL, 0)) return 1;
    return argc != 9;
}
"""

NORMALIZE = {"none": 0, "l2": 1}
PUSH = {"linear": 0, "squared": 1, "hinge": 2}
BETWEEN = {"representatives": 0, "centroids": 1, "all": 2}
OBJECTIVE = {"inner_product": 0, "squared_euclidean": 1}

CASES = [
    *itertools.product(NORMALIZE, ["linear"], BETWEEN, OBJECTIVE),
    ("l2", "squared", "representatives", "inner_product"),
    ("l2", "squared", "all", "inner_product"),
    ("l2", "hinge", "all", "inner_product"),
]


def count(program: Path, calls: int, rows: int, case: tuple[str, str, str, str]) -> int:
    """The instructions of a run with so many calls."""
    normalize, push, between, objective = case
    choices = [NORMALIZE[normalize], PUSH[push], BETWEEN[between], OBJECTIVE[objective]]
    numbers = [calls, rows, DIM, SAMPLES_PER_ID, *choices]
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), *map(str, numbers)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if found is None:
        raise RuntimeError(f"valgrind did not say what it collected: {run.stderr}")
    return int(found[1])


def per_element(program: Path, rows: int, case: tuple[str, str, str, str]) -> float:
    """Instructions of one call for one number of the batch; what the program does beside its calls cancels."""
    return (count(program, 3, rows, case) - count(program, 1, rows, case)) / 2 / (rows * DIM)


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("This needs valgrind: install it, for example with apt-get install valgrind.")
    library = ROOT / "build" / "libpullpush.so"
    if not library.exists():
        sys.exit(f"There is no {library}: run make lib.")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "program.c")
        program = Path(folder, "program")
        source.write_text(PROGRAM)
        link = [str(library), f"-Wl,-rpath,{library.parent}"]
        subprocess.run(["cc", "-O2", "-I", str(ROOT / "include"), str(source), "-o", str(program), *link], check=True)
        print(f"Instructions an element, dim {DIM}, {SAMPLES_PER_ID} rows an identity, loss and gradient\n")
        print("| normalize | push | push_between | objective | " + " | ".join(f"{rows} rows" for rows in ROWS) + " |")
        print("|---|---|---|---|" + "---:|" * len(ROWS))
        for case in CASES:
            figures = (f"{per_element(program, rows, case):.1f}" for rows in ROWS)
            print("| " + " | ".join(case) + " | " + " | ".join(figures) + " |", flush=True)


if __name__ == "__main__":
    main()
