"""The loop against the stock Trainer, and against itself cut into other pieces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.model.conftest import sentences
from tokkit.errors import InputError
from tokkit.model import classifier as classifiers
from tokkit.model.batching import batch_of
from tokkit.model.losses.cross_entropy import CrossEntropy
from tokkit.model.spec import FinetuneSpec
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training.loop import TrainingRows, train
from tokkit.progress import SILENT
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.load import load

LABELS = ("joy", "sadness", "anger")
CPU = torch.device("cpu")


def prepared(tokenizer, spec, rows=96):
    """A classifier drawn with a fixed seed, and its encoded rows."""
    torch.manual_seed(7)
    loaded = load(tokenizer)
    classifier = classifiers.build(loaded, LABELS, spec)
    drawn = sentences(rows, seed=5)
    encoded = encode([text for text, _ in drawn], loaded, max_length=64)
    return classifier, encoded, np.array([LABELS.index(label) for _, label in drawn])


def weights_after(tokenizer, spec, budget, class_weights=None):
    classifier, encoded, targets = prepared(tokenizer, spec)
    rows = TrainingRows(encoded, RowTargets(targets), CrossEntropy(class_weights, spec.label_smoothing))
    epochs = list(train(classifier, rows, spec, 1e-3, CPU, budget, SILENT))
    return classifier.model.state_dict(), epochs


@pytest.mark.parametrize("class_weights", [None, torch.tensor([0.5, 1.0, 3.0])])
def test_the_result_does_not_depend_on_the_pieces(tokenizer, class_weights):
    spec = FinetuneSpec(size="tiny", epochs=1, dropout=0.0, label_smoothing=0.1)
    whole, [one] = weights_after(tokenizer, spec, 100_000, class_weights)
    cut, [other] = weights_after(tokenizer, spec, 60, class_weights)
    assert one.loss == pytest.approx(other.loss, abs=1e-5)
    assert one.computed_tokens > other.computed_tokens
    for name, weight in whole.items():
        assert torch.allclose(weight, cut[name], atol=1e-4), name


def test_steps_follow_the_stock_trainer(tokenizer, tmp_path):
    """Same model, rows and order: the same mean losses and, after 12 steps, the same weights."""
    from transformers import Trainer, TrainingArguments

    spec = FinetuneSpec(size="tiny", epochs=2, batch_size=16, dropout=0.0, warmup_ratio=0.1)
    classifier, encoded, targets = prepared(tokenizer, spec)
    start = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    epochs = list(
        train(
            classifier,
            TrainingRows(encoded, RowTargets(targets), CrossEntropy()),
            spec,
            1e-3,
            CPU,
            10_000,
            SILENT,
        )
    )
    after_ours = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    ours = [epoch.loss for epoch in epochs]

    classifier.model.load_state_dict(start)
    rng = np.random.default_rng(spec.seed)
    order = np.concatenate([rng.permutation(len(encoded)) for _ in range(spec.epochs)])

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
        batch = batch_of(Encoded(np.array(flat), offsets, 0), index, classifier.pad_id)
        labels = torch.tensor([r["labels"] for r in rows])
        return {"input_ids": batch.ids, "attention_mask": batch.mask, "labels": labels}

    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        per_device_train_batch_size=16,
        num_train_epochs=1,  # both epochs are laid one after the other
        learning_rate=1e-3,
        weight_decay=spec.weight_decay,
        max_grad_norm=spec.max_grad_norm,
        lr_scheduler_type="linear",
        warmup_steps=round(12 * 0.1),
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        remove_unused_columns=False,
        disable_tqdm=True,
    )
    trainer = InOrder(
        model=classifier.model, args=arguments, train_dataset=[row(i) for i in order], data_collator=collate
    )
    trainer.train()
    theirs = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(theirs) == 12
    for epoch in (0, 1):
        assert ours[epoch] == pytest.approx(np.mean(theirs[6 * epoch : 6 * epoch + 6]), abs=1e-4)
    for name, value in classifier.model.state_dict().items():
        assert torch.allclose(value, after_ours[name], atol=1e-4), name


def test_a_loss_that_is_no_number_stops_with_a_sentence(tokenizer):
    spec = FinetuneSpec(size="tiny", epochs=1, max_grad_norm=0.0)
    classifier, encoded, targets = prepared(tokenizer, spec)
    classifier.model.classifier.weight.data.fill_(float("nan"))
    with pytest.raises(InputError, match="no number any more at step 1") as caught:
        list(
            train(
                classifier,
                TrainingRows(encoded, RowTargets(targets), CrossEntropy()),
                spec,
                1.0,
                CPU,
                512,
                SILENT,
            )
        )
    assert caught.value.hint == "a lower rate: --lr 0.1"


def test_weight_decay_spares_biases_and_norms(tokenizer):
    from tokkit.model.training.loop import _parameter_groups

    classifier, _, _ = prepared(tokenizer, FinetuneSpec(size="tiny"))
    decayed, plain = _parameter_groups(classifier.model, 0.01)
    assert all(p.ndim == 2 for p in decayed["params"])
    assert all(p.ndim == 1 for p in plain["params"])
    total = sum(1 for _ in classifier.model.parameters())
    assert len(decayed["params"]) + len(plain["params"]) == total
