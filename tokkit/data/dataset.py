"""A data set: named splits of rows, and which columns hold text, second text, label and id."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from tokkit.data.duplicates import text_keys
from tokkit.errors import InputError, did_you_mean
from tokkit.sources.formats import TableFormat

TRAIN, VALIDATION, TEST = "train", "validation", "test"
# between the labels of a row that may have several, and between the tags of its tokens
SEPARATOR = "|"
BETWEEN_TAGS = " "
# columns of a data set of ids, of which each row has the bytes of its numbers
INPUT_IDS, TOKEN_TYPE_IDS = "input_ids", "token_type_ids"
# what a label of a row is
ONE, SEVERAL, TAGS = "one", "several", "tags"
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
    mixed      JSON column -> its first row with a list or an object, where others hold something else
    """

    name: str
    frame: pl.DataFrame
    files: tuple[Path, ...]
    format: TableFormat
    original: pl.DataFrame
    known: bool = False
    mixed: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return str(self.files[0]) if len(self.files) == 1 else f"{self.files[0].parent} ({self.name})"

    def column_named(self, requested: str) -> str:
        """The name of a column that is requested by its name or its number."""
        names = self.original.columns
        # a column that is called "0" wins over column number 0
        by_number = requested not in names and requested.isdecimal() and int(requested) < len(names)
        return names[int(requested)] if by_number else requested


@dataclass(frozen=True)
class Rows:
    """Rows that have all they need, in order.

    texts, labels   strings; labels is empty where the data set has none
    positions       number of each row in its split, from 0
    left_out        reason -> rows that are not here
    pairs           the second text of each row; empty where rows are single texts
    ids             what the column of ids holds, as it was read; empty where there is no such column
    tokens          the tokens of each row, where each has a tag; empty where rows are not cut into tokens
    input_ids       int32 token ids of each row, as bytes, special tokens included; empty where rows are texts
    segments        int8 segment of each id, where these are of pairs

    Rows of ids have a hash of them in place of a text.
    """

    texts: list[str]
    labels: list[str]
    positions: list[int]
    left_out: dict[str, int]
    pairs: list[str] = field(default_factory=list)
    ids: list[Any] = field(default_factory=list)
    tokens: list[list[str]] = field(default_factory=list)
    input_ids: list[bytes] = field(default_factory=list)
    segments: list[bytes] = field(default_factory=list)

    def only(self, positions: Iterable[int]) -> Rows:
        """Those of the rows that have one of these numbers in the split, in their order."""
        wanted = set(positions)
        return self.at([i for i, position in enumerate(self.positions) if position in wanted])

    def at(self, indices: Sequence[int]) -> Rows:
        """The rows with these indices, in this order."""
        chosen: dict[str, Any] = {
            name: [column[i] for i in indices]
            for name, column in vars(self).items()
            if column and name != "left_out"
        }
        return replace(self, **chosen)


