"""The loop against the stock Trainer, and against itself cut into other pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import PrinterCallback, TrainerCallback

from tests.model.conftest import sentences
from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.network import pretrained
from tokkit.model.network.classifier import batch_of
from tokkit.model.network.losses import CrossEntropy
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training import schedule
from tokkit.model.training.setup import EncodedRows, TrainingSetup
from tokkit.model.training.steps import Steps
from tokkit.progress import SILENT
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.folder.load import load

LABELS = ("joy", "sadness", "anger")
CPU = torch.device("cpu")


def prepared(tokenizer, options, rows=96):
    """A classifier initialized with a fixed seed, and its encoded rows."""
    torch.manual_seed(7)
    loaded = load(tokenizer)
    classifier = pretrained.new_classifier(loaded, LABELS, options)
    texts, labels = (list(column) for column in zip(*sentences(rows, seed=5), strict=True))
    encoded = encode(texts, loaded, max_length=64)
    targets = RowTargets(np.array([LABELS.index(label) for label in labels]))
    return classifier, EncodedRows(Rows(texts, labels, list(range(rows)), {}), encoded, targets)


def setup_of(classifier, rows, options, lr=1e-3, budget=512, loss=None):
    """A training that validates on the rows it trains on."""
    return TrainingSetup(classifier, rows, rows, loss or CrossEntropy(), options, lr, CPU, budget)


def steps_of(classifier, rows, options, lr=1e-3, budget=512, loss=None, precision="fp32"):
    return Steps(setup_of(classifier, rows, options, lr, budget, loss), precision)


def trained(classifier, rows, options, lr=1e-3, budget=512, loss=None):
    """The reports of a whole training."""
    return list(steps_of(classifier, rows, options, lr, budget, loss).run(SILENT))


def weights_after(tokenizer, options, budget, class_weights=None):
    classifier, rows = prepared(tokenizer, options)
    loss = CrossEntropy(class_weights, options.label_smoothing)
    reports = trained(classifier, rows, options, budget=budget, loss=loss)
    return classifier.model.state_dict(), reports


@pytest.mark.parametrize("class_weights", [None, torch.tensor([0.5, 1.0, 3.0])])
def test_the_result_does_not_depend_on_the_pieces(tokenizer, class_weights):
    options = FinetuneOptions(size="tiny", epochs=1, dropout=0.0, label_smoothing=0.1)
    whole, [one] = weights_after(tokenizer, options, 100_000, class_weights)
    cut, [other] = weights_after(tokenizer, options, 60, class_weights)
    assert one.loss == pytest.approx(other.loss, abs=1e-5)
    assert one.computed_tokens > other.computed_tokens
    for name, weight in whole.items():
        assert torch.allclose(weight, cut[name], atol=1e-4), name


def test_padding_to_the_full_length_changes_nothing_but_the_padding(tokenizer):
    """Every piece is as wide as a row may be."""
    options = FinetuneOptions(size="tiny", epochs=1, dropout=0.0, max_length=40)
    short, [one] = weights_after(tokenizer, options, 400)
    wide, [other] = weights_after(tokenizer, replace(options, pad_to_max=True), 400)
    assert one.loss == pytest.approx(other.loss, abs=1e-5)
    assert other.computed_tokens == 96 * 40 > one.computed_tokens
    for name, weight in short.items():
        assert torch.allclose(weight, wide[name], atol=1e-4), name


def test_dropout_depends_on_the_seed_and_the_step_alone(tokenizer):
    """What draws random numbers in between, as another's validation might, changes nothing."""
    options = FinetuneOptions(size="tiny", epochs=2, dropout=0.3)
    ends = []
    for disturbed in (False, True):
        classifier, rows = prepared(tokenizer, options)
        for _ in steps_of(classifier, rows, options).run(SILENT):
            if disturbed:
                torch.rand(7)
        ends.append(classifier.model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_dropout_drops_others_at_every_step(tokenizer):
    """At a rate of 0 and with equal rows, only what is dropped differs from step to step."""
    options = FinetuneOptions(size="tiny", epochs=4, batch_size=4, dropout=0.5)
    classifier, rows = prepared(tokenizer, options, rows=4)
    encoded = encode([rows.rows.texts[0]] * 4, load(tokenizer), max_length=64)
    equal = replace(rows, encoded=encoded, targets=RowTargets(np.zeros(4, np.int64)))
    losses = [report.loss for report in trained(classifier, equal, options, lr=0.0)]
    assert len(set(losses)) == 4


def test_steps_follow_the_stock_trainer(tokenizer, tmp_path):
    """Same model, rows and order: the same loss at each of 50 steps, and in the end the same weights."""
    from transformers import Trainer, TrainingArguments

    options = FinetuneOptions(
        size="tiny", epochs=5, batch_size=16, dropout=0.0, warmup_ratio=0.1, eval_every="1"
    )
    classifier, rows = prepared(tokenizer, options, rows=160)
    encoded, targets = rows.encoded, rows.targets.values
    start = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    ours = [report.loss for report in trained(classifier, rows, options, 2e-4, 10_000)]
    after_ours = {name: value.clone() for name, value in classifier.model.state_dict().items()}

    classifier.model.load_state_dict(start)
    order = np.concatenate([schedule.order("plain", None, 160, options.seed, epoch) for epoch in range(5)])

    class InOrder(Trainer):
        def _get_train_sampler(self, dataset=None):
            return torch.utils.data.SequentialSampler(dataset if dataset is not None else self.train_dataset)

    def row(i):
        ids = encoded.ids[encoded.offsets[i] : encoded.offsets[i + 1]].tolist()
        return {"input_ids": ids, "labels": int(targets[i])}

    def collate(rows):
        index = np.arange(len(rows))
        flat = [id_ for r in rows for id_ in r["input_ids"]]
        offsets = np.cumsum([0, *(len(r["input_ids"]) for r in rows)])
        batch = batch_of(Encoded(np.array(flat), offsets, 0), index, classifier.limits.pad_id)
        labels = torch.tensor([r["labels"] for r in rows])
        return {"input_ids": batch.ids, "attention_mask": batch.mask, "labels": labels}

    class Losses(TrainerCallback):
        """The loss of every step, unrounded."""

        def __init__(self):
            self.logged = []

        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" in logs:
                self.logged.append(logs["loss"])

    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        per_device_train_batch_size=16,
        num_train_epochs=1,  # the epochs are laid one after the other
        learning_rate=2e-4,
        weight_decay=options.weight_decay,
        max_grad_norm=options.max_grad_norm,
        lr_scheduler_type="linear",
        warmup_steps=5,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        remove_unused_columns=False,
        disable_tqdm=True,
    )
    losses = Losses()
    trainer = InOrder(
        model=classifier.model,
        args=arguments,
        train_dataset=[row(i) for i in order],
        data_collator=collate,
        callbacks=[losses],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    assert len(ours) == len(losses.logged) == 50
    assert ours == pytest.approx(losses.logged, abs=1e-5)
    for name, value in classifier.model.state_dict().items():
        assert torch.allclose(value, after_ours[name], atol=2e-4), name


def test_a_loss_that_is_nan_is_an_error_that_names_a_lower_rate(tokenizer):
    options = FinetuneOptions(size="tiny", epochs=1, max_grad_norm=0.0)
    classifier, rows = prepared(tokenizer, options)
    classifier.model.classifier.weight.data.fill_(float("nan"))
    with pytest.raises(InputError, match="loss is NaN or infinite at step 1 of 3") as caught:
        trained(classifier, rows, options, 1.0)
    assert caught.value.hint == "a lower rate:\n--lr 0.001"


def test_weights_that_are_not_finite_are_never_reported(tokenizer):
    """The last loss was finite, the weights after it are not: nothing may be evaluated or saved."""
    options = FinetuneOptions(size="tiny", epochs=1, max_grad_norm=0.0, warmup_ratio=0.0, eval_every="1")
    classifier, rows = prepared(tokenizer, options)
    with pytest.raises(InputError, match="NaN or infinite at step 1"):
        trained(classifier, rows, options, 1e39)


def test_every_row_comes_once_an_epoch_and_steps_stop_where_something_is_due(tokenizer):
    options = FinetuneOptions(size="tiny", epochs=2, eval_every="4", save_every="5")
    classifier, rows = prepared(tokenizer, options)
    reports = trained(classifier, rows, options)
    assert [(r.step, r.epoch, r.evaluate, r.save) for r in reports] == [
        (3, 1, False, False),
        (4, 1.3333, True, False),
        (5, 1.6667, False, True),
        (6, 2, True, True),
    ]
    assert reports[-1].tokens == 2 * rows.encoded.lengths.sum()
