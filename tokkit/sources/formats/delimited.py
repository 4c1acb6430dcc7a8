"""Csv, tsv and other separators: columns of strings, in which only an empty field is missing.

What is read is what the file holds: "NA" and "null" stay text. Python's `csv` decides what a record is. Of a
large file a kernel cuts the records that are plain, and leaves every other one to `csv`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from tokkit.errors import InputError, counted
from tokkit.sources import streams
from tokkit.sources.formats import FormatOptions, Say, TableFormat, headers
from tokkit.sources.formats.batch import BadRows, Batch, batches_of, first_rows, string_series
from tokkit.sources.formats.quoting import LARGEST_FIELD

# bytes of text from which on the kernel saves more time than loading it takes
LARGE = 1 << 24
# bytes of a record that wait for its end before `csv` gets it: it may be a quote that is never closed
LONGEST_WAITING = 1 << 24
# bytes that are cut at a time: few after an odd record, as another may follow, then more and more
SMALLEST_WINDOW, LARGEST_WINDOW = 1 << 12, 1 << 30
# rows that the first line is compared with to find out whether it is one of them
_COMPARED = 2000

_DECIMAL = re.compile(r"\s*[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?\s*", re.ASCII)

# the number of the line that a record begins on, and its fields
Record = tuple[int, list[str]]


def batches(path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> Iterator[Batch]:
    """The rows of a delimited file as strings.

    A row that cannot be read raises `InputError` with its line, or is skipped and counted with ``skip_bad``.
    So does a first line that looks like a row where column names were expected.
    """
    file = _DelimitedFile(path, table_format, options, say)
    large = file.separator.isascii() and options.decimal == "." and streams.text_size(path) >= LARGE
    rows = file.cut() if large else file.parsed()
    # the first line is compared with the rows below it before any of them is given
    below: list[Batch] = []
    while sum(batch.rows for batch in below) < _COMPARED and (batch := next(rows, None)):
        below.append(batch)
    below = below or [Batch({name: string_series(name, ()) for name in file.wanted}, 0)]
    file.check_first_line(below)
    yield from below
    yield from rows
    file.report()


class _DelimitedFile:
    """One file, read by one of two ways to the same rows: `parsed` by `csv`, or `cut` by a kernel."""

    def __init__(self, path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> None:
        self.separator = table_format.separator or ","
        self.bad = BadRows(path, options.skip_bad)
        self.names: list[str] = []
        self.wanted: dict[str, int] = {}
        self._path, self._options, self._say = path, options, say
        self._quoted = table_format.quoted
        # the cells of the header, none where there is none, and how many records repeat it
        self._header: list[str] = []
        self._repeats = 0
        self._line = 0

    def parsed(self) -> Iterator[Batch]:
        """All rows, every record parsed by `csv`."""
        read: list[int] = []
        records = self._records(
            chain.from_iterable(streams.lines(self._path, read.append, self._options.encoding))
        )
        return self._batches(chain(self._named(records), records), read)

    def cut(self) -> Iterator[Batch]:
        """All rows, about a block of the file at a time; plain records are cut by a kernel."""
        text, window = _Text(self._path, self._options.encoding), LARGEST_WINDOW
        yield from self._batches(self._named(self._records(text.lines())), [])
        # a record may reach into the next block: what is not cut waits until that is read
        while text.fill():
            more = True
            while more:
                waiting = text.waiting(window)
                more = len(waiting) < text.size
                batch, is_odd = self._cut(waiting, text.at_end and not more)
                if batch.rows:
                    yield batch
                text.take(batch.read)
                window = min(2 * window, LARGEST_WINDOW)
                # an open quote would wait for the end of the file, and be looked at again with each block
                is_endless = batch.read == 0 and len(waiting) > LONGEST_WAITING
                # the last row of a file needs no line end
                is_last = text.at_end and not more and text.size
                if is_odd or is_endless or is_last:
                    record = islice(self._records(text.lines(), text.lines_taken), 1)
                    yield from self._batches(record, [])
                    # odd records have odd neighbors: the rest of a block is not cut again after each
                    window, more = SMALLEST_WINDOW, text.size > 0

    def _named(self, records: Iterator[Record]) -> list[Record]:
        """Names the columns; the first records where they are rows, and do not name them."""
        first = list(islice((record for record in records if not self._is_separator_line(record[1])), 1))
        # more are read only to look for the header below a title
        while first and headers.is_title(first[-1][1]) and len(first) <= headers.MOST_TITLES:
            following = list(islice(records, 1))
            first += following
            if not following:
                break
        if not first:
            raise InputError(f"{self._path}: the file is empty", hint="name a file that holds rows")
        if above := headers.titles([cells for _, cells in first]):
            title = " ".join(cell for _, cells in first[:above] for cell in cells if cell)
            self._say(
                f"{self._path}: skipped what is above the header in line {first[above][0]}: {title[:80]}"
            )
            first = first[above:]
        self._line, cells = first[0]
        self._check_title([cells for _, cells in first])
        self.names, is_header = headers.column_names(self._path, *first[0], self._options.names, self._say)
        self._header = cells if is_header else []
        wanted = self._options.columns
        self.wanted = {name: i for i, name in enumerate(self.names) if wanted is None or name in wanted}
        return first[1:] if is_header else first

    def _check_title(self, first: Sequence[list[str]]) -> None:
        """Raises `InputError` where the first line is most likely a title, and no names of columns follow."""
        wide = len(first) > 1 and len(first[0]) > 1 and headers.is_title(first[0])
        if wide and not (self._options.names or headers.known(first[0]) or headers.is_title(first[1])):
            raise InputError(
                f'{self._path}:{self._line}: names one of {len(first[0])} columns, "{first[0][0]}": a title?',
                hint=f"leave out what is above the column names:\n"
                f"{streams.filtered(self._path, f'tail -n +{self._line + 1}')} > table.csv",
            )

    def _is_separator_line(self, fields: list[str]) -> bool:
        return headers.named_separator(self.separator.join(fields)) is not None

    def _repeats_header(self, fields: list[str]) -> bool:
        """Whether a record is the header again, or a line for Excel, as in files that were joined."""
        first = fields[0]
        if first.startswith("\ufeff"):  # then quotes do not begin the field
            first = first[1:].strip('"')
        is_header = len(fields) > 1 and first == self._header[0] and fields[1:] == self._header[1:]
        return is_header or (first[3:4] == "=" and self._is_separator_line([first, *fields[1:]]))

    def _leave_out(self, line: int) -> None:
        """Says that a record repeats the header, at once for the first of them."""
        self._repeats += 1
        if self._repeats <= BadRows.LISTED:
            self._say(f"{self._path}:{line}: repeats the column names: left out")

    def report(self) -> None:
        """Say which rows were skipped."""
        self.bad.report(self._say)
        if self._repeats > BadRows.LISTED:
            self._say(f"{self._path}: left out {counted(self._repeats, 'row')} that repeat the column names")

    def _batches(self, records: Iterable[Record], read: list[int]) -> Iterator[Batch]:
        return batches_of(self._fitting(records), read, self._columns, string_series)

    def _columns(self, rows: Sequence[list[str]]) -> dict[str, Sequence[str]]:
        columns: list[Sequence[str]] = list(zip(*rows, strict=True))
        if self._options.decimal == ",":
            columns = [_with_decimal_points(values) for values in columns]
        return {name: columns[i] for name, i in self.wanted.items()}

    def check_first_line(self, below: Sequence[Batch]) -> None:
        """Raises `InputError` where the first line looks like one of the rows below it."""
        # with some columns alone the comparison is not possible; a corpus makes it when it chooses its column
        if self._options.names or self._options.columns is not None:
            return
        rows = first_rows(below, _COMPARED)
        columns = [rows[name].to_list() for name in self.names]
        if headers.looks_like_data(self.names, columns):
            present = [[value for value in column if value is not None] for column in columns]
            commas = self.separator != "," and any(_with_decimal_points(some) != some for some in present)
            decimal = " --decimal ," if commas and self._options.decimal == "." else ""
            raise InputError(
                f"{self._path}:{self._line}: the first line looks like data, not like column names: "
                f'"{self.separator.join(self.names)[:80]}"',
                hint=f"name the columns:\n--names {','.join(headers.suggested_names(columns))}{decimal}",
            )

    def _cut(self, text: bytes, is_rest: bool) -> tuple[Batch, bool]:
        """The plain rows that a text begins with, and whether an odd one follows them."""
        # also NumPy only here: a small csv file needs none, and loading it takes as long as reading that
        import numpy as np

        from tokkit.runtime.strings import Strings, padded
        from tokkit.sources.formats.delimited_kernels import ODD, cut_rows

        data = padded(text)
        starts, ends = np.empty((2, text.count(b"\n") + 1, len(self.names)), np.int64)
        # rows that may repeat the header are odd, too; no text has the byte 255
        first = np.frombuffer(self._header[0].encode() if self._header else b"\xff", np.uint8)
        rows, read, why = cut_rows(
            data, len(text), ord(self.separator), self._quoted, is_rest, first, starts, ends
        )
        columns = {
            # copies, as the arrays have room for more rows
            name: Strings(data, starts[:rows, i].copy(), ends[:rows, i].copy())
            for name, i in self.wanted.items()
        }
        return Batch(columns, rows, read), why == ODD

    def _fitting(self, records: Iterable[Record]) -> Iterator[list[str]]:
        """The fields of the records that have one for each name; others are bad rows."""
        name_of_separator = "a tab" if self.separator == "\t" else f"'{self.separator}'"
        other = "','" if self.separator == ";" else "';'"
        for line, fields in records:
            if self._header and self._repeats_header(fields):
                self._leave_out(line)
                continue
            if len(fields) == len(self.names):
                yield fields
                continue
            self.bad.add(
                line,
                f"{len(fields)} fields where {len(self.names)} are named ({', '.join(self.names)})",
                f"correct that line ({name_of_separator} separates fields), skip such rows: --skip-bad, "
                f"or name another separator: --sep {other}",
            )

    def _records(self, lines: Iterator[str], before: int = 0) -> Iterator[Record]:
        """Every record that is not blank; no more lines are taken than it consists of.

        Line numbers follow ``before``. Raises `InputError` for a quote that is never closed, and adds what is
        no record to the bad rows.
        """
        # no escapes either: what is between two tabs is the field
        if not self._quoted:
            for number, row in enumerate(lines, before + 1):
                if stripped := row.rstrip("\r\n"):
                    yield number, stripped.split(self.separator)
            return
        # the limit of Python, 131,072 characters, is less than a long document
        csv.field_size_limit(LARGEST_FIELD)
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        while True:
            # the line that the record begins on; `line_num` is the one that the last record ended on
            line = before + reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._add_bad(line, error)
                continue
            if record:
                yield line, record

    def _add_bad(self, line: int, error: csv.Error) -> None:
        hint = (
            'close every quote, and double a quote inside a quoted field (""), '
            "or read quotes as characters:\n--quote none"
        )
        if str(error) == "unexpected end of data":  # an open quote took all the rest for one field
            message = f"{self._path}:{line}: this record cannot be read: {error}"
            raise InputError(message, hint=hint) from error
        if str(error).startswith("new-line character"):  # csv goes on to speak of Python's ways to open
            within = "a carriage return within a line, unquoted"
            hint = (
                "quote that field; where it ends lines:\n"
                + streams.filtered(self._path, r"tr '\r' '\n'")
                + " > lines.csv"
            )
            self.bad.add(line, within, hint)
        else:
            self.bad.add(line, f"this record cannot be read: {error}", hint)


def _with_decimal_points(values: Sequence[str]) -> Sequence[str]:
    """Numbers with a decimal comma as Python writes them; 1.234 is one of thousands only among such numbers.

    >>> _with_decimal_points(["3,5", "1.234", "-1.234,25", "a, b"])
    ['3.5', '1234', '-1234.25', 'a, b']
    """
    if not any("," in value and _DECIMAL.fullmatch(value) for value in values):
        return values
    return [
        value.replace(".", "").replace(",", ".") if _DECIMAL.fullmatch(value) else value for value in values
    ]


class _Text:
    """The text of a file, block by block: what is waiting to be cut, and how much of it was taken."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._blocks = (text for text, _ in streams.text_blocks(path, encoding=encoding, within_lines=False))
        self._next = next(self._blocks, None)
        self._text, self._at = b"", 0
        self.lines_taken = 0

    @property
    def at_end(self) -> bool:
        """Whether what is waiting is the rest of the file."""
        return self._next is None

    @property
    def size(self) -> int:
        """Bytes that are waiting."""
        return len(self._text) - self._at

    def fill(self) -> bool:
        """Adds another block to what is waiting; whether anything is."""
        if self._next is not None:
            # one copy a block, of what no record was cut from
            self._text = self._text[self._at :] + self._next
            self._at = 0
            self._next = next(self._blocks, None)
        return self.size > 0

    def waiting(self, most: int) -> bytes:
        return self._text[self._at : self._at + most]

    def take(self, size: int) -> None:
        """Removes the first bytes of what is waiting."""
        self.lines_taken += self._text.count(b"\n", self._at, self._at + size)
        self._at += size

    def lines(self) -> Iterator[str]:
        """The lines that follow, newlines kept; each is taken when it is given."""
        while self.size or self.fill():
            end = self._text.find(b"\n", self._at) + 1
            if not end and self._next is not None:
                self.fill()
                continue
            line = self._text[self._at : end or len(self._text)]
            self.take(len(line))
            yield line.decode()
