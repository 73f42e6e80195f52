"""Do the tests notice mistakes? Changes the sources in one place at a time and runs the tests that should fail.

Every line of Swift, of its C headers and of Python offers mutants: another operator, constant or direction, a statement
or check less. Their order is that of a hash of file, line and change, so that the first N of them are a sample that
stays the same while the rest of the code changes. A mutant that no test kills is a missing test, or is explained in
`equivalent_mutants.txt`: file, line, mutated line and reason, where an explanation that fits no line is an error.

    mutate.py [swift|python] [--count N | --slice I/N] [--file TEXT] [--summary FILE] [--list]

All mutants take hours. `--slice 2/8` is the second of eight parts of them all, and `--summary FILE` adds to a file what
a run found, so that they can be judged one after another, or on several machines.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRATCH = ROOT / "build" / "mutants"
EXPLANATIONS = Path(__file__).with_name("equivalent_mutants.txt")
SOURCES = {
    "swift": [
        *("Sources/PullPush/*.swift", "Sources/PullPushABI/*.swift", "Sources/PullPushKernels/*.swift"),
        *("Sources/KernelInterface/*.swift", "Sources/CSystem/*.h", "Sources/CVectors/*.h"),
    ],
    "python": ["python/pullpush/*.py"],
}
# A program that measures; nobody relies on what it finds.
NOT_TESTED = {"distributed_cost"}
# Which tests are to notice a change of which module, if not tests/test_MODULE.py.
TESTS_OF = {
    "__init__": "test_library",
    "__main__": "test_cli",
    "_library": "test_options test_loss test_statistics test_library test_threads",
    "arrays": "test_arrays test_dlpack test_edges",
    "checks": "test_options test_loss test_sampler test_library test_arrays",
    "errors": "test_library test_loss",
    "interchange": "test_dlpack",
    "loss": "test_loss test_edges test_options test_arrays test_dlpack",
    "options": "test_options test_cli test_torch",
    "torch_distributed": "test_distributed",
    "torch_formulas": "test_torch test_distributed",
}

# The tests among threads and processes that ask something of the library itself, and quickly.
PROCESS_TESTS = ["callers", "all-help", "waking", "sleep", "processors", "asked", "fork-later", "exit-amid-calls"]
PROCESS_TESTS += ["environment", "cancel", "scratch"]
# Tests of many processes, which take minutes and are asked only of the modules they are about.
SLOW = {"test_distributed"}

# What is replaced, by what; either way for pairs. Swift's operators and Python's share their spelling.
SWAPS = [(" + ", " - "), (" &+ ", " &- "), (" * ", " + "), (" &* ", " &+ "), (" += ", " -= "), (" &+= ", " &-= ")]
SWAPS += [(" < ", " <= "), (" > ", " >= "), (" < ", " > "), (" == ", " != "), (" && ", " || "), ("min(", "max(")]
SWAPS += [(" and ", " or "), (" is None", " is not None"), ("true", "false"), ("True", "False")]
SWAPS += [(" == ", " <= "), (" == ", " >= "), (" / ", " * "), (" % ", " / "), (" & ", " | "), (" << ", " >> ")]
# One way only, for Python's `...` is something else.
RANGE = ("..<", "...")
# A number that is not here is made greater by one in its last digit, or ten times as large where it has an exponent.
CONSTANTS = {"4": "3", "0.0": "1.0", "1.0": "2.0", "0.5": "1.0"}
NUMBER = re.compile(r"(?<![\w.$])\d[\d_]*(\.\d+)?(e-?\d+)?(?![\w.])")
# A whole statement that can be left out: an addition, a call that checks or fills, a refusal on one line.
STATEMENT = re.compile(
    r"\s+([\w.\[\] &+]+ (&?[-+*]=) .*[\w)\]]|(try )?(check|require|_check)\w*\(.*\)|if .* \{ (throw|return).*\})"
)
LITERAL = re.compile(r'"(\\.|[^"\\])*"|#.*$|//.*$|/\*.*?\*/')


@dataclass(frozen=True)
class Mutant:
    """One line changed. Lines are compared without their indentation."""

    file: str
    line: int
    old: str
    new: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the mutant in whatever place the line is."""
        return self.file, self.old.strip(), self.new.strip()

    @property
    def order(self) -> str:
        """The place in the sample."""
        return hashlib.sha256(repr(self.key).encode()).hexdigest()

    def __str__(self) -> str:
        """For people."""
        return f"{self.file}:{self.line}: {self.old.strip()}\n      -> {self.new.strip() or '(left out)'}"


