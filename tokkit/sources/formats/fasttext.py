"""Files of fastText: a text a line, in which words that begin with ``__label__`` are its labels.

__label__good warm rolls               ->  label "good"               text "warm rolls"
__label__good __label__cheap fine room     label ["good", "cheap"]    text "fine room"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from tokkit.sources import streams
from tokkit.sources.formats import FASTTEXT_LABEL, FormatOptions, Say, TableFormat
from tokkit.sources.formats.batch import Batch, batches_of, string_series

LABEL, TEXT = "label", "text"
_MARKED = re.compile(rf"(?:^|(?<=\s)){FASTTEXT_LABEL}(\S+)")
_MARKED_WITH_SPACE = re.compile(rf"(?:^|\s+){FASTTEXT_LABEL}\S+")


def batches(path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> Iterator[Batch]:
    """The columns ``label`` and ``text``; labels are lists where any line of the file has several.

    A line without a text has null; one without a label, too, or an empty list. Empty lines are no rows.
    Raises `InputError` for what is no text of the encoding.
    """
    several = any(len(_MARKED.findall(line)) > 1 for line in _filled(path, options, []))
    read: list[int] = []

    def columns_of(some: list[str]) -> dict[str, list[Any]]:
        labels = [_MARKED.findall(line) for line in some]
        given = labels if several else [names[0] if names else None for names in labels]
        return {LABEL: given, TEXT: [_MARKED_WITH_SPACE.sub("", line).strip() for line in some]}

    def column_of(name: str, values: list[Any]) -> pl.Series:
        return (
            pl.Series(name, values, pl.List(pl.String))
            if several and name == LABEL
            else string_series(name, values)
        )

    yield from batches_of(iter(_filled(path, options, read)), read, columns_of, column_of)


def _filled(path: Path, options: FormatOptions, read: list[int]) -> Iterable[str]:
    lines = chain.from_iterable(streams.lines(path, read.append, options.encoding))
    return filter(str.strip, lines)
