"""First lines of a delimited file: separator, titles above the table, names of the columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tokkit.errors import InputError, UsageError
from tokkit.sources.column_names import ID_NAMES, LABEL_NAMES, TEXT_NAMES, UNNAMED
from tokkit.sources.formats.quoting import LARGEST_FIELD

SEPARATORS = (",", "\t", ";", "|")
_KNOWN = frozenset((*TEXT_NAMES, *LABEL_NAMES, *ID_NAMES))
# the line that tells Excel the separator of the file: sep=;
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?,*', re.IGNORECASE)
_OTHER_COMMA = re.compile(r"(?<!\d),|,(?!\d)")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
# lines above a header that are looked at to find it
MOST_TITLES = 10


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
        raise UsageError(
            f'--sep: "{text}" is not one character', hint="name the one between the columns, as in ';' or tab"
        )
    return separator


def named_separator(line: str) -> str | None:
    """The separator that a line names for Excel, as ``sep=;`` does; None for any other line."""
    match = _SEPARATOR_LINE.fullmatch(line.rstrip("\r\n"))
    return match and match[1]


def is_title(cells: Sequence[str]) -> bool:
    """Whether a line above the header of a table may be a title: only its first cell is filled."""
    return bool(cells) and bool(cells[0].strip()) and not any(cell.strip() for cell in cells[1:])


def titles(records: Sequence[Sequence[str]]) -> int:
    """How many lines of title the first records are, above one that certainly names columns; else 0."""
    for count, cells in enumerate(records[: MOST_TITLES + 1]):
        if len(cells) > 1 and is_header(cells):
            return count
        if not is_title(cells) or known(cells):
            return 0
    return 0


def known(cells: Sequence[str]) -> int:
    """How many cells are names that columns of text data usually carry."""
    return sum(cell.strip().strip('"').casefold() in _KNOWN for cell in cells)


def sniff_separator(sample: Sequence[str]) -> str | None:
    """The separator of a delimited file from its first lines, or None where none fits.

    A first line for Excel decides, as do known column names in the first line, or below a title; else the
    separator that cuts every line of the sample into the same number of fields, two at least.
    """
    if named := named_separator(sample[0]):
        return named
    # a header of known names says more than regular cuts, which prose with commas may have too
    by_name = {separator: known(split_line(sample[0], separator)) for separator in SEPARATORS}
    best = max(SEPARATORS, key=lambda separator: by_name[separator])
    if by_name[best] and len(split_line(sample[0], best)) > 1:
        return best
    for separator in SEPARATORS:
        if titles([split_line(line, separator) for line in sample]):
            return separator
    even = [separator for separator in SEPARATORS if cuts_evenly(sample, separator)]
    # commas that are all within numbers are decimal ones where something else cuts the lines, too
    if len(even) > 1 and not any(_OTHER_COMMA.search(line) for line in sample[1:]):
        even = [separator for separator in even if separator != ","]
    return even[0] if even else None


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line certainly names columns: every cell does, or at least two of them."""
    return known(cells) >= min(2, len(cells))


def cuts_evenly(sample: Sequence[str], separator: str) -> bool:
    """Whether the separator cuts every line into the same number of fields, two at least."""
    counts = {len(split_line(line, separator)) for line in sample}
    return len(counts) == 1 and counts.pop() > 1


def looks_like_data(cells: Sequence[str], columns: Sequence[Sequence[str | None]]) -> bool:
    """Whether a first line taken for column names is a row: it reads like one of the rows below it.

    True where a name is a sentence of four words or more, where it is also among the values of its
    own column (a label, most likely), and where it is a number over a column of numbers.
    """
    if known(cells):
        return False
    # one cell that reads like data is enough
    return any(
        len(cell.split()) >= 4
        or cell in column[:2000]
        or (
            _NUMBER.fullmatch(cell)
            and all(value is None or _NUMBER.fullmatch(value) for value in column[:2000])
        )
        for cell, column in zip(cells, columns, strict=True)
        if cell
    )


def column_names(
    path: Path, line: int, cells: Sequence[str], names: Sequence[str], say: Callable[[str], None]
) -> tuple[list[str], bool]:
    """The names of the columns, ``names`` where they are given, and whether the first record holds names.

    A column without a name, as an index of pandas is, is called as pandas calls it: ``Unnamed: 0``.

    line, cells   of the first record

    Raises `InputError` for a name that occurs twice.
    """
    if not names:
        columns = [cell.strip() or f"{UNNAMED}{number}" for number, cell in enumerate(cells)]
        check_unique(f"{path}:{line}", columns)
        return columns, True
    check_unique(f"--names for {path}", names)
    holds_names = is_header(cells) or [c.casefold() for c in cells] == [n.casefold() for n in names]
    if holds_names:
        named = ", ".join(cells)
        say(f"{path}: its first line names columns ({named}): it is no row, --names renames them")
    return list(names), holds_names


def check_unique(where: str, names: Sequence[str]) -> None:
    """Raises `InputError` for a column name that occurs twice."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise InputError(
            f'{where}: two columns are called "{twice[0]}"',
            hint="give every column a name of its own in the first line",
        )


def suggested_names(columns: Sequence[Sequence[str | None]]) -> list[str]:
    """Names for columns without: the longest text (numbers are none) and the fewest distinct values."""
    sample = [[value or "" for value in column[:1000]] for column in columns]
    length = [sum(len(value) for value in column if not _NUMBER.fullmatch(value)) for column in sample]
    text = max(range(len(sample)), key=lambda i: length[i])
    others = [i for i in reversed(range(len(sample))) if i != text]
    label = min(others, key=lambda i: len(set(sample[i])), default=None)
    return ["text" if i == text else "label" if i == label else f"column_{i + 1}" for i in range(len(sample))]
