"""A data set: named splits of rows, and which columns hold text and label."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.sources import tables

if TYPE_CHECKING:
    import datasets
    import polars as pl

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
_SPLIT_NAMES = {
    **{"train": TRAIN, "training": TRAIN},
    **{"validation": VALIDATION, "valid": VALIDATION, "val": VALIDATION, "dev": VALIDATION},
    **{"test": TEST, "testing": TEST},
}


@dataclass(frozen=True)
class Split:
    """The rows of one split.

    frame      text and label as strings, null where they are missing
    original   the same rows and columns as they stand in the files, which is what is written again; of
               labels that were given names, the names
    known      whether the names of the columns come with the format, and none has to be guessed
    """

    name: str
    frame: pl.DataFrame
    files: tuple[Path, ...]
    format: tables.TableFormat
    original: pl.DataFrame
    known: bool = False

    @property
    def where(self) -> str:
        return str(self.files[0]) if len(self.files) == 1 else f"{self.files[0].parent} ({self.name})"


@dataclass(frozen=True)
class Rows:
    """Rows that have all they need, in order.

    texts, labels   strings; labels is empty where the data set has none
    positions       number of each row in its split, from 0
    left_out        reason -> rows that are not here
    """

    texts: list[str]
    labels: list[str]
    positions: list[int]
    left_out: dict[str, int]


@dataclass(frozen=True)
class Dataset:
    """Splits by name, and the columns all of them share."""

    source: str
    splits: Mapping[str, Split]
    text_column: str
    label_column: str | None

    @property
    def files(self) -> list[Path]:
        return [file for split in self.splits.values() for file in split.files]

    def split(self, name: str) -> Split:
        """The split of that name; raises `InputError` naming those there are."""
        if name not in self.splits:
            raise InputError(
                f"{self.source}: no {name} split; it has: {', '.join(self.splits)}",
                hint=f"tokkit split {shlex.quote(self.source)} -o split/ makes train, validation and test",
            )
        return self.splits[name]

    def texts(self, split: str) -> pl.Series:
        """The texts of a split, (rows,) strings, null where missing."""
        return self.split(split).frame[self.text_column]

    def labels(self, split: str) -> pl.Series:
        """The labels of a split, (rows,) strings, null where missing; raises `InputError` without any."""
        return self.split(split).frame[self.require_labels()]

    def require_labels(self) -> str:
        """The label column; raises `InputError` where the data set has none."""
        if self.label_column is None:
            frame = next(iter(self.splits.values())).frame
            others = [name for name in frame.columns if name != self.text_column]
            raise InputError(
                f"{self.source}: no column of labels found; it has: {', '.join(frame.columns)}",
                hint=f"name it: --label-column {others[-1]}"
                if others
                else "rows are TEXT;LABEL, say? then name their columns: --names text,label --sep ';'",
            )
        return self.label_column

    def complete(self, split: str) -> Rows:
        """The rows of a split that have a text and, where there are labels at all, a label."""
        texts = self.texts(split).to_list()
        labels = self.labels(split).to_list() if self.label_column else [""] * len(texts)
        kept = [i for i in range(len(texts)) if texts[i] is not None and labels[i] is not None]
        reasons = {
            "no text": sum(text is None for text in texts),
            "no label": sum(t is not None and b is None for t, b in zip(texts, labels, strict=True)),
        }
        return Rows(
            texts=[texts[i] for i in kept],
            labels=[labels[i] for i in kept] if self.label_column else [],
            positions=kept,
            left_out={reason: n for reason, n in reasons.items() if n},
        )

    def to_polars(self, split: str = TRAIN) -> pl.DataFrame:
        """The rows of a split for polars, text and label as strings; raises `InputError` as `split`."""
        return self.split(split).frame

    def to_pandas(self, split: str = TRAIN) -> Any:
        """The same for pandas."""
        return self.to_polars(split).to_pandas()

    def to_datasets(self) -> datasets.DatasetDict:
        """The same rows as the `datasets` library holds them, labels as a ``ClassLabel``."""
        from tokkit.data import saved

        frames = {name: split.frame for name, split in self.splits.items()}
        labels = (
            [] if self.label_column is None else [each for name in self.splits for each in self.labels(name)]
        )
        names = sort_labels(label for label in labels if label is not None)
        return saved.to_datasets(frames, self.label_column, names)


def split_named(path: str | Path) -> str | None:
    """The split a file's name says: ``nsmc_valid.tsv`` -> ``validation``; None where it says none."""
    words = re.split(r"[^a-z]+", Path(path).name.casefold())
    return next((_SPLIT_NAMES[word] for word in words if word in _SPLIT_NAMES), None)


def sort_labels(labels: Iterable[str]) -> list[str]:
    """Distinct labels in order: whole numbers by value, all else by code point."""
    distinct = set(labels)
    if all(re.fullmatch(r"-?\d+", label) for label in distinct):
        return sorted(distinct, key=int)
    return sorted(distinct)