def replacements(line: str) -> set[str]:
    """The line with each change that fits somewhere outside of literals and comments."""
    code = LITERAL.sub(lambda match: "\0" * len(match[0]), line)
    changed: set[str] = set()

    def replace(start: int, end: int, text: str) -> None:
        changed.add(line[:start] + text + line[end:])

    for swap in SWAPS:
        for old, new in (swap, swap[::-1]):
            before, after = ("" if old[0] == " " else r"\b"), ("" if old[-1] in " -(" else r"\b")
            for match in re.finditer(before + re.escape(old) + after, code):
                replace(*match.span(), new)
    for match in re.finditer(r"(?<== )-(?=\w)", code):
        replace(*match.span(), "")
    for match in re.finditer(re.escape(RANGE[0]), code):
        replace(*match.span(), RANGE[1])
    for match in NUMBER.finditer(code):
        replace(*match.span(), CONSTANTS.get(match[0]) or another(match[0]))
    if STATEMENT.fullmatch(code):
        changed.add("")
    return changed - {line}


def another(number: str) -> str:
    """A number near this one."""
    digits, e, exponent = number.partition("e")
    if e:
        return f"{digits}e{int(exponent) + 1}"
    whole, point, rest = number.replace("_", "").partition(".")
    return f"{whole}.{rest[:-1]}{(int(rest[-1]) + 1) % 10}" if point else str(int(whole) + 1)


def lines_of_code(path: Path) -> list[tuple[int, str]]:
    """The lines that may be changed: no comments, documentation, imports, attributes or declarations of functions."""
    kept = []
    quoted = commented = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.strip()
        documentation = text.count('"""')
        commented |= text.startswith("/*")
        ordinary = not (quoted or documentation or commented)
        if ordinary and not re.match(r"(//|#|@|import |from |def |class |__all__|%|$)", text):
            kept.append((number, line))
        quoted ^= documentation % 2 == 1
        commented &= "*/" not in text
    return kept


def mutants(language: str) -> list[Mutant]:
    """All mutants of a language, in the order of the sample."""
    found = []
    for files in SOURCES[language]:
        for path in sorted(ROOT.glob(files)):
            if path.stem in NOT_TESTED:
                continue
            for number, line in lines_of_code(path):
                found += [Mutant(str(path.relative_to(ROOT)), number, line, new) for new in replacements(line)]
    return sorted(found, key=lambda mutant: mutant.order)


def explained() -> dict[tuple[str, str, str], str]:
    """The mutants that are no mistakes."""
    entries = [entry.strip().splitlines() for entry in EXPLANATIONS.read_text().split("\n\n")]
    result = {}
    for file, old, new, *reason in (entry for entry in entries if entry and not entry[0].startswith("#")):
        result[file, old, "" if new == "(left out)" else new] = " ".join(reason)
    return result


def run(command: list[str], limit: float, **variables: str) -> bool:
    """Whether a command succeeds in the scratch copy within the limit of seconds."""
    process = subprocess.Popen(
        command,
        cwd=SCRATCH,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(SCRATCH / "python")} | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(limit) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False


def pytest(*tests: str, limit: float = 300, **variables: str) -> bool:
    """Whether the named files of python/tests pass."""
    files = [f"python/tests/{test}.py" for test in tests]
    config = ["-c", "python/pyproject.toml", "--rootdir", "python", "-p", "no:cacheprovider"]
    return run([str(ROOT / ".venv/bin/python"), "-m", "pytest", "-x", "-q", *config, *files], limit, **variables)


def build_swift() -> bool:
    """Whether the shared library builds."""
    return run(["scripts/build_library.sh"], 600, PULLPUSH_NO_APT="1")


def swift_passes() -> bool:
    """The C tests with few cases, then with all, then what only other tests ask."""
    library = str(SCRATCH / "build/libpullpush.so")
    for every in ("16", "1"):
        for isa in ("baseline", "x86-64-v3"):
            if not run(
                ["build/abi_tests", library, every],
                30 if every == "16" else 120,
                PULLPUSH_ISA=isa,
                PULLPUSH_NUM_THREADS="3",
            ):
                return False
    if not run(["Tests/DispatchTests/run.sh", library], 300):
        return False
    if not run(["Tests/FaultTests/run.sh", library], 300):
        return False
    if not run(["Tests/ProcessTests/run.sh", library, *PROCESS_TESTS], 300):
        return False
    names = ("test_edges", "test_accuracy", "test_statistics", "test_threads", "test_library", "test_options")
    if not pytest(*names, PULLPUSH_LIBRARY=library):
        return False
    if not run(["swift", "test", "-c", "release", "--filter", "InterfaceTests|ErrorTests|ElementTests"], 600):
        return False
    return sanitized_passes()


def sanitized_passes() -> bool:
    """The C tests where AddressSanitizer watches, also over scratch memory."""
    if not run(["scripts/build_sanitized.sh", "address"], 600):
        return False
    variables = {"ASAN_OPTIONS": "allocator_may_return_null=1", "LD_LIBRARY_PATH": str(SCRATCH / "build/address")}
    command = ["build/sanitized_tests", "build/address/libpullpush.so", "4"]
    return all(
        run(command, 300, PULLPUSH_ISA=isa, PULLPUSH_NUM_THREADS="3", **variables)
        for isa in ("baseline", "x86-64-v3", "x86-64-v4")
    )


