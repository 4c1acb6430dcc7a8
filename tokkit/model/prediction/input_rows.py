"""Texts to predict as they are named: literal texts, and the rows of paths, addresses and ``-``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.data.dataset import Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import UsageError
from tokkit.model.prediction.predictor import Predictor
from tokkit.model.requests.checks import is_source
from tokkit.model.tasks.regression import number_in
from tokkit.progress import Progress


@dataclass(frozen=True)
class InputRow:
    """A row of the input; ``pair`` where rows are pairs, ``tokens`` where the model gives tags."""

    text: str | None
    true_label: str | None = None
    pair: str | None = None
    paired: bool = False
    tokens: list[str] | None = None

    @property
    def complete(self) -> bool:
        return self.text is not None and (self.pair is not None or not self.paired)

    def result(self, prediction: dict[str, Any] | None) -> dict[str, Any]:
        """The row of the result; an incomplete row has no prediction."""
        pair = {"pair": self.pair} if self.paired else {}
        true = {} if self.true_label is None else {"true_label": self.true_label}
        return {"text": self.text, **pair, **(prediction or {"label": None, "probabilities": None}), **true}


def complete_rows(inputs: Sequence[InputRow]) -> Rows:
    """The rows that can be predicted; raises `UsageError` where some are pairs and others single texts."""
    complete = [(position, row) for position, row in enumerate(inputs) if row.complete]
    paired = {row.paired for _, row in complete}
    if len(paired) > 1:
        raise UsageError("single texts and pairs of texts in one call", hint="predict the pairs separately")
    return Rows(
        texts=[row.text or "" for _, row in complete],
        labels=[],
        positions=[position for position, _ in complete],
        left_out={},
        pairs=[row.pair or "" for _, row in complete] if True in paired else [],
        tokens=[row.tokens or [] for _, row in complete],
    )


def read_rows(
    argument: str | Path, predictor: Predictor, read_options: DatasetOptions, progress: Progress
) -> Iterator[InputRow]:
    """The rows of one argument: of a data set it names, else the argument itself as one text."""
    by_row = predictor.classifier.task.by_row
    if not is_source(argument):
        yield InputRow(str(argument), tokens=None if by_row else str(argument).split())
        return
    dataset = read_dataset(argument, read_options, progress, trained=predictor.members[0].receipt.columns)
    for name, split in dataset.splits.items():
        texts, pairs = dataset.texts(name).to_list(), dataset.pairs(name)
        unknown: list[Any] = [None] * len(texts)
        labels = dataset.labels(name).to_list() if dataset.label_column else unknown
        if not _are_known(labels, predictor, read_options.label_column is not None, argument, progress):
            labels = unknown
        second = unknown if pairs is None else pairs.to_list()
        column = None if by_row else dataset.tokens_column
        tokens = split.frame[column].to_list() if column else unknown
        for text, label, pair, words in zip(texts, labels, second, tokens, strict=True):
            # Tokens of CoNLL files or lists are taken as they are; texts are split at white space.
            if not by_row and words is None and text is not None:
                words = text.split()
            yield InputRow(text, label, pair, paired=pairs is not None, tokens=words)


def _are_known(
    labels: Sequence[str | None],
    predictor: Predictor,
    named: bool,
    argument: str | Path,
    progress: Progress,
) -> bool:
    """Whether the model knows these labels; a warning where it knows some, or the column was ``named``."""
    task = predictor.classifier.task
    written = {label for label in labels if label is not None}
    # Of a regression every number is a true value, whatever the model has seen.
    if not task.has_classes:
        return all(number_in(label) is not None for label in written)
    names = {name for label in written for name in task.names(label)}
    if names <= set(predictor.classifier.labels):
        return True
    if named or names & set(predictor.classifier.labels):
        progress.say(f"{argument}: some labels are unknown to the model, so no true labels are given")
    return False
