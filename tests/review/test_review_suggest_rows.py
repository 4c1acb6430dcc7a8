"""Rows worth labeling: margins, diversity, and which rows may be picked at all."""

from __future__ import annotations

import numpy as np
import pytest

from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError
from tokkit.model.tasks import TASKS
from tokkit.progress import SILENT
from tokkit.review import row_picks
from tokkit.review.row_picks import diverse, row_margins, smallest
from tokkit.review.unlabeled_rows import unlabeled_rows


def test_margins_are_the_lead_of_the_likeliest_class_or_the_distance_from_one_half():
    shares = np.array([[0.5, 0.4, 0.1], [0.9, 0.05, 0.05]])
    assert row_margins(TASKS["single-label"], shares) == pytest.approx([0.1, 0.85])
    assert row_margins(TASKS["multi-label"], shares) == pytest.approx([0.0, 0.8])
    assert smallest(np.array([0.3, 0.1, 0.3, 0.1]), 3).tolist() == [1, 3, 0]


def test_diverse_rows_are_one_of_each_group_the_least_sure_of_it():
    rng = np.random.default_rng(0)
    centers = np.eye(8)[:5] * 9
    groups = np.repeat(np.arange(5), 20)
    vectors = (centers[groups] + rng.normal(size=(100, 8)) / 9).astype(np.float32)
    margins = rng.random(100)
    picks = diverse(vectors, margins, 5, seed=1)
    best = [int(np.flatnonzero(groups == group)[margins[groups == group].argmin()]) for group in range(5)]
    assert sorted(picks.rows.tolist()) == sorted(best)
    assert margins[picks.rows].tolist() == sorted(margins[picks.rows])
    assert picks.alike.tolist() == [20] * 5
    assert diverse(vectors, margins, 5, seed=1).rows.tolist() == picks.rows.tolist()


def test_more_rows_than_clusters_are_the_next_of_each_in_turn(monkeypatch):
    monkeypatch.setattr(row_picks, "_CLUSTERS", 3)
    vectors = np.repeat(np.eye(3, dtype=np.float32), [5, 3, 1], axis=0)
    margins = np.array([0.5, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 0.7, 0.9])
    picks = diverse(vectors, margins, 6, seed=0)
    assert picks.rows.tolist() == [1, 2, 3, 5, 7, 8]
    assert picks.alike.tolist() == [5, 1, 1, 3, 1, 1]


def test_of_equal_vectors_as_many_rows_are_picked():
    picks = diverse(np.ones((9, 3), np.float32), np.arange(9) / 10, 4, seed=0)
    assert picks.rows.tolist() == [0, 1, 2, 3]


def test_rows_with_a_label_and_copies_are_not_picked(write, heard):
    path = write("data/train.csv", "text,label\nso glad,joy\nso sad,\nso sad,\nso glad,\n,\nwho knows,\n")
    write("data/test.csv", "text,label\nwho knows,sad\nnot this,\n")
    pool = unlabeled_rows(read_dataset(path.parent), ("joy", "sad"), "model", True, heard)
    assert pool.rows.texts == ["so sad"]
    assert (pool.split, pool.rows.positions, pool.count) == ("train", [1], 4)
    assert "rows are picked from train, not from test" in heard


def test_what_cannot_be_picked_is_one_sentence(write):
    for content, message in {
        "text,label\na b,joy\nc d,sad\n": r"every row of train has a label",
        "text,label\na b,x\nc d,y\n": 'column "label" was read as labels, and model knows none of them: x, y',
        "text,label\na b,joy\na b,\n": "1 row has no label, and the text of a labeled row",
    }.items():
        data = read_dataset(write("rows.csv", content))
        with pytest.raises(InputError, match=message):
            unlabeled_rows(data, ("joy", "sad"), "model", True, SILENT)
    with pytest.raises(InputError, match="has texts, and model gives tags to tokens"):
        unlabeled_rows(read_dataset(write("pool.txt", "a b\n")), ("O", "B-LOC"), "model", False, SILENT)
