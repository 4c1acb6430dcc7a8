"""Which rows an epoch sees: all of them once, or classes brought nearer to each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.test_loop import CPU, prepared, trained
from tokkit.errors import UsageError
from tokkit.model.metrics.classification import softmax
from tokkit.model.network.classifier import predict_logits
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training.schedule import SAMPLERS, classes_of, order, quotas

CLASSES = np.array([0] * 90 + [2] * 9 + [3], dtype=np.int64)
"""A class without rows among them."""


@pytest.mark.parametrize("sampler", SAMPLERS)
class TestEverySampler:
    def test_draws_as_many_rows_as_there_are(self, sampler):
        assert len(order(sampler, None if sampler == "plain" else CLASSES, 100, 1, 0)) == 100

    def test_depends_on_seed_and_epoch_alone(self, sampler):
        classes = None if sampler == "plain" else CLASSES
        orders = [order(sampler, classes, 100, seed, epoch).tolist() for seed in (1, 2) for epoch in (0, 1)]
        assert orders[1] == order(sampler, classes, 100, 1, 1).tolist()
        assert len({tuple(rows) for rows in orders}) == 4


def test_plain_is_every_row_once():
    assert sorted(order("plain", None, 100, 7, 3)) == list(range(100))


def test_balanced_gives_every_class_the_same_share_and_none_twice_before_all_once():
    rows = order("balanced", CLASSES, 100, 1, 0)
    assert np.bincount(CLASSES[rows]).tolist() == [34, 0, 33, 33]
    times = np.bincount(rows, minlength=100)
    assert set(times[:90]) == {0, 1}
    assert set(times[90:99]) == {3, 4}


def test_square_root_lies_between():
    counts_by_class = np.bincount(CLASSES[order("sqrt", CLASSES, 100, 1, 0)])
    roots = np.sqrt([90, 0, 9, 1])
    assert np.abs(counts_by_class - 100 * roots / roots.sum()).max() < 1


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any), st.sampled_from([0.0, 0.5, 1.0]))
def test_quotas_add_up_and_are_within_one_row(counts, power):
    counts = np.array(counts)
    rounded = quotas(counts, power)
    weights = np.array([n**power if n else 0.0 for n in counts])
    assert rounded.sum() == counts.sum()
    assert np.abs(rounded - weights / weights.sum() * counts.sum()).max() < 1
    assert not rounded[counts == 0].any()


@pytest.mark.parametrize("values", [np.zeros((4, 3), np.float32), np.zeros(4, np.float32)])
def test_rows_without_one_class_each_cannot_be_balanced(values):
    with pytest.raises(UsageError, match="--sampler balanced: it balances rows that have one label each"):
        classes_of("balanced", RowTargets(values))
    assert classes_of("plain", RowTargets(values)) is None


def test_a_balanced_training_expects_the_rare_class_more_often(tokenizer):
    expected = {}
    for sampler in SAMPLERS:
        options = FinetuneOptions(size="tiny", epochs=2, dropout=0.0, sampler=sampler)
        classifier, rows = prepared(tokenizer, options)
        trained(classifier, rows, options)
        expected[sampler] = softmax(predict_logits(classifier, rows.encoded, CPU, 512))[:, 2].mean()
    assert expected["plain"] < expected["sqrt"] < expected["balanced"]
