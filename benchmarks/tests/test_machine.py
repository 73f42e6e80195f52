"""The name of a machine tells generations apart that call themselves alike."""

from __future__ import annotations

import machine
import pytest


@pytest.mark.parametrize(
    ("cpu", "name"),
    [
        ("AMD EPYC (family 26, model 2)", "amd-epyc-family-26-model-2-2-cores"),
        ("AMD EPYC 7763 64-Core Processor (family 25, model 1)", "amd-epyc-7763-family-25-model-1-2-cores"),
        ("Intel(R) Xeon(R) CPU @ 2.60GHz (family 6, model 207)", "intel-xeon-family-6-model-207-2-cores"),
        ("aarch64", "aarch64-2-cores"),
    ],
)
def test_the_name_of_a_machine(cpu: str, name: str) -> None:
    assert machine.slug({"cpu": cpu, "cores": 2}) == name


def test_this_machine() -> None:
    facts = machine.describe()
    assert machine.slug(facts).endswith(f"-{facts['cores']}-cores")
