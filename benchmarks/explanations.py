"""Why bars are lost, where the measurements alone do not tell."""

UNIT = (
    "first rows are looked at twice, once in double, and the general call takes norms for the means it returns; "
    "a call takes 2,500 instructions beside its rows, an identity 85"
)
RAW = (
    "four rows take ten inner products a column, four roots and as many quotients; "
    "a call takes 2,500 instructions beside its rows, an identity 300"
)
GROUPS = "labels are grouped first, with a table: work a row, which counts where rows are short"
PAIRS = (
    "eight loads for twelve multiplications: on Zen 3 the kernel alone, with all in the first-level cache, makes three "
    "quarters of the peak"
)
WHOLE_BLOCKS = "blocks are handed out whole, so one thread waits for the other's last"
WAKING = "waking a helper takes a large part of what it saves"
PYTHON = "arguments are checked and described in Python, an array is made for the gradient"
RENORM = "the module lets PyTorch's renorm do it, in steps most of which do not grow with the rows"
CONSTANT_K = (
    "the C program is compiled for K = 4 and 8 and for the processor it runs on, adds up in float32, where our bounds "
    "ask for double"
)

# By the name of the bar.
EXPLANATIONS = {
    "unit rows, plain call / memcpy": UNIT,
    "unit rows, general call / memcpy": UNIT,
    "raw rows, l2 / memcpy": RAW,
    "raw rows, renorm / memcpy": RAW,
    "labels in random order / memcpy": GROUPS,
    "squared push beyond 1.3 memcpy / arithmetic at peak": f"moments are added up in double, block by block; {PAIRS}",
    "hinge push, fraction of peak": PAIRS,
    "hinge push, OpenBLAS's time for its products / its own": f"OpenBLAS's time is of the products alone; {PAIRS}",
    "Python beyond C, µs": PYTHON,
    "2 threads / 1, unit rows": WAKING,
    "2 threads / 1, raw rows, l2": WAKING,
    "2 threads / 1, raw rows, renorm": WAKING,
    "2 threads / 1, labels": WAKING,
    "1 thread / 2, hinge push": WHOLE_BLOCKS,
    "original module / ours, renorm": RENORM,
    "best framework form / ours, unit rows": UNIT,
    "best framework form / ours, raw rows": RAW,
    "the same on 2 threads, unit rows": WAKING,
    "the same on 2 threads, raw rows": WAKING,
    "careful C / ours, unit rows": CONSTANT_K,
    "careful C / ours, raw rows": RAW,
}
