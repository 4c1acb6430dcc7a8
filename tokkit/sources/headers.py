"""Header lines of delimited files: which separator, and is the first line one at all?"""

from __future__ import annotations

import csv
from collections.abc import Sequence

TEXT_NAMES = (
    *("text", "sentence", "document", "review", "content", "comment", "utterance", "body", "message"),
    *("tweet", "sentence1", "premise", "question", "query", "title"),
)
LABEL_NAMES = (
    *("label", "label_name", "labels", "class", "class_name", "target", "category", "sentiment", "emotion"),
    *("intent", "topic", "stars", "rating"),
)
ID_NAMES = ("id", "index", "idx", "guid", "uid", "row_id")

SEPARATORS = (",", "\t", ";", "|")
_KNOWN = frozenset((*TEXT_NAMES, *LABEL_NAMES, *ID_NAMES))


def split_line(line: str, separator: str) -> list[str]:
    """The fields of one line; in a tab-separated file a quote is a character like any other."""
    line = line.rstrip("\r\n")
    return line.split("\t") if separator == "\t" else next(csv.reader([line], delimiter=separator), [])


def known(cells: Sequence[str]) -> int:
    """How many cells are names that columns of text data usually carry."""
    return sum(cell.strip().casefold() in _KNOWN for cell in cells)


def sniff_separator(sample: Sequence[str]) -> str | None:
    """The separator of a delimited file from its first lines, or None where none fits.

    Known column names in the first line decide; else the separator that cuts every line of the
    sample into the same number of fields, two at least.
    """
    by_name = {separator: known(split_line(sample[0], separator)) for separator in SEPARATORS}
    best = max(SEPARATORS, key=lambda separator: by_name[separator])
    if by_name[best] and len(split_line(sample[0], best)) > 1:
        return best
    for separator in SEPARATORS:
        counts = {sum(1 for _ in split_line(line, separator)) for line in sample if line.strip()}
        if len(counts) == 1 and counts.pop() > 1:
            return separator
    return None


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line certainly names columns: every cell does, or at least two of them."""
    return known(cells) >= min(2, len(cells))


def looks_like_data(cells: Sequence[str], columns: Sequence[Sequence[str | None]]) -> bool:
    """Whether a first line taken for column names is a row: it reads like one of the rows below it.

    True where a name is a sentence of four words or more, or where it stands again among the values
    of its own column (a label, most likely).
    """
    if known(cells):
        return False
    return any(
        len(cell.split()) >= 4 or column[:2000].count(cell) >= 1
        for cell, column in zip(cells, columns, strict=True)
    )
