"""Every loss against the library or the paper that defines it, and in pieces against the whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from tokkit.errors import InputError, UsageError
from tokkit.model.network import class_weights as weights
from tokkit.model.network import losses
from tokkit.model.network.losses import (
    LOSSES,
    REDUCTIONS,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    LogitAdjusted,
    LossInputs,
    SquaredError,
)
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import TASKS

CLASSES = 3
LABELS = ("joy", "sadness", "anger")
WEIGHTS = torch.tensor([0.5, 1.0, 3.0])
BY_CLASS = ("single-label", "tags")


def logits_of(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)) * 3


def batch_for(task, rows=32, width=7):
    """Logits and targets of a batch of this task; of tags a third of the tokens has none."""
    generator = torch.Generator().manual_seed(2)
    if task == "single-label":
        return logits_of(rows, CLASSES), torch.randint(CLASSES, (rows,), generator=generator)
    if task == "tags":
        targets = torch.randint(CLASSES, (rows, width), generator=generator)
        targets[torch.rand(rows, width, generator=generator) < 1 / 3] = -100
        return logits_of(rows, width, CLASSES), targets
    if task == "multi-label":
        return logits_of(rows, CLASSES), (torch.rand(rows, CLASSES, generator=generator) < 0.3).float()
    return logits_of(rows, 1), torch.randn(rows, generator=generator)


def targets_of(task):
    _, targets = batch_for(task)
    return targets.reshape(-1).numpy() if task == "tags" else targets.numpy()


def built_of(options, task, values, labels):
    return losses.build(LossInputs(options, values, labels), TASKS[task])


def built(task, loss, **settings):
    labels = ("value",) if task == "regression" else LABELS
    return built_of(FinetuneOptions(loss=loss, **settings), task, targets_of(task), labels)


EVERY = [(task, loss) for task in TASKS for loss in LOSSES[TASKS[task].loss]]


@pytest.mark.parametrize(("task", "loss"), EVERY)
class TestEveryLoss:
    @pytest.mark.parametrize("reduction", REDUCTIONS)
    def test_is_the_same_for_a_batch_of_32_and_for_its_pieces(self, task, loss, reduction):
        weighed = {} if task == "regression" else {"class_weights": "balanced"}
        one = built(task, loss, reduction=reduction, **weighed)
        logits, targets = batch_for(task)
        whole = one.summed(logits, targets) / one.denominator(targets)
        for size in (8, 5, 1):
            starts = range(0, len(targets), size)
            pieces = [one.summed(logits[s : s + size], targets[s : s + size]) for s in starts]
            assert sum(pieces) / one.denominator(targets) == pytest.approx(float(whole), rel=1e-5)

    def test_falls_when_the_right_answer_gains(self, task, loss):
        one = built(task, loss)
        logits, targets = batch_for(task)
        right = logits.clone()
        if task in BY_CLASS:
            there = targets != -100
            index = targets.where(there, 0).unsqueeze(-1)
            right.scatter_add_(-1, index, there.float().unsqueeze(-1))
        elif task == "multi-label":
            right += 2 * targets - 1
        else:
            right += 0.1 * (targets.unsqueeze(1) - right)
        before, after = one.items(logits, targets), one.items(right, targets)
        assert (after <= before).all()
        assert after.sum() < before.sum()

    def test_stays_finite_with_its_gradient_where_the_model_is_sure(self, task, loss):
        one = built(task, loss, gamma=0.5)
        logits, targets = batch_for(task)
        sure = (logits.sign() * 200).requires_grad_()
        one.summed(sure, targets).backward()
        assert torch.isfinite(one.items(sure, targets)).all()
        assert torch.isfinite(sure.grad).all()

    def test_is_computed_in_float32_whatever_the_logits_are(self, task, loss):
        logits, targets = batch_for(task)
        half = logits.bfloat16()
        one = built(task, loss)
        assert torch.equal(one.items(half, targets), one.items(half.float(), targets))


@pytest.mark.parametrize("loss", LOSSES["ce"])
def test_nothing_but_ignored_tokens_gives_zero(loss):
    one = built("tags", loss, class_weights="balanced")
    nothing = torch.full((2, 3), -100)
    assert one.summed(logits_of(2, 3, CLASSES), nothing) == 0
    assert one.denominator(nothing) == 1


@pytest.mark.parametrize("task", BY_CLASS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("by_class", [None, WEIGHTS])
def test_cross_entropy_is_torch_s(task, smoothing, by_class):
    logits, targets = batch_for(task)
    for reduction in ("mean", "sum"):
        one = CrossEntropy(by_class, smoothing, reduction=reduction)
        expected = torch.nn.functional.cross_entropy(
            logits.reshape(-1, CLASSES),
            targets.reshape(-1),
            by_class,
            reduction=reduction,
            label_smoothing=smoothing,
        )
        ours = one.summed(logits, targets) / one.denominator(targets)
        assert ours == pytest.approx(float(expected), rel=1e-5)


def test_without_a_reduction_weights_are_not_divided_out():
    logits, targets = batch_for("single-label")
    one = CrossEntropy(WEIGHTS, reduction="none")
    expected = torch.nn.functional.cross_entropy(logits, targets, WEIGHTS, reduction="none")
    assert torch.allclose(one.items(logits, targets), expected)
    ours = one.summed(logits, targets) / one.denominator(targets)
    assert ours == pytest.approx(float(expected.mean()), rel=1e-6)


def paper_focal(logits, targets, gamma, alpha):
    """Lin et al. 2017, equation 5, item by item."""
    losses_by_item = []
    for row, y in zip(
        logits.double().reshape(-1, CLASSES).tolist(), targets.reshape(-1).tolist(), strict=True
    ):
        if y == -100:
            losses_by_item.append(0.0)
            continue
        exponentials = [math.exp(logit) for logit in row]
        p = exponentials[y] / sum(exponentials)
        losses_by_item.append(-(1.0 if alpha is None else float(alpha[y])) * (1 - p) ** gamma * math.log(p))
    return losses_by_item


@pytest.mark.parametrize("task", BY_CLASS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [None, WEIGHTS])
def test_focal_is_the_paper_s(task, gamma, alpha):
    logits, targets = batch_for(task)
    focal = Focal(gamma, alpha).items(logits, targets)
    assert focal.tolist() == pytest.approx(paper_focal(logits, targets, gamma, alpha), rel=1e-4, abs=1e-7)


def test_focal_without_focus_is_cross_entropy():
    logits, targets = batch_for("single-label")
    assert torch.allclose(Focal(0.0).items(logits, targets), CrossEntropy().items(logits, targets), atol=1e-6)


def test_a_mean_of_focal_losses_is_of_the_items_and_not_of_alpha():
    _, targets = batch_for("tags")
    assert Focal(2.0, WEIGHTS).denominator(targets) == int((targets != -100).sum())


def paper_binary_focal(logits, targets, gamma, alpha):
    """The same of two classes, equations 2 to 5; a row's loss is the mean over its labels."""
    losses_by_row = []
    for row, wanted in zip(logits.double().tolist(), targets.tolist(), strict=True):
        terms = []
        for x, y, a in zip(row, wanted, alpha or [None] * len(row), strict=True):
            p = 1 / (1 + math.exp(-x))
            p_t, alpha_t = (p, a) if y == 1 else (1 - p, None if a is None else 1 - a)
            terms.append(-(1 if alpha_t is None else alpha_t) * (1 - p_t) ** gamma * math.log(p_t))
        losses_by_row.append(sum(terms) / len(terms))
    return losses_by_row


