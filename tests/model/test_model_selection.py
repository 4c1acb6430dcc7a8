"""The best evaluation by any score there is."""

from __future__ import annotations

import math

import pytest

from tokkit.errors import UsageError
from tokkit.model.metrics.named_scores import score_named
from tokkit.model.training.evaluations import is_better

SCORES = {
    "rows": 60,
    "loss": 0.5,
    "macro_f1": 0.7,
    "weighted_f1": None,
    "majority": {"label": "joy", "accuracy": 0.6},
    "classes": {"joy": {"f1": 0.9}, "a.b": {"f1": 0.1}, "": {"f1": 0.3}},
    "calibration": {"ece": 0.2},
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", 0.5),
        ("classes.joy.f1", 0.9),
        ("classes.a.b.f1", 0.1),
        ("classes..f1", 0.3),
        ("calibration.ece", 0.2),
    ],
)
def test_a_score_is_found_by_its_name(name, value):
    assert score_named(SCORES, name) == value


def test_a_score_without_a_value_is_no_number():
    assert math.isnan(score_named(SCORES, "weighted_f1"))


@pytest.mark.parametrize("name", ["macrof1", "classes", "majority.label", "classes.anger.f1"])
def test_a_score_there_is_not_is_refused_and_the_others_are_named(name):
    with pytest.raises(UsageError, match=f'no score "{name}".*there are: rows, loss, macro_f1'):
        score_named(SCORES, name)


@pytest.mark.parametrize(
    ("name", "old", "new", "better"),
    [
        ("macro_f1", 0.5, 0.6, True),
        ("macro_f1", 0.5, 0.5, False),
        ("loss", 0.5, 0.6, False),
        ("loss", 0.5, 0.4, True),
        ("calibration.ece", 0.5, 0.4, True),
        ("macro_f1", math.nan, 0.1, True),
        ("macro_f1", 0.1, math.nan, False),
        ("macro_f1", math.nan, math.nan, False),
    ],
)
def test_losses_and_errors_are_to_be_low_all_others_high(name, old, new, better):
    group, _, last = name.rpartition(".")
    scores = [{"loss": 1.0, **({group: {last: value}} if group else {last: value})} for value in (old, new)]
    assert is_better(scores[1], scores[0], name) is better
    assert is_better(scores[1], None, name)


@pytest.mark.parametrize("value", [0.0, 0.5, None])
def test_of_equal_scores_those_of_the_lower_loss_are_better(value):
    earlier, later = ({"loss": loss, "span_f1": value} for loss in (0.9, 0.3))
    assert is_better(later, earlier, "span_f1")
    assert not is_better(earlier, later, "span_f1")
    assert not is_better(later, later, "span_f1")
