"""Findings: each rule fires on what it is for, names the fix, and only then."""

from __future__ import annotations

import pytest

from tokkit.inspection.statistics.findings import ERROR, RULES, WARNING, findings

CLEAN = {
    "classes": {"x": 10, "y": 5},
    "missing": {"text": 0},
    "duplicates": {"exact": 0},
    "conflicting_labels": 0,
    "conflicting_labels_normalized": 0,
    "lengths": {"tokens": {"truncated": {"512": 0.05}, "unknown_rate": 0.01}},
}
ACROSS = {"leaks": {"train/test": 0}, "missing_labels": {}, "conflicting_labels": 0}


def _findings(split=None, across=None, name="train"):
    return findings("a.csv", {name: {**CLEAN, **(split or {})}}, {**ACROSS, **(across or {})})


def test_findings_of_clean_data_are_none():
    assert _findings() == []


@pytest.mark.parametrize(
    ("rule", "severity", "split", "across"),
    [
        ("leaks", ERROR, {}, {"leaks": {"train/test": 1}}),
        ("missing-labels", ERROR, {}, {"missing_labels": {"test": ["y"]}}),
        ("conflicts", WARNING, {"conflicting_labels": 1, "conflicting_labels_normalized": 2}, {}),
        ("duplicates", WARNING, {"duplicates": {"exact": 1}}, {}),
        ("missing", WARNING, {"missing": {"text": 1}}, {}),
        ("one-class", ERROR, {"classes": {"x": 10}}, {}),
        ("missing-label", WARNING, {"classes": {"-1": 3, "0": 5, "1": 5, "2": 5}}, {}),
        ("fractional-labels", WARNING, {"classes": {"0.5": 10, "1": 10, "-2.25": 10, "3.0": 10}}, {}),
        ("imbalance", WARNING, {"classes": {"x": 100, "y": 10}}, {}),
        ("truncation", WARNING, {"lengths": {"tokens": {"truncated": {"512": 0.051}}}}, {}),
        ("unknown-rate", WARNING, {"lengths": {"tokens": {"unknown_rate": 0.011}}}, {}),
        ("near-duplicates", WARNING, {"duplicates": {"exact": 0, "normalized": 1, "near": 2}}, {}),
        ("label-ids", ERROR, {"classes": {str(i): 1 for i in range(100)}}, {}),
        ("small-class", WARNING, {"classes": {"x": 60, "y": 60, "z": 9}}, {}),
        ("html", WARNING, {"html": 1}, {}),
        ("controls", WARNING, {"controls": 1}, {}),
        ("mojibake", WARNING, {"mojibake": 1}, {}),
    ],
)
def test_findings_every_rule(rule, severity, split, across):
    [finding] = _findings(split, across)
    assert (finding.rule, finding.severity) == (rule, severity)
    assert finding.message
    assert finding.fix
    assert rule in RULES


def test_findings_unknown_hangul_names_the_korean_recipe():
    tokens = {"lengths": {"tokens": {"unknown_rate": 0.4}}}
    for rows, recipe in ((9, " --recipe korean"), (99, "")):
        [finding] = _findings({**tokens, "scripts": {"Latin": rows, "Hangul": 1}})
        assert finding.fix.endswith(f"\ntokkit train-wordpiece a.csv{recipe} -o trained/")


@pytest.mark.parametrize("labels", [("1.0", "2.0"), ("0.5", "x"), ("1.", "2"), ("v1.5", "2")])
def test_findings_whole_numbers_and_names_are_classes(labels):
    assert _findings({"classes": dict.fromkeys(labels, 10)}) == []


@pytest.mark.parametrize("labels", [("-1", "1"), ("-1", "0", "1"), ("-1", "0", "x")])
def test_findings_minus_one_may_be_a_class(labels):
    assert _findings({"classes": dict.fromkeys(labels, 10)}) == []


def test_findings_imbalance_is_only_looked_for_in_train():
    assert _findings({"classes": {"x": 100, "y": 1}}, name="test") == []


def test_findings_leaks_between_the_other_splits_are_not_mended_by_rebalance():
    [finding] = _findings({}, {"leaks": {"validation/test": 2}})
    assert "rebalance" not in finding.fix
