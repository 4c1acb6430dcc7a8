"""Calibration against a plain transcription, scikit-learn's calibration curve and torch's temperature."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from tests.model.test_metrics import random_logits
from tokkit.model.metrics.calibration import calibration_error, confidences, fit_temperature, reliability
from tokkit.model.metrics.classification import classifier_scores, cross_entropy, softmax


def temperature_of(logits, targets):
    return fit_temperature(logits, lambda scaled: float(cross_entropy(scaled, targets).mean()))


def plain_error(confidence, correct, bins=15):
    """Guo et al. 2017, equation 3."""
    error = 0.0
    for b in range(bins):
        inside = [i for i, c in enumerate(confidence) if min(int(c * bins), bins - 1) == b]
        if inside:
            accuracy = sum(correct[i] for i in inside) / len(inside)
            sure = sum(confidence[i] for i in inside) / len(inside)
            error += len(inside) / len(confidence) * abs(accuracy - sure)
    return error


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_is_the_paper_s(rows):
    confidence, correct = np.array([c for c, _ in rows]), np.array([r for _, r in rows])
    assert calibration_error(confidence, correct) == pytest.approx(plain_error(confidence, correct), abs=2e-6)


def test_reliability_is_scikit_learn_s_calibration_curve():
    logits, targets = random_logits(rows=2000)
    shares = softmax(logits)
    confidence, correct = confidences(shares, targets[:, None] == np.arange(4), exclusive=True)
    bins = reliability(confidence, correct)
    accuracy, sure = calibration_curve(correct, confidence, n_bins=15)
    assert [b["accuracy"] for b in bins] == pytest.approx(accuracy, abs=1e-6)
    assert [b["confidence"] for b in bins] == pytest.approx(sure, abs=1e-6)
    assert sum(b["rows"] for b in bins) == 2000


def test_calibration_error_of_a_sure_and_always_wrong_model_is_one():
    assert calibration_error(np.ones(10), np.zeros(10, bool)) == pytest.approx(1)
    assert calibration_error(np.ones(10), np.ones(10, bool)) == 0


def test_confidence_of_several_labels_is_of_each_by_itself():
    shares = np.array([[0.9, 0.2], [0.4, 0.5]])
    truth = np.array([[True, True], [False, False]])
    confidence, correct = confidences(shares, truth, exclusive=False)
    assert confidence.tolist() == pytest.approx([0.9, 0.8, 0.6, 0.5])
    assert correct.tolist() == [True, False, True, False]


def test_the_temperature_is_the_one_that_torch_finds():
    logits, targets = random_logits(rows=1500)
    inverse = torch.ones((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([inverse], max_iter=100, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            torch.from_numpy(logits).double() * inverse, torch.from_numpy(targets)
        )
        loss.backward()
        return loss

    optimizer.step(step)
    assert temperature_of(logits, targets) == pytest.approx(1 / inverse.item(), rel=1e-3)


def test_the_temperature_undoes_a_scaling():
    logits, targets = random_logits(rows=3000)
    assert temperature_of(logits * 3, targets) == pytest.approx(3 * temperature_of(logits, targets), rel=1e-2)


def test_where_all_is_right_there_is_no_temperature_to_fit():
    logits = np.eye(3, dtype=np.float32) * 5
    assert temperature_of(logits, np.arange(3)) == 1
    scores = classifier_scores(logits[:1], np.zeros(1, np.int64), "abc")
    assert scores["calibration"]["temperature"] == 1
