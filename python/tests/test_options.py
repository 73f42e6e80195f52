"""The words, numbers and combinations that are options, and what is said about those that are not."""

from __future__ import annotations

import copy
import pickle
from typing import Any, get_args, get_type_hints

import cases
import numpy as np
import oracle
import pytest

import pullpush
from pullpush.options import DEFAULTS, WORDS, OptionValues

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"normalize": "L3"}, "normalize must be one of 'none', 'l2', 'renorm', got 'L3'"),
    ({"normalize": "L2"}, "normalize must be one of .* got 'L2'; did you mean 'l2'"),
    ({"normalize": None}, "normalize must be one of .* got None"),
    ({"normalize": 1}, "normalize must be one of .* got 1"),
    ({"normalize": ["l2"]}, r"normalize must be one of .* got \['l2'\]"),
    ({"self_pairs": True}, "self_pairs must be one of 'include', 'exclude', got True"),
    ({"self_pairs": "excluded"}, "self_pairs must be one of .* did you mean 'exclude'"),
    ({"push": "sqared"}, "push must be one of 'linear', 'squared', 'hinge', got 'sqared'; did you mean 'squared'"),
    ({"push_between": "centers"}, "push_between must be one of 'representatives', 'centroids', 'all', got 'centers'"),
    ({"objective": "euclidean"}, "objective must be one of .* did you mean 'squared_euclidean'"),
    ({"reduction": "sum"}, "reduction must be one of 'mean', 'mean_active', got 'sum'"),
    ({"target": "0"}, "target must be a finite number, got '0'"),
    ({"target": np.nan}, "target"),
    ({"target": np.inf}, "target"),
    ({"margin": None}, "margin must be a finite number, got None"),
    ({"margin": -np.inf}, "margin"),
    ({"pull_weight": np.nan}, "pull_weight"),
    ({"pull_weight": 1j}, "pull_weight must be a finite number, got 1j"),
    ({"push_weight": np.inf}, "push_weight"),
    ({"push_weight": 10**400}, "push_weight must be a finite number"),
    ({"num_threads": -1}, "num_threads must be an integer from 0 to 2147483647, got -1"),
    ({"num_threads": 2**32}, "num_threads must be an integer from 0 to 2147483647, got 4294967296"),
    ({"num_threads": 1.5}, "num_threads must be an integer from 0 to 2147483647, got 1.5"),
    ({"check_finite": 1}, "check_finite must be True or False, got 1"),
    ({"check_finite": "yes"}, "check_finite must be True or False, got 'yes'"),
    ({"push": "squared", "objective": "squared_euclidean"}, "squared.*squared_euclidean|push.*objective"),
    ({"reduction": "mean_active"}, "(?i)mean_active.*hinge"),
    ({"reduction": "mean_active", "push": "squared"}, "(?i)mean_active.*hinge"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[str(options) for options, _ in REFUSED])
def test_refused_at_once_with_a_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(pullpush.InvalidArgument, match=message):
        pullpush.PullPushLoss(**options)
    with pytest.raises(ValueError, match=message):
        pullpush.value(cases.rows(4, 2), samples_per_id=2, **options)


def test_refused_combinations_are_refused_with_every_other_word() -> None:
    for between in WORDS["push_between"]:
        for normalize in WORDS["normalize"]:
            rest: dict[str, Any] = {"push_between": between, "normalize": normalize}
            with pytest.raises(pullpush.InvalidArgument):
                pullpush.PullPushLoss(push="squared", objective="squared_euclidean", **rest)
            for push in ("linear", "squared"):
                with pytest.raises(pullpush.InvalidArgument):
                    pullpush.PullPushLoss(push=push, reduction="mean_active", **rest)


def test_an_unknown_option_lists_the_known_ones() -> None:
    with pytest.raises(
        pullpush.UnknownOption, match="'normalise' is not an option; did you mean 'normalize'"
    ) as caught:
        pullpush.PullPushLoss(normalise="l2")  # type: ignore[call-arg]
    assert isinstance(caught.value, TypeError)
    assert all(name in str(caught.value) for name in DEFAULTS)
    with pytest.raises(pullpush.UnknownOption, match="'temperature' is not an option; the options are"):
        pullpush.value(cases.rows(4, 2), samples_per_id=2, temperature=1)  # type: ignore[call-arg]


def test_the_types_the_words_and_the_defaults_agree() -> None:
    hints = get_type_hints(OptionValues)
    assert hints.keys() == DEFAULTS.keys()
    for name, hint in hints.items():
        if name in WORDS:
            assert get_args(hint) == tuple(WORDS[name])
            assert DEFAULTS[name] in WORDS[name]
        else:
            assert type(DEFAULTS[name]) is hint
    assert oracle.DEFAULTS.items() <= DEFAULTS.items()


def test_numpy_numbers_are_numbers() -> None:
    made = pullpush.PullPushLoss(
        push="hinge",
        margin=np.float32(0.5),  # type: ignore[arg-type]
        num_threads=np.int8(1),  # type: ignore[arg-type]
        check_finite=np.bool_(True),  # type: ignore[arg-type]
    )
    assert made == pullpush.PullPushLoss(push="hinge", margin=0.5, num_threads=1, check_finite=True)


def test_presets() -> None:
    assert pullpush.PullPushLoss.preset("original") == pullpush.PullPushLoss()
    assert pullpush.PullPushLoss.preset("orthogonal") == pullpush.PullPushLoss(
        normalize="l2", self_pairs="exclude", push="squared", target=0.0, push_between="representatives"
    )
    changed = pullpush.PullPushLoss.preset("orthogonal", target=0.5, num_threads=1)
    assert changed.options.target == 0.5
    assert changed.options.push == "squared"
    with pytest.raises(pullpush.InvalidArgument, match="preset must be one of 'original', 'orthogonal', got 'best'"):
        pullpush.PullPushLoss.preset("best")  # type: ignore[arg-type]
    with pytest.raises(pullpush.UnknownOption, match="'margins' is not an option; did you mean 'margin'"):
        pullpush.PullPushLoss.preset("original", margins=1)  # type: ignore[call-arg]


def test_repr_shows_what_is_not_the_default() -> None:
    assert repr(pullpush.PullPushLoss()) == "PullPushLoss()"
    assert repr(pullpush.PullPushLoss(margin=0)) == "PullPushLoss()"
    loss_fn = pullpush.PullPushLoss(margin=0.25, push="hinge", num_threads=2)
    assert repr(loss_fn) == "PullPushLoss(push='hinge', margin=0.25, num_threads=2)"
    assert eval(repr(loss_fn), vars(pullpush)) == loss_fn
    assert "struct" not in repr(loss_fn.options)


def test_equality_hash_copies_and_frozenness() -> None:
    one, other = pullpush.PullPushLoss(push="squared"), pullpush.PullPushLoss(push="squared", target=0.0)
    assert one == other
    assert hash(one) == hash(other)
    assert one != pullpush.PullPushLoss()
    assert one != "squared"
    features = cases.rows(8, 3)
    for twin in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert twin == one
        assert twin.value(features, samples_per_id=2).parts() == one.value(features, samples_per_id=2).parts()
    with pytest.raises(AttributeError):
        one.options.push = "linear"  # type: ignore[misc]
