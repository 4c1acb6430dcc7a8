"""Header lines of delimited files: which separator, and is the first line one at all?"""

from __future__ import annotations

import csv
from collections.abc import Sequence

from tokkit.errors import UsageError

TEXT_NAMES = (
    *("text", "sentence", "document", "review", "content", "comment", "utterance", "body", "message"),
    *("tweet", "sentence1", "premise", "question", "query", "title"),
)
PAIR_NAMES = {
    **{"sentence1": "sentence2", "premise": "hypothesis", "question1": "question2", "text1": "text2"},
    **{"question": "context", "query": "passage", "text": "text_pair", "sentence": "sentence2"},
}
"""Names of a first text -> that of the second, where rows are pairs."""
LABEL_NAMES = (
    *("label", "label_name", "labels", "class", "class_name", "target", "category", "sentiment", "emotion"),
    *("intent", "topic", "stars", "rating"),
)
ID_NAMES = ("id", "idx", "guid", "uid", "row_id", "index")

SEPARATORS = (",", "\t", ";", "|")
_KNOWN = frozenset((*TEXT_NAMES, *LABEL_NAMES, *ID_NAMES))


LARGEST_FIELD = 2**31 - 1
"""Characters of one field; Python's own limit, 131,072, is less than a long document."""


def split_line(line: str, separator: str) -> list[str]:
    """The fields of one line; in a tab-separated file a quote is a character like any other.

    A line that is no record gives itself as the only field.
    """
    line = line.rstrip("\r\n")
    if separator == "\t":
        return line.split("\t")
    csv.field_size_limit(LARGEST_FIELD)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a lone carriage return
        return [line]


def separator_of(text: str) -> str:
    r"""The separator that ``--sep`` names: one character, or ``\t`` and ``tab`` as they are typed in a shell.

    >>> separator_of(r"\t")
    '\t'

    Raises `UsageError` for what cannot separate fields.
    """
    separator = {r"\t": "\t", "tab": "\t"}.get(text, text)
    if len(separator) != 1 or separator in '"\r\n':
        raise UsageError(f'--sep: "{text}" is not one character', hint="--sep ';' or --sep tab, for example")
    return separator


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
    return next((separator for separator in SEPARATORS if cuts_evenly(sample, separator)), None)


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line certainly names columns: every cell does, or at least two of them."""
    return known(cells) >= min(2, len(cells))


def cuts_evenly(sample: Sequence[str], separator: str) -> bool:
    """Whether the separator cuts every line into the same number of fields, two at least."""
    counts = {len(split_line(line, separator)) for line in sample}
    return len(counts) == 1 and counts.pop() > 1


def looks_like_data(cells: Sequence[str], columns: Sequence[Sequence[str | None]]) -> bool:
    """Whether a first line taken for column names is a row: it reads like one of the rows below it.

    True where a name is a sentence of four words or more, where it stands again among the values of its
    own column (a label, most likely), and where it is a number over a column of numbers.
    """
    if known(cells):
        return False
    return any(
        len(cell.split()) >= 4
        or cell in column[:2000]
        or (cell.isdecimal() and all(value is None or value.isdecimal() for value in column[:2000]))
        for cell, column in zip(cells, columns, strict=True)
        if cell
    )