@dataclass(frozen=True)
class Dataset:
    """Splits by name, and the columns all of them share.

    pair_column   of the second text of a row, where rows are pairs of texts
    id_column     of what names a row
    tokens_column of the list of a row's tokens, where the label holds a tag for each, spaces between
    label_lists   whether a row may have several labels, which its label holds with ``|`` between
    encoded_columns   of rows of ids: what was the ``text``, ``pair`` and ``label`` in the data set encoded
    """

    source: str
    splits: Mapping[str, Split]
    text_column: str
    label_column: str | None
    pair_column: str | None = None
    id_column: str | None = None
    tokens_column: str | None = None
    label_lists: bool = False
    encoded_columns: Mapping[str, str] | None = None

    @property
    def files(self) -> list[Path]:
        return [file for split in self.splits.values() for file in split.files]

    @property
    def label_kind(self) -> str:
        """What a label of a row is: `ONE`, `SEVERAL` labels or `TAGS`."""
        return TAGS if self.tokens_column is not None else SEVERAL if self.label_lists else ONE

    def split(self, name: str) -> Split:
        """The split of that name; raises `InputError` naming those there are."""
        if name not in self.splits:
            raise InputError(
                f"{self.source}: no {name} split; it has: {', '.join(self.splits)}",
                hint=f"make train, validation and test:\ntokkit split {shlex.quote(self.source)} -o split/",
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

    def required(self, split: str) -> dict[str, pl.Series]:
        """The columns that every row needs a value in, those of ``text``, ``second text``, ``label``."""
        columns = {"text": self.text_column, "second text": self.pair_column, "label": self.label_column}
        frame = self.split(split).frame
        return {what: frame[name] for what, name in columns.items() if name is not None}

    def class_counts(self, labels: pl.Series) -> dict[str, int]:
        """Rows of every class, in the order of `sort_labels`; one with several labels counts for each."""
        return class_counts(
            name for label in labels.drop_nulls() for name in class_names(label, self.label_kind)
        )

    def require_labels(self) -> str:
        """The label column; raises `InputError` where the data set has none."""
        if self.label_column is None:
            frame = next(iter(self.splits.values())).frame
            others = [name for name in frame.columns if name not in (self.text_column, self.pair_column)]
            raise InputError(
                f"{self.source}: no column of labels found; it has: {', '.join(frame.columns)}",
                hint=f"name it:\n--label-column {shlex.quote(others[-1])}"
                if others
                else "rows are TEXT;LABEL, say? then name their columns:\n--names text,label --sep ';'",
            )
        return self.label_column

    def complete(self, split: str) -> Rows:
        """The rows of a split that have a text, and a second one and a label where there are such columns."""
        frame = self.split(split).frame
        complete = pl.repeat(True, frame.height, eager=True)
        left_out: dict[str, int] = {}
        for what, column in self.required(split).items():
            # a row counts for the first column that it lacks
            left_out[f"no {what}"] = int((complete & column.is_null()).sum())
            complete &= column.is_not_null()

        def values(name: str | None) -> list[Any]:
            return [] if name is None else frame[name].filter(complete).to_list()

        rows = Rows(
            texts=values(self.text_column),
            labels=values(self.label_column),
            positions=complete.arg_true().to_list(),
            left_out={reason: rows for reason, rows in left_out.items() if rows},
            pairs=values(self.pair_column),
            ids=values(self.id_column),
            tokens=values(self.tokens_column),
        )
        if self.encoded_columns is None:
            return rows
        segments = values(TOKEN_TYPE_IDS) if TOKEN_TYPE_IDS in frame.columns else []
        # The hash in place of the text is of both texts of a pair.
        pairs = [""] * len(segments)
        return replace(rows, input_ids=values(INPUT_IDS), segments=segments, pairs=pairs)


def split_named(path: str | Path) -> str | None:
    """The split a file's name says: ``nsmc_valid.tsv`` -> ``validation``; None where it says none."""
    words = re.split(r"[^a-z]+", Path(path).name.casefold())
    return next((_SPLIT_NAMES[word] for word in words if word in _SPLIT_NAMES), None)


def no_column(where: str, name: str, columns: Sequence[str], hint: str | None = None) -> InputError:
    """The error for a column that is not there; it names those there are."""
    near = did_you_mean(name, columns)
    return InputError(f'{where}: no column "{name}"{near}; it has: {", ".join(columns)}', hint)


def first_names(names: Sequence[str], most: int = 5) -> str:
    """The first of the names, for a message: ``a, b, c, d, e ...``."""
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")


def sort_labels(labels: Iterable[str]) -> list[str]:
    """Distinct labels in order: whole numbers by value, all else by code point."""
    distinct = set(labels)
    if all(re.fullmatch(r"-?\d+", label) for label in distinct):
        return sorted(distinct, key=int)
    return sorted(distinct)


def class_names(label: str, kind: str) -> list[str]:
    """The classes that a row counts for: its label, each of its labels, or each tag that its tokens have.

    >>> class_names("joy|love", SEVERAL), class_names("|", SEVERAL), class_names("B-ORG O O", TAGS)
    (['joy', 'love'], [], ['B-ORG', 'O'])
    """
    if kind == ONE:
        return [label]
    parts = label.split(SEPARATOR if kind == SEVERAL else BETWEEN_TAGS)
    return list(dict.fromkeys(filter(None, (part.strip() for part in parts))))


def class_counts(labels: Iterable[str]) -> dict[str, int]:
    """Rows of every label, in the order of `sort_labels`."""
    counts = Counter(labels)
    return {label: counts[label] for label in sort_labels(counts)}