@pytest.mark.parametrize("alpha", [None, [0.25, 0.5, 0.9]])
def test_binary_focal_is_the_paper_s(alpha):
    logits, targets = batch_for("multi-label")
    focal = BinaryFocal(2.0, None if alpha is None else torch.tensor(alpha)).items(logits, targets)
    assert focal.tolist() == pytest.approx(
        paper_binary_focal(logits, targets, 2.0, alpha), rel=1e-4, abs=1e-7
    )


@pytest.mark.parametrize("by_label", [None, WEIGHTS])
def test_binary_cross_entropy_is_torch_s(by_label):
    logits, targets = batch_for("multi-label")
    one = BinaryCrossEntropy(by_label)
    expected = torch.nn.BCEWithLogitsLoss(pos_weight=by_label)(logits, targets)
    assert one.summed(logits, targets) / one.denominator(targets) == pytest.approx(float(expected), rel=1e-6)


def test_binary_smoothing_moves_targets_towards_one_half():
    logits, targets = batch_for("multi-label")
    expected = torch.nn.BCEWithLogitsLoss(reduction="none")(logits, 0.05 + 0.9 * targets).mean(dim=-1)
    assert torch.allclose(BinaryCrossEntropy(smoothing=0.1).items(logits, targets), expected)


def test_logit_adjustment_is_the_paper_s():
    """Menon et al. 2021, equation 10: log(1 + sum over y' of (prior(y') / prior(y)) exp(f(y') - f(y)))."""
    logits, targets = batch_for("single-label")
    counts = torch.tensor([70.0, 25.0, 5.0])
    prior = (counts / 100).double().tolist()
    expected = [
        math.log(1 + sum(prior[k] / prior[y] * math.exp(row[k] - row[y]) for k in range(CLASSES) if k != y))
        for row, y in zip(logits.double().tolist(), targets.tolist(), strict=True)
    ]
    assert LogitAdjusted(counts=counts).items(logits, targets).tolist() == pytest.approx(
        expected, rel=1e-4, abs=1e-6
    )


