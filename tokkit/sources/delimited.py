"""Csv, tsv and other separators as rows of strings.

What is read is what stands there: "NA" and "null" stay text, only an empty field is missing, and a short
or long row is an error with its line, or left out and counted.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.sources import headers, streams
from tokkit.sources.bad_rows import BadRows

if TYPE_CHECKING:
    import polars as pl

Say = Callable[[str], None]
Record = tuple[int, list[str]]
Records = Iterable[Record]


def read_delimited(
    path: Path,
    separator: str,
    names: Sequence[str],
    skip_bad: bool,
    say: Say,
    encoding: str | None = None,
) -> pl.DataFrame:
    """The rows of a delimited file as strings, null where a field is empty.

    ``names`` names the columns of a file that has no header line. With ``skip_bad`` rows that cannot be
    read are left out, which is said by reason; else the first raises `InputError` with its line.
    """
    bad = BadRows(path, skip_bad)
    text = itertools.chain.from_iterable(streams.lines(path, encoding=encoding))
    header = header_of(path, records_of(path, text, separator, bad), names, say)
    columns = _columns(header.names, header.rows, separator, bad)
    header.check(path, separator, columns)
    bad.tell(say)
    return string_frame(header.names, columns)


@dataclass(frozen=True)
class Header:
    """Names of the columns, and the rows below them.

    line     of the first record
    is_line  whether that record names columns, so that it is no row
    given    whether the names were given instead
    """

    names: list[str]
    rows: Records
    line: int
    is_line: bool
    given: bool

    def check(self, path: Path, separator: str, columns: Sequence[Sequence[str | None]]) -> None:
        """Raises `InputError` where the first line looks like one of the rows below it."""
        if not self.given and headers.looks_like_data(self.names, columns):
            suggested = ",".join(_suggested_names(columns))
            raise InputError(
                f"{path}:{self.line}: the first line looks like data, not like column names: "
                f'"{separator.join(self.names)[:80]}"',
                hint=f"name the columns: --names {suggested}",
            )


def header_of(path: Path, records: Iterator[Record], names: Sequence[str], say: Say) -> Header:
    """The names of the columns: ``names`` where they are given, else those of the first record.

    Raises `InputError` for an empty file and a name that stands twice.
    """
    first = next(records, None)
    if first is None:
        raise InputError(f"{path}: the file is empty", hint="name a file that holds rows")
    line, cells = first
    is_line = not names
    if names:
        is_line = headers.is_header(cells) or [c.casefold() for c in cells] == [n.casefold() for n in names]
        if is_line:
            named = ", ".join(cells)
            say(f"{path}: its first line names columns ({named}): it is no row, --names renames them")
    called = list(names) if names else [cell.strip() for cell in cells]
    check_header(f"--names for {path}" if names else f"{path}:{line}", called)
    rows = records if is_line else itertools.chain([first], records)
    return Header(called, rows, line, is_line, bool(names))


def check_header(where: str, header: Sequence[str]) -> None:
    """Raises `InputError` for a column name that stands twice."""
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(
            f'{where}: the column name "{twice[0]}" stands twice',
            hint="give every column a name of its own in the first line",
        )


def string_frame(header: Sequence[str], columns: Sequence[Sequence[str | None]]) -> pl.DataFrame:
    """Columns of strings under their names."""
    import polars as pl

    return pl.DataFrame(
        {name: pl.Series(name, column, dtype=pl.String) for name, column in zip(header, columns, strict=True)}
    )


def records_of(
    path: Path, text: Iterator[str], separator: str, bad: BadRows, before: int = 0
) -> Iterator[Record]:
    """Line number and fields of every record that is not blank; no more lines are taken than it stands on.

    text, before   lines of the file with their newlines, and how many of it stand before them

    Raises `InputError` for a quote that is never closed, and through ``bad`` for what is no record.
    """
    if separator == "\t":
        for number, row in enumerate(text, before + 1):
            if stripped := row.rstrip("\r\n"):
                yield number, stripped.split("\t")
        return
    csv.field_size_limit(headers.LARGEST_FIELD)
    reader = csv.reader(text, delimiter=separator, strict=True)
    while True:
        line = before + reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = 'close every quote, and double a quote inside a quoted field ("")'
            if str(error) == "unexpected end of data":  # an open quote took all the rest for one field
                raise InputError(f"{path}:{line}: this record cannot be read: {error}", hint=hint) from error
            if str(error).startswith("new-line character"):  # csv goes on to speak of Python's ways to open
                within = "a carriage return stands within a line, unquoted"
                bad.found(line, within, r"quote that field; where it ends lines: tr '\r' '\n' < IN > OUT.csv")
            else:
                bad.found(line, f"this record cannot be read: {error}", hint)
            continue
        if record:
            yield line, record


def _columns(header: Sequence[str], records: Records, separator: str, bad: BadRows) -> list[list[str | None]]:
    columns: list[list[str | None]] = [[] for _ in header]
    for line, record in records:
        if len(record) != len(header):
            wrong_width(line, record, header, separator, bad)
            continue
        for column, value in zip(columns, record, strict=True):
            column.append(value or None)
    return columns


def wrong_width(
    line: int, record: Sequence[str], header: Sequence[str], separator: str, bad: BadRows
) -> None:
    """Tells ``bad`` of a record that has more or fewer fields than there are names."""
    shown = "a tab" if separator == "\t" else f"'{separator}'"
    other = "','" if separator == ";" else "';'"
    bad.found(
        line,
        f"{len(record)} fields where {len(header)} are named ({', '.join(header)})",
        f"mend that line ({shown} separates fields), leave such rows out: --skip-bad, "
        f"or name another separator: --sep {other}",
    )


def _suggested_names(columns: Sequence[Sequence[str | None]]) -> list[str]:
    """Names for columns without: the longest text (numbers are none) and the fewest distinct values."""
    sample = [[value or "" for value in column[:1000]] for column in columns]
    length = [sum(len(value) for value in column if not value.isdecimal()) for column in sample]
    text = max(range(len(sample)), key=lambda i: length[i])
    others = [i for i in reversed(range(len(sample))) if i != text]
    label = min(others, key=lambda i: len(set(sample[i])), default=None)
    return ["text" if i == text else "label" if i == label else f"column_{i + 1}" for i in range(len(sample))]
