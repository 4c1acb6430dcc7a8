"""A data set: named splits of rows, and which columns hold text, second text, label and id."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.duplicates import text_keys
from tokkit.errors import InputError
from tokkit.sources.formats import TableFormat

if TYPE_CHECKING:
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

    frame      text, second text and label as strings, null where they are missing
    original   the same rows and columns as they stand in the files, which is what is written again; of
               labels that were given names, the names
    known      whether the names of the columns come with the format, and none has to be guessed
    """

    name: str
    frame: pl.DataFrame
    files: tuple[Path, ...]
    format: TableFormat
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
    pairs           the second text of each row; empty where rows are single texts
    ids             what the column of ids holds, as it was read; empty where there is no such column
    tokens          the tokens of each row, where each has a tag; empty where rows are not cut into tokens
    """

    texts: list[str]
    labels: list[str]
    positions: list[int]
    left_out: dict[str, int]
    pairs: list[str] = field(default_factory=list)
    ids: list[Any] = field(default_factory=list)
    tokens: list[list[str]] = field(default_factory=list)

    def only(self, positions: Iterable[int]) -> Rows:
        """Those of the rows that have one of these numbers in the split, in their order."""
        wanted = set(positions)
        kept = [i for i, position in enumerate(self.positions) if position in wanted]

        def taken(values: Sequence[Any]) -> list[Any]:
            return [values[i] for i in kept] if values else []

        return Rows(
            texts=taken(self.texts),
            labels=taken(self.labels),
            positions=taken(self.positions),
            left_out=self.left_out,
            pairs=taken(self.pairs),
            ids=taken(self.ids),
            tokens=taken(self.tokens),
        )


@dataclass(frozen=True)
class Dataset:
    """Splits by name, and the columns all of them share.

    pair_column   of the second text of a row, where rows are pairs of texts
    id_column     of what names a row
    tokens_column of the list of a row's tokens, where the label holds a tag for each, spaces between
    label_lists   whether a row may have several labels, which its label holds with ``|`` between
    """

    source: str
    splits: Mapping[str, Split]
    text_column: str
    label_column: str | None
    pair_column: str | None = None
    id_column: str | None = None
    tokens_column: str | None = None
    label_lists: bool = False

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

    def pairs(self, split: str) -> pl.Series | None:
        """The second texts of a split, (rows,) strings, null where missing; None without a column of them."""
        return None if self.pair_column is None else self.split(split).frame[self.pair_column]

    def contents(self, split: str) -> pl.Series:
        """What makes two rows copies, (rows,): the text; of pairs both, as `text_keys.join_pairs`."""
        pairs = self.pairs(split)
        return self.texts(split) if pairs is None else text_keys.join_pairs(self.texts(split), pairs)

    def labels(self, split: str) -> pl.Series:
        """The labels of a split, (rows,) strings, null where missing; raises `InputError` without any."""
        return self.split(split).frame[self.require_labels()]

    def require_labels(self) -> str:
        """The label column; raises `InputError` where the data set has none."""
        if self.label_column is None:
            frame = next(iter(self.splits.values())).frame
            others = [name for name in frame.columns if name not in (self.text_column, self.pair_column)]
            raise InputError(
                f"{self.source}: no column of labels found; it has: {', '.join(frame.columns)}",
                hint=f"name it: --label-column {others[-1]}"
                if others
                else "rows are TEXT;LABEL, say? then name their columns: --names text,label --sep ';'",
            )
        return self.label_column

    def complete(self, split: str) -> Rows:
        """The rows of a split that have a text, and a second one and a label where there are such columns."""
        columns = {
            "no text": self.text_column,
            "no second text": self.pair_column,
            "no label": self.label_column,
        }
        frame = self.split(split).frame
        held = {reason: frame[name].to_list() for reason, name in columns.items() if name is not None}
        left_out: Counter[str] = Counter()
        kept = []
        for row, values in enumerate(zip(*held.values(), strict=True)):
            if None in values:
                left_out[list(held)[values.index(None)]] += 1
            else:
                kept.append(row)

        def taken(values: Sequence[Any]) -> list[Any]:
            return [values[row] for row in kept] if len(values) else []

        return Rows(
            texts=taken(held["no text"]),
            labels=taken(held.get("no label", ())),
            positions=kept,
            left_out={reason: left_out[reason] for reason in held if left_out[reason]},
            pairs=taken(held.get("no second text", ())),
            ids=taken(frame[self.id_column].to_list()) if self.id_column is not None else [],
            tokens=taken(frame[self.tokens_column].to_list()) if self.tokens_column is not None else [],
        )


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