def test_logit_adjustment_lives_with_a_class_that_has_no_rows():
    logits, targets = batch_for("single-label")
    assert torch.isfinite(LogitAdjusted(counts=torch.tensor([9.0, 1.0, 0.0])).items(logits, targets)).all()


def test_squared_error_is_torch_s():
    logits, targets = batch_for("regression")
    one = SquaredError()
    expected = torch.nn.functional.mse_loss(logits[:, 0], targets)
    assert one.summed(logits, targets) / one.denominator(targets) == pytest.approx(float(expected), rel=1e-6)


VALUES = np.array([0] * 60 + [1] * 30 + [2] * 10)


def test_balanced_weights_are_scikit_learn_s():
    expected = compute_class_weight("balanced", classes=np.arange(3), y=VALUES)
    assert weights.class_weights("balanced", VALUES, LABELS) == pytest.approx(expected, abs=1e-6)


def test_effective_weights_are_the_paper_s():
    """Cui et al. 2019, equation 2, with beta = (N - 1) / N; ours are scaled to a mean of 1 over the rows."""
    beta = 99 / 100
    raw = np.array([(1 - beta) / (1 - beta**n) for n in (60, 30, 10)])
    expected = raw * 100 / (raw @ [60, 30, 10])
    assert weights.class_weights("effective", VALUES, LABELS) == pytest.approx(expected, abs=1e-6)


def test_square_root_weights():
    raw = 1 / np.sqrt([60, 30, 10])
    expected = raw * 100 / (raw @ [60, 30, 10])
    assert weights.class_weights("sqrt", VALUES, LABELS) == pytest.approx(expected, abs=1e-6)


def test_weights_of_tags_count_tokens_that_have_one():
    values = np.concatenate([VALUES, np.full(50, -100)])
    assert weights.class_weights("balanced", values, LABELS) == weights.class_weights(
        "balanced", VALUES, LABELS
    )


def test_a_class_without_items_gets_a_weight_of_one():
    assert weights.class_weights("balanced", np.array([0, 0, 1]), LABELS) == [0.75, 1.5, 1.0]


def test_weights_of_several_labels_are_torch_s_advice_for_pos_weight():
    """Rows without the label over rows with it; 1 for a label that all rows have, or none."""
    values = np.zeros((100, 3), dtype=np.float32)
    values[:20, 0] = values[:, 1] = 1
    balanced = weights.class_weights("balanced", values, LABELS)
    assert balanced == pytest.approx([4.0, 1.0, 1.0], rel=1e-5)
    assert weights.class_weights("sqrt", values, LABELS)[0] == pytest.approx(2.0, rel=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"joy": 1, "sadnes": 2, "anger": 1}',
            r'no weight for the label "sadness" \(did you mean "sadnes"\?\)',
        ),
        (
            '{"joy": 1, "sadness": -2, "anger": 1}',
            'invalid weight -2.0 for "sadness": expected a number from 0 up',
        ),
        ('{"joy": 1, "sadness": NaN, "anger": 1}', "expected a number from 0 up"),
        (f'{{"joy": 1{"0" * 400}}}', "is no file of weights"),
        ("[1, 2, 3]", "is no file of weights"),
        ("{", "is no file of weights"),
    ],
)
def test_a_file_of_weights_that_does_not_fit_is_refused(tmp_path, content, message):
    (tmp_path / "w.json").write_text(content)
    with pytest.raises(InputError, match=message):
        weights.class_weights(str(tmp_path / "w.json"), VALUES, LABELS)


