"""Confident learning against a plain transcription of the paper, and on labels spoiled on purpose."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from tokkit.model.evaluation.analysis import _label_issues
from tokkit.model.metrics.label_issues import find_label_issues, is_little_better, probability_wrong
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import RowTargets
from tokkit.views.reports import evaluation as reports


def plain(shares, given_ids):
    """Northcutt, Jiang and Chuang 2021, sections 3.1 and 3.2: equations 1 to 3, and method 2 of pruning."""
    classes = len(shares[0])
    members = [[x for x, y in enumerate(given_ids) if y == j] for j in range(classes)]
    bars = [sum(shares[x][j] for x in rows) / len(rows) if rows else None for j, rows in enumerate(members)]
    confident = [[[] for _ in range(classes)] for _ in range(classes)]
    for x, i in enumerate(given_ids):
        above = [j for j in range(classes) if bars[j] is not None and shares[x][j] >= bars[j] - 1e-6]
        if above:
            j = max(above, key=lambda label: shares[x][label])
            confident[i][j].append(x)
    joint = np.zeros((classes, classes))
    for i in range(classes):
        total = sum(len(cell) for cell in confident[i])
        for j in range(classes):
            if total:
                joint[i, j] = len(confident[i][j]) / total * len(members[i])
        if not total:
            joint[i, i] = len(members[i])
    issues = [(x, j) for i in range(classes) for j in range(classes) if i != j for x in confident[i][j]]

    def margin(x):
        own = given_ids[x]
        return shares[x][own] - max(share for j, share in enumerate(shares[x]) if j != own)

    return sorted(((margin(x), x, j) for x, j in issues)), joint


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(2, 5), st.integers(0, 2**31))
def test_label_issues_are_those_of_the_paper(rows, classes, seed):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 0.5), size=rows)
    given_ids = rng.integers(0, rng.integers(1, classes + 1), size=rows)
    issues = find_label_issues(shares, given_ids)
    expected, joint = plain(shares.tolist(), given_ids.tolist())
    assert issues.rows.tolist() == [x for _, x, _ in expected]
    assert issues.suggested.tolist() == [j for _, _, j in expected]
    assert issues.margins == pytest.approx([m for m, _, _ in expected])
    assert issues.joint == pytest.approx(joint)
    assert issues.joint.sum() == pytest.approx(rows)


def test_label_issues_find_the_labels_that_were_spoiled():
    rng = np.random.default_rng(3)
    true = rng.integers(0, 3, size=1000)
    logits = rng.normal(size=(1000, 3))
    logits[np.arange(1000), true] += 4
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    given_ids = true.copy()
    spoiled = rng.choice(1000, size=80, replace=False)
    given_ids[spoiled] = (true[spoiled] + 1) % 3
    issues = find_label_issues(shares, given_ids)
    hits = set(issues.rows.tolist()) & set(spoiled.tolist())
    assert len(hits) / len(issues.rows) > 0.9
    assert len(hits) / len(spoiled) > 0.75
    assert set(issues.rows[:40].tolist()) <= set(spoiled.tolist())
    assert 1 - np.trace(issues.joint) / 1000 == pytest.approx(0.08, abs=0.02)


def test_a_mean_of_equal_probabilities_is_reached_by_each_of_them():
    """The mean of three times 0.8 is 1e-16 above 0.8."""
    shares = np.array([[0.2, 0.8]] * 3 + [[0.9, 0.1], [0.2, 0.8]])
    issues = find_label_issues(shares, np.array([1, 1, 1, 0, 0]))
    assert np.mean([0.8] * 3) > 0.8
    assert (issues.rows.tolist(), issues.suggested.tolist()) == ([4], [1])
    assert issues.joint.tolist() == [[1, 1], [0, 3]]


def test_a_label_without_rows_is_suggested_for_none():
    """Nothing says how probable rows of class 1 are on average, so no row is confidently of it."""
    shares = np.array([[0.1, 0.8, 0.1], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    issues = find_label_issues(shares, np.array([0, 0, 2, 2]))
    assert issues.rows.tolist() == []
    assert issues.joint.tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 2]]


def test_of_one_class_and_one_row_nothing_is_an_issue():
    assert len(find_label_issues(np.array([[0.1, 0.9]]), np.array([0])).rows) == 0
    assert len(find_label_issues(np.array([[0.4, 0.6], [0.6, 0.4]]), np.array([1, 1])).rows) == 0


@pytest.mark.parametrize(("noise", "spread"), [(0.05, 0.4), (0.2, 0.4), (0.1, 1.2)])
def test_the_expected_precision_is_about_that_of_planted_errors(noise, spread):
    rng = np.random.default_rng(1)
    centers = rng.normal(size=(3, 20)) * spread
    true = rng.integers(0, 3, 3000)
    vectors = centers[true] + rng.normal(size=(3000, 20))
    labels = np.where(rng.random(3000) < noise, (true + rng.integers(1, 3, 3000)) % 3, true)
    shares = cross_val_predict(LogisticRegression(), vectors, labels, cv=3, method="predict_proba")
    result = find_label_issues(shares, labels)
    assert result.precision == pytest.approx((labels != true)[result.rows].mean(), abs=0.3)


@pytest.mark.parametrize("noise", [0.05, 0.1, 0.2])
def test_the_expected_precision_of_an_overconfident_model_is_not_higher(noise):
    rng = np.random.default_rng(2)
    centers = rng.normal(size=(3, 20)) * 0.4
    true = rng.integers(0, 3, 3000)
    vectors = centers[true] + rng.normal(size=(3000, 20))
    labels = np.where(rng.random(3000) < noise, (true + rng.integers(1, 3, 3000)) % 3, true)
    shares = cross_val_predict(LogisticRegression(), vectors, labels, cv=3, method="predict_proba")
    overconfident = shares**4 / (shares**4).sum(axis=1, keepdims=True)
    result = find_label_issues(overconfident, labels)
    right = (labels != true)[result.rows].mean()
    assert result.precision < right + 0.12
    assert probability_wrong(overconfident, labels)[result.rows].mean() > result.precision + 0.05


def test_without_errors_little_is_expected():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 3, 3000)
    vectors = rng.normal(size=(3, 20))[true] * 0.4 + rng.normal(size=(3000, 20))
    shares = cross_val_predict(LogisticRegression(), vectors, true, cv=3, method="predict_proba")
    result = find_label_issues(shares, true)
    assert len(result.rows) > 100
    assert result.precision < 0.15


def test_a_model_is_weak_by_its_share_of_the_errors_of_the_majority():
    assert [is_little_better(accuracy, 0.34) for accuracy in (0.34, 0.46, 0.56, 0.9)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_model_little_above_the_majority_ranks_and_accuses_nobody(heard):
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(600) < 0.75, 0, 1)
    logits = np.stack([np.full(600, 0.6), rng.normal(-0.3, 0.3, 600)], axis=1).astype(np.float32)
    scores = DEFAULT.scores(logits, RowTargets(labels), ("pos", "neg"))
    model = SimpleNamespace(
        exclusive=True,
        task=DEFAULT,
        logits=logits,
        targets=RowTargets(labels),
        labels=("pos", "neg"),
        scores=scores,
        name="weak",
    )
    table = pl.DataFrame(
        {"id": range(600), "text": ["x"] * 600, "label": [("pos", "neg")[i] for i in labels]}
    )
    issues, summary = _label_issues(model, table, 5, heard)
    assert len(issues) == summary["count"] > 0
    assert summary["expected_precision"] is None
    assert {of_class["estimated_wrong"] for of_class in summary["classes"].values()} == {None}
    assert 'of always "pos": its rows are ranked, but none is likely an error' in heard
    titles = [table.title for table in reports._issues(summary, 40)]
    assert titles == [f"Rows whose label the model doubts most: {len(issues)}", "Most doubtful labels"]
