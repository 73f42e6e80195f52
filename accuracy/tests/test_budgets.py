"""The page tells the truth: its tables are the budgets, and a fresh measurement of a part of them stays within."""

from __future__ import annotations

import dataclasses
import itertools

import batches
import library
import measure
import page


def test_a_fresh_measurement_stays_within_the_budgets() -> None:
    """Also of a million rows, of one identity or of as many, and of a hundred thousand columns in every type."""
    kinds = itertools.chain(batches.ordinary(1), batches.growing(1), batches.tiny(1))
    rows, columns = batches.LONG[2:5:2], batches.LONG[6::2]
    long = itertools.chain(batches.long(rows, ["float32"], ["original"]), batches.long(columns))
    some = itertools.chain(itertools.islice(kinds, 0, None, 17), batches.hard(1), batches.scales(1), long)
    found = measure.measured(some)
    assert {key.split(" | ")[0] for key in found} == {"ordinary", "growing", "tiny", "hard", "scales", "long"}
    assert {isa for of_call in found.values() for isa in of_call} == set(library.instruction_sets())
    assert not measure.over(found, measure.load())


def test_the_page_has_the_budgets() -> None:
    text = page.PAGE.read_text()
    assert page.with_tables(text, measure.load()) == text


def test_an_error_of_a_few_units_is_noticed() -> None:
    call = next(call for call in batches.ordinary(1) if call.dtype == "float32")
    right = measure.exact_of(call)
    answer = library.Answer(float(right.loss), float(right.pull), float(right.push), right.gradient)
    budgets = measure.load()
    for changed in ({"pull": answer.pull + 8e-7}, {"gradient": answer.gradient * (1 + 8e-7)}):
        wrong = dataclasses.replace(answer, **changed)
        found = {call.key: {"baseline": measure.errors(call, right, wrong)}}
        assert measure.over(found, budgets), changed
    assert not measure.over({call.key: {"baseline": measure.errors(call, right, answer)}}, budgets)