def test_weights_are_given_by_label():
    assert weights.class_weights("joy=1,anger=3,sadness=0.5", VALUES, LABELS) == [
        {"joy": 1.0, "anger": 3.0, "sadness": 0.5}[label] for label in LABELS
    ]
    with pytest.raises(UsageError, match='--class-weights: no number for the label "sadness"'):
        weights.class_weights("joy=1,anger=3", VALUES, LABELS)


def test_alpha_is_given_by_label_whatever_the_label_holds():
    labels = ("a,b", "x=y", "기쁨")
    options = FinetuneOptions(loss="focal", alpha="x=y=0.5,기쁨=2,a,b=1e-1")
    one = built_of(options, "single-label", VALUES, labels)
    logits = torch.zeros(3, 3)
    assert one.items(logits, torch.arange(3)).tolist() == pytest.approx(
        [a * (2 / 3) ** 2 * math.log(3) for a in (0.1, 0.5, 2.0)]
    )


def test_balanced_alpha_is_the_balanced_weights():
    logits, targets = batch_for("single-label")
    by_alpha = built("single-label", "focal", alpha="balanced").items(logits, targets)
    by_weights = built("single-label", "focal", class_weights="balanced").items(logits, targets)
    assert torch.equal(by_alpha, by_weights)
    assert not torch.equal(by_alpha, built("single-label", "focal").items(logits, targets))


def test_balanced_alpha_of_several_labels_weighs_having_and_lacking_alike():
    """alpha times the rows that have a label is 1 - alpha times those that lack it."""
    values = np.zeros((100, 3), dtype=np.float32)
    values[:20, 0] = values[:50, 1] = values[:90, 2] = 1
    for settings in ({"alpha": "balanced"}, {"class_weights": "balanced"}):
        options = FinetuneOptions(loss="focal", gamma=0.0, **settings)
        one = built_of(options, "multi-label", values, LABELS)
        having = one.items(torch.zeros(1, 3), torch.eye(3)[:1]).item()
        lacking = one.items(torch.zeros(1, 3), torch.zeros(1, 3)).item()
        # with alpha 0.8, 0.5, 0.1: (0.8 + 0.5 + 0.9) and (0.2 + 0.5 + 0.9) times log 2, over 3
        assert having == pytest.approx(2.2 * math.log(2) / 3, rel=1e-4)
        assert lacking == pytest.approx(1.6 * math.log(2) / 3, rel=1e-4)


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        ("single-label", {"alpha": "joy=0.5"}, 'no number for the label "sadness"'),
        ("single-label", {"alpha": "joi=0.5,sadness=1,anger=1"}, 'unknown label "joi" .did you mean "joy"'),
        ("single-label", {"alpha": "0.25"}, "neither balanced nor a number for every label"),
        ("single-label", {"alpha": "joy=x"}, "neither balanced nor a number for every label"),
        ("single-label", {"alpha": "joy=1e,sadness=1,anger=1"}, "joy=1e: expected a number from 0 up"),
        ("single-label", {"alpha": "balanced", "class_weights": "sqrt"}, "the same thing to the focal loss"),
        ("multi-label", {"alpha": "joy=0.5,sadness=2,anger=1"}, "each number is from 0 to 1"),
        ("multi-label", {"loss": "logit-adjusted"}, "multi-label has no such loss"),
        ("regression", {}, "regression has no such loss"),
        (
            "regression",
            {"loss": "ce", "class_weights": "balanced"},
            "--class-weights: numbers have no classes",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(task, settings, message):
    with pytest.raises(UsageError, match=message):
        built(task, **{"loss": "focal", **settings})


def test_every_family_of_losses_is_that_of_a_task_and_has_a_default():
    assert {task.loss for task in TASKS.values()} == LOSSES.keys()
    assert all(next(iter(family)) == "ce" for family in LOSSES.values())
    for task, loss in EVERY:
        assert type(built(task, loss)) is LOSSES[TASKS[task].loss][loss]
