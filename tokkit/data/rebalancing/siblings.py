"""The splits that stand beside a training split, and the training rows whose text stands in them too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tokkit.data.dataset import TRAIN, Dataset, split_named
from tokkit.data.duplicates import text_keys
from tokkit.data.loading.load import DatasetOptions, read_dataset
from tokkit.progress import Progress
from tokkit.sources import paths

Siblings = Sequence[tuple[str, Dataset]]
"""Split name, and the data set that has it."""


def siblings_of(loaded: Dataset, options: DatasetOptions, progress: Progress) -> Siblings:
    """The validation and test splits: of the folder, or the files beside a training file that differ from
    it in the split they name, and in numbers."""
    if len(loaded.splits) > 1:
        return [(name, loaded) for name in loaded.splits if name != TRAIN]
    file = loaded.files[0]
    if loaded.source == paths.STANDARD_INPUT or split_named(file) != TRAIN:
        return []
    beside = [
        other
        for other in sorted(file.parent.iterdir())
        if other.is_file() and split_named(other) not in (None, TRAIN) and _bare(other) == _bare(file)
    ]
    if beside:
        progress.say(f"{file}: looking for its texts in {', '.join(other.name for other in beside)} too")
    return [(split_named(other) or "", read_dataset(other, options)) for other in beside]


def leaking_rows(loaded: Dataset, siblings: Siblings) -> set[int]:
    """The training rows, by number from 0, whose text stands in a sibling."""
    contents = loaded.contents(TRAIN)
    found: set[int] = set()
    for name, sibling in siblings:
        found |= set(text_keys.leaked(sibling.contents(name), contents).arg_true().to_list())
    return found


def _bare(path: Path) -> list[str]:
    """The words of a file's name but the split: ``nsmc_train.tsv`` and ``nsmc_valid.tsv`` have the same."""
    words = re.split(r"[^a-z]+", path.name.casefold())
    return [word for word in words if split_named(word) is None]