def python_passes(file: str) -> bool:
    """The tests of the module, then the others."""
    module = Path(file).stem
    own = TESTS_OF.get(module, f"test_{module}").split()
    others = {path.stem for path in (SCRATCH / "python/tests").glob("test_*.py")} - SLOW - set(own)
    return pytest(*own) and pytest(*sorted(others), limit=600)


def prepare(language: str) -> None:
    """A copy of what git tracks, built; only files that differ are touched, for the next build to be quick."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in tracked.decode().split("\0"):
        source, target = ROOT / name, SCRATCH / name
        if name and source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(source.readlink())
        elif name and not (target.is_file() and target.read_bytes() == source.read_bytes()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    if not build_swift():
        sys.exit("The library does not build as it is.")
    tests = sorted(str(path) for path in (SCRATCH / "Tests/ABITests").glob("*.c"))
    flags = ["-D_GNU_SOURCE", "-Iinclude", *tests, "-lm", "-pthread"]
    plain = [*flags, "build/libpullpush.so", f"-Wl,-rpath,{SCRATCH / 'build'}", "-o", "build/abi_tests"]
    watched = ["-fsanitize=address", "-fuse-ld=lld", *flags, "build/address/libpullpush.so"]
    if (
        not run(["gcc", "-O2", *plain], 300)
        or not run(["scripts/build_sanitized.sh", "address"], 600)
        or not run(["clang", "-O1", *watched, "-o", "build/sanitized_tests"], 300)
    ):
        sys.exit("The C tests do not build as they are.")
    if language == "swift" and not swift_passes():
        sys.exit("The tests fail before anything is changed.")


def judge(mutant: Mutant, language: str) -> str:
    """'killed', 'survived' or 'invalid', which is one that does not compile."""
    path = SCRATCH / mutant.file
    original = path.read_text()
    lines = original.splitlines()
    lines[mutant.line - 1] = mutant.new
    path.write_text("\n".join(lines) + "\n")
    try:
        if language == "python":
            return "survived" if python_passes(mutant.file) else "killed"
        if mutant.file.endswith(".h") and not run(["Tests/HeaderTests/run.sh"], 60):
            return "killed"
        if not build_swift():
            return "invalid"
        return "survived" if swift_passes() else "killed"
    finally:
        path.write_text(original)


def sliced(sample: list[Mutant], part: str) -> list[Mutant]:
    """The part "I/N" of a sample."""
    number, of = (int(word) for word in part.split("/"))
    return sample[number - 1 :: of]


def summary(counts: dict[str, int], total: int, survivors: list[Mutant]) -> str:
    """What a run found. An explained mutant is an equivalent one; an invalid one does not compile."""
    judged = ", ".join(f"{count} {result}" for result, count in counts.items())
    return "\n".join([f"{judged}, of {total} mutants in all", *(f"survived  {mutant}" for mutant in survivors)])


def main() -> int:
    """Judge a sample; 1 if a mutant survives that is not explained, or an explanation fits no line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("language", choices=SOURCES, nargs="?")
    parser.add_argument("--count", type=int, default=60, help="mutants of each language")
    parser.add_argument("--slice", metavar="I/N", help="instead, every N-th of all mutants from the I-th on")
    parser.add_argument("--file", default="", help="only in files whose path holds this")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="add to this file what was found")
    parser.add_argument("--list", action="store_true", help="show the sample and judge nothing")
    given = parser.parse_args()

    equivalent = explained()
    everything = {language: mutants(language) for language in SOURCES}
    unknown = set(equivalent) - {mutant.key for found in everything.values() for mutant in found}
    for file, old, new in sorted(unknown):
        print(f"explained, but no mutant: {file}: {old} -> {new}")
    survived = False
    for language in [given.language] if given.language else list(SOURCES):
        sample = [mutant for mutant in everything[language] if given.file in mutant.file]
        total = len(sample)
        sample = sliced(sample, given.slice) if given.slice else sample[: given.count]
        if given.list:
            print(*sample, sep="\n")
            continue
        prepare(language)
        counts = dict.fromkeys(("killed", "survived", "explained", "invalid"), 0)
        survivors = []
        for number, mutant in enumerate(sample, 1):
            start = time.monotonic()
            result = "explained" if mutant.key in equivalent else judge(mutant, language)
            counts[result] += 1
            survivors += [mutant] if result == "survived" else []
            print(f"{number:4} {result:9} {time.monotonic() - start:5.0f} s  {mutant}", flush=True)
        found = f"{language}: {summary(counts, total, survivors)}"
        print(found)
        if given.summary:
            with given.summary.open("a") as file:
                print(f"slice {given.slice} of " if given.slice else "", found, sep="", file=file)
        survived |= bool(survivors)
    return 1 if survived or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
