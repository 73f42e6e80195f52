"""Why bars are lost, where the measurements alone do not tell."""

UNIT = "first rows are looked at twice, sums are taken in double, and norms are, for the means that come with the loss"
RAW = "a raw row is read three times, twice of them from the first-level cache, and asks for a root and a division"
FEW_BYTES = "waking a helper takes as long as what it would save"

# By the name of the bar and the batch; an empty batch stands for all of them.
EXPLANATIONS: dict[tuple[str, str], str] = {
    ("unit rows, plain call / memcpy", ""): UNIT,
    ("unit rows, general call / memcpy", ""): UNIT,
    ("raw rows, l2 / memcpy", ""): RAW,
    ("raw rows, renorm / memcpy", ""): RAW,
    ("labels in random order / memcpy", ""): "labels are grouped first, and every row is found by its number: "
    "work a row, which counts where rows are short",
    ("squared push beyond 1.3 memcpy / arithmetic at peak", ""): "all of the product matrix is computed, though it is "
    "symmetric, and the points are copied and transposed for it",
    ("hinge push, fraction of peak", ""): "beside its products it copies points and weighs pairs",
    ("hinge push, OpenBLAS's time for its products / its own", ""): "OpenBLAS's time is of the products alone, ours of "
    "all of the push",
    ("Python beyond C, µs", ""): "arguments are checked and described in Python, an array is made for the gradient",
    ("2 threads / 1, unit rows", ""): FEW_BYTES,
    ("2 threads / 1, raw rows, l2", ""): FEW_BYTES,
    ("2 threads / 1, raw rows, renorm", ""): FEW_BYTES,
    ("2 threads / 1, labels", ""): FEW_BYTES,
    ("1 thread / 2, hinge push", ""): "three tiles for two threads: one of them waits",
    ("original module / ours, renorm", ""): "the module, which lets PyTorch's renorm do it, spends most of its time on "
    "steps that do not grow with the rows",
    ("best framework form / ours, raw rows", ""): RAW,
    ("the same on 2 threads, unit rows", ""): FEW_BYTES,
    ("the same on 2 threads, raw rows", ""): FEW_BYTES,
    (
        "careful C / ours, unit rows",
        "",
    ): "the C program is compiled for K = 4 and 8, adds up in float32, where our bounds "
    "ask for double, and leaves out the norms that our means need",
    ("careful C / ours, raw rows", ""): RAW,
}


def explanation(bar: str, batch: str) -> str:
    """What is known about a bar on a batch."""
    return EXPLANATIONS.get((bar, batch)) or EXPLANATIONS.get((bar, ""), "")
