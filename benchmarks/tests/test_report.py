"""The report, redrawn from files of results that are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
import report
from bars import Bar, Outcome, bars
from results import Results
from shapes import SHAPES, SWEEPS, Shape
from timing import Key

LARGE = Shape(1024, 512, 4)
PEERS = ("careful C", "numba", "torch compiled", "jax", "numpy", "torch closed", "torch batched", "torch matrix")

SLOW_RAW_PEERS = {Key(name, "l2"): 12.0 for name in ("torch compiled", "jax", "numpy", "torch closed", "torch matrix")}


def record(key: Key, seconds: float, **more: Any) -> dict[str, Any]:
    statistics = {"minimum": seconds, "lower_quartile": seconds, "upper_quartile": seconds}
    return {**key._asdict(), "median": seconds, **statistics, "samples": 8, "disturbed": 1, "loops": 1, **more}


def timings(shape: Shape, factors: dict[Key, float]) -> list[dict[str, Any]]:
    """1.2 copies each unless `factors` says otherwise; a copy is 1 ns for eight numbers. A peak of 100 GFLOP/s."""
    copy = shape.size / 8e9
    names = ("plain", "general", "labels", "squared", "hinge", "copy")
    keys = [Key(name, n, t) for name in names for n in ("none", "l2", "renorm") for t in (1, 2)]
    keys += [Key(name, n) for name in PEERS for n in ("none", "l2")]
    keys += [Key("python", "renorm"), *(key for key in factors if key.name in ("torch loop", "copy fours"))]
    arithmetic = [record(Key("sgemm"), 1e-6, operations=90_000)]
    arithmetic += [record(Key("fma 256", threads=t), 1e-6, operations=t * 100_000) for t in (1, 2)]
    return [record(key, copy * factors.get(key, 1.2)) for key in keys] + arithmetic


def data(**changed: Any) -> dict[str, Any]:
    factors = {Key("copy"): 1.0, Key("copy", threads=2): 0.6, **changed.pop("factors", {})}
    everything: dict[str, Any] = {
        "machine": {
            "cpu": "An Example",
            "cores": 2,
            "caches": {"L1": "48K"},
            "system": "Debian",
            "versions": {"pullpush": "1.2.3"},
            "isa": "x86-64-v3",
            "blas": ["openblas 9"],
            "date": "2030-01-02",
            "commit": "abc",
        },
        "quick": False,
        "missing": {"jax_form": "No module named 'jax'"},
        "shapes": [{"shape": shape, "timings": timings(shape, factors)} for shape in SHAPES],
        "sweeps": {
            name: [{"shape": shape, "timings": timings(shape, factors)[:3]} for shape in shapes]
            for name, shapes in SWEEPS.items()
        },
        "memory": {"shape": LARGE, "peaks": [{**Key("plain")._asdict(), "peak": 4096}]},
    }
    return everything | changed


def results(**changed: Any) -> Results:
    return Results(json.loads(json.dumps(data(**changed))))


def judged(name: str, shape: Shape = LARGE, **changed: Any) -> Outcome | None:
    return bar_named(name).judge(results(**changed), shape)


def bar_named(name: str) -> Bar:
    return next(bar for bar in bars() if bar.name == name)


def expect(outcome: Outcome | None, measured: float, passed: bool) -> None:
    assert outcome is not None
    assert outcome.measured == pytest.approx(measured)
    assert outcome.passed == passed


def test_a_file_becomes_a_page_and_pictures(tmp_path: Path) -> None:
    path = tmp_path / "example.json"
    path.write_text(json.dumps(data()))
    report.main([str(path)])
    page = (tmp_path / "example.md").read_text()
    assert "An Example, 2 cores" in page
    assert "2030-01-02" in page
    assert "Not measured: jax_form (No module named 'jax')" in page
    pictures = sorted(tmp_path.glob("*.png"))
    assert [picture.name for picture in pictures] == [
        f"example-{name}.png" for name in ("ceiling", "memory", "scaling", "time")
    ]
    for picture in pictures:
        assert picture.name in page
        assert matplotlib.image.imread(picture).std() > 0.02


def test_rows_have_as_many_cells_as_the_header() -> None:
    page = report.markdown(results(), {})
    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 5
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


@pytest.mark.parametrize(
    ("name", "factors", "measured", "passed"),
    [
        ("unit rows, plain call / memcpy", {Key("plain"): 1.25}, 1.25, True),
        ("unit rows, plain call / memcpy", {Key("plain"): 1.35}, 1.35, False),
        ("raw rows, l2 / memcpy", {Key("general", "l2"): 1.9}, 1.9, True),
        ("labels in random order / memcpy", {Key("labels"): 2.6}, 2.6, False),
        ("2 threads / 1, unit rows", {Key("plain", threads=2): 0.9}, 0.75, True),
        ("1 thread / 2, hinge push", {Key("hinge"): 8.0, Key("hinge", threads=2): 5.0}, 1.6, False),
        ("best framework form / ours, unit rows", {Key("jax"): 2.4, Key("careful C"): 0.1}, 1.0, False),
        ("best framework form / ours, raw rows", {Key("torch batched", "l2"): 9.6, **SLOW_RAW_PEERS}, 8.0, True),
        ("original module / ours, renorm", {Key("torch loop", "renorm"): 240.0}, 200.0, False),
        ("careful C / ours, raw rows", {Key("careful C", "l2"): 1.8}, 1.5, True),
    ],
)
def test_bars(name: str, factors: dict[Key, float], measured: float, passed: bool) -> None:
    expect(judged(name, factors=factors), measured, passed)


def test_the_smallest_shape_has_its_own_bar() -> None:
    factors = {Key("plain"): 1.7}
    expect(judged("unit rows, plain call / memcpy", Shape(64, 128, 4), factors=factors), 1.7, True)
    expect(judged("unit rows, plain call / memcpy", LARGE, factors=factors), 1.7, False)


def test_the_hinge_is_judged_by_its_time_beyond_the_linear_loss() -> None:
    copy = LARGE.size / 8e9
    arithmetic = 4 * LARGE.identities**2 * LARGE.dim / 80e9  # at 80 of the peak's 100 GFLOP/s
    factors = {Key("hinge"): 1.2 + arithmetic / copy}
    expect(judged("hinge push, fraction of peak", factors=factors), 0.8, True)
    expect(judged("hinge push, OpenBLAS's time for its products / its own", factors=factors), 8 / 9, False)


def test_what_was_not_measured_is_not_judged() -> None:
    assert judged("original module / ours, unit rows") is None


def test_a_call_that_was_given_up_counts_as_long_as_it_took() -> None:
    given_up = data()
    for entry in given_up["shapes"]:
        entry["timings"].append({**Key("torch loop")._asdict(), "at_least": 20.0})
    found = results(**given_up)
    outcome = bar_named("original module / ours, unit rows").judge(found, LARGE)
    assert outcome is not None
    assert outcome.passed
    assert "> 20 s" in report.peer_table(found)


def test_lost_bars_stay_with_their_reason() -> None:
    found = results(factors={Key("plain"): 9.0, Key("hinge", threads=2): 1.2})
    lost = report.lost_table(found)
    assert "| unit rows, plain call / memcpy | 1024×512×4 | 9 | ≤ 1.3 |" in lost
    outcome = bar_named("1 thread / 2, hinge push").judge(found, Shape(64, 128, 4))
    assert outcome is not None
    assert outcome.obstacle == "the library keeps a batch this small on one thread"
    assert outcome.obstacle in lost


@pytest.mark.parametrize(("factor", "named"), [(1.7, True), (1.05, False), (9.5, False)])
def test_what_it_costs_to_read_rows_in_fours_is_named(factor: float, named: bool) -> None:
    found = results(factors={Key("plain"): 9.0, Key("copy fours"): factor})
    lost = report.lost_table(found)
    assert (f"copying four rows side by side takes {factor:.2f} times as long as memcpy; " in lost) == named
    assert "| a copy of four rows side by side | " in report.own_table(found)


def test_a_busy_second_core_is_named() -> None:
    busy = data()
    for entry in busy["shapes"]:
        entry["timings"] = [t for t in entry["timings"] if (t["name"], t["threads"]) != ("fma 256", 2)]
        entry["timings"].append(record(Key("fma 256", threads=2), 1e-6, operations=110_000))
    outcome = bar_named("2 threads / 1, unit rows").judge(results(**busy), LARGE)
    assert outcome is not None
    assert "second core was not free" in outcome.obstacle
    assert "1.10 times" in outcome.obstacle


@pytest.mark.parametrize(("factor", "out_of_reach"), [(2.4, True), (2.8, False)])
def test_a_peer_near_memcpy_cannot_be_beaten_by_much(factor: float, out_of_reach: bool) -> None:
    slow = {Key(name): 50.0 for name in PEERS}
    outcome = judged("best framework form / ours, unit rows", factors={**slow, Key("jax"): factor})
    assert outcome is not None
    assert bool(outcome.obstacle) == out_of_reach


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs"), (1.9e-7, "190 ns")]
)
def test_durations(seconds: float, text: str) -> None:
    assert report.duration(seconds) == text


def test_samples_beside_others_are_said_where_they_were_counted() -> None:
    assert "of the samples that count 12 % were taken without" in report.company(results())
    old = data()
    for shape in old["shapes"]:
        for timing in shape["timings"]:
            del timing["disturbed"]
    assert report.company(Results(json.loads(json.dumps(old)))) == ""


def test_a_brief_run(tmp_path: Path) -> None:
    """Without sweeps there is no picture of them, and a run that waited for nobody does not say that it did."""
    path = tmp_path / "brief.json"
    path.write_text(json.dumps({**data(), "sweeps": {}, "waited": False}))
    text = report.write(path)
    assert "is taken again" not in text
    assert "of every sample it is known whether additions are as quick" in text
    assert not list(tmp_path.glob("*-scaling.png"))
    assert "scaling" not in text
