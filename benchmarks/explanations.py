"""Why bars are lost, where the measurements alone do not tell."""

# By the name of the bar and the batch; an empty batch stands for all of them.
EXPLANATIONS: dict[tuple[str, str], str] = {}


def explanation(bar: str, batch: str) -> str:
    """What is known about a bar on a batch."""
    return EXPLANATIONS.get((bar, batch)) or EXPLANATIONS.get((bar, ""), "")
