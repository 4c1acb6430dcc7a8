"""What fine-tuning sets in a model's configuration: its classes, its task, its dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokkit.model.tasks.task import Task

_DROPOUTS = (
    *("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout", "summary_last_dropout"),
    *("dropout", "attention_dropout", "seq_classif_dropout", "embedding_dropout", "mlp_dropout"),
    *("pooler_dropout", "cls_dropout"),
)
_OF_HEADS = ("classifier_dropout", "seq_classif_dropout", "hidden_dropout_prob", "dropout")
_USUAL_DROPOUT = 0.1
"""Of heads where a configuration names none; BERT's."""


def label_config(labels: Sequence[str], task: Task) -> dict[str, Any]:
    """The classes and the task, under the names that transformers has for them."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: i for i, label in enumerate(labels)},
        "problem_type": task.problem_type,
    }


def set_dropout(config: Any, rate: float | None) -> None:
    """Sets the rate under every name that this model's configuration has for one; None leaves them."""
    for name in _DROPOUTS:
        if rate is not None and hasattr(config, name):
            setattr(config, name, rate)


def head_dropout(config: Any) -> float:
    """The rate that a head of this configuration would have."""
    rates = (getattr(config, name, None) for name in _OF_HEADS)
    return next((float(rate) for rate in rates if rate is not None), _USUAL_DROPOUT)
