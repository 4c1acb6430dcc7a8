"""Leaks of a training split: its rows whose text is in a validation or test split too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tokkit.data.dataset import TRAIN, Dataset, split_named
from tokkit.data.duplicates import text_keys
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.progress import Progress
from tokkit.sources import paths

# Split name, and the data set that has it.
SiblingSplits = Sequence[tuple[str, Dataset]]


def sibling_splits(dataset: Dataset, read_options: DatasetOptions, progress: Progress) -> SiblingSplits:
    """The validation and test splits of the folder, or the files next to a training file that differ from it
    only in the split they name, and in numbers."""
    if len(dataset.splits) > 1:
        return [(name, dataset) for name in dataset.splits if name != TRAIN]
    file = dataset.files[0]
    if dataset.source == paths.STANDARD_INPUT or split_named(file) != TRAIN:
        return []
    # only files named as this one: train.csv next to reviews_test.csv is another data set
    others = [
        other
        for other in sorted(file.parent.iterdir())
        if other.is_file()
        and split_named(other) not in (None, TRAIN)
        and _other_words(other) == _other_words(file)
    ]
    if others:
        progress.say(f"{file}: searching its texts in {', '.join(other.name for other in others)} too")
    return [(split_named(other) or "", read_dataset(other, read_options)) for other in others]


def leaking_rows(dataset: Dataset, siblings: SiblingSplits) -> set[int]:
    """The training rows, by number from 0, whose text is in a sibling split."""
    contents = dataset.contents(TRAIN)
    rows: set[int] = set()
    for name, sibling in siblings:
        rows |= set(text_keys.leaked(sibling.contents(name), contents).arg_true().to_list())
    return rows


def _other_words(path: Path) -> list[str]:
    """The words of a file's name but the split: ``nsmc_train.tsv`` and ``nsmc_valid.tsv`` have the same."""
    words = re.split(r"[^a-z]+", path.name.casefold())
    return [word for word in words if split_named(word) is None]
