"""Files as tables: csv, tsv and other separators, json, jsonl, parquet, arrow, plain text.

What is read is what stands there: "NA" and "null" stay text, only an empty field is missing, a short
or long row is an error with its line, and nothing is dropped.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.sources import columnar, headers, json_rows, streams

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("csv", "tsv", "text", "jsonl", "json", "parquet", "arrow")
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
    ".text": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
_REFUSED = {
    **dict.fromkeys(
        (".pkl", ".pickle"), "pickle runs code when it is read; save it as Parquet: df.to_parquet()"
    ),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save the sheet as csv, encoded as UTF-8"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar"), "unpack it first, and name the file in it"),
}
Say = Callable[[str], None]


@dataclass(frozen=True)
class TableFormat:
    """How a file is read, and how the same kind of file is written again."""

    name: str
    separator: str | None = None


def format_of(path: Path) -> str | None:
    """The format that a file's name says, its compression aside: ``a.csv.gz`` -> ``csv``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in streams.COMPRESSIONS:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def full_suffix(path: Path) -> str:
    """The ending of a file's name, with that of its compression: ``a.b.csv.gz`` -> ``.csv.gz``."""
    return "".join(path.suffixes[-2:]) if path.suffix.lower() in streams.COMPRESSIONS else path.suffix


def recognize(
    path: Path,
    sep: str | None = None,
    format: str | None = None,
    names: Sequence[str] = (),
    say: Say = lambda message: None,
) -> TableFormat:
    """The format of a file, from the options, its name and its first lines.

    A text file whose first line names known columns, or whose columns ``names`` gives, is a delimited
    file; any other gives one text per line, and if it looks like a table it is said.

    Raises `InputError` for an empty file and for formats that are not read.
    """
    if format is None and path.suffix.lower() in _REFUSED:
        raise InputError(f"{path}: {path.suffix} files are not read", hint=_REFUSED[path.suffix.lower()])
    name = format or format_of(path) or "text"
    sample = [] if name in ("parquet", "arrow") else streams.first_lines(path)
    if name == "json" and json_rows.is_json_lines(sample):
        name = "jsonl"
    if name not in ("csv", "tsv", "text"):
        return TableFormat(name)
    if sep is not None:
        return _delimited(headers.separator_of(sep))
    if name == "tsv":
        return _delimited("\t")
    separator = headers.sniff_separator(sample)
    if name == "csv":
        return _delimited(separator or ",")
    if format == "text" or separator is None:
        return TableFormat("text")
    if len(names) > 1 or _names_columns(sample, separator):
        return _delimited(separator)
    if separator != "," and len(sample) > 2 and headers.cuts_evenly(sample, separator):
        fields = len(headers.split_line(sample[0], separator))
        shown = "a tab" if separator == "\t" else f"'{separator}'"
        say(f"{path}: read as a text a line, yet {shown} cuts each into {fields}; --names A,B reads columns")
    return TableFormat("text")


def _delimited(separator: str) -> TableFormat:
    return TableFormat("tsv" if separator == "\t" else "csv", separator)


def _names_columns(sample: Sequence[str], separator: str) -> bool:
    cells = headers.split_line(sample[0], separator)
    certain = headers.is_header(cells)
    return certain or (
        headers.known(cells) > 0 and len(sample) > 1 and headers.cuts_evenly(sample, separator)
    )


def read_table(
    path: Path, table_format: TableFormat, names: Sequence[str] = (), say: Say = lambda message: None
) -> pl.DataFrame:
    """The rows of one file, in order; delimited and text files give strings, null where empty.

    ``names`` names the columns of a delimited file that has no header line.

    Raises `InputError` for what cannot be read as that format, naming file and line.
    """
    readers: dict[str, Callable[[], pl.DataFrame]] = {
        "csv": lambda: _read_delimited(path, table_format.separator or ",", names, say),
        "tsv": lambda: _read_delimited(path, "\t", names, say),
        "text": lambda: _read_text(path),
        "json": lambda: json_rows.read_json(path),
        "jsonl": lambda: json_rows.read_jsonl(path),
        "parquet": lambda: columnar.read_parquet(path, say),
        "arrow": lambda: columnar.read_arrow(path, say),
    }
    frame = readers[table_format.name]()
    if frame.height == 0:
        raise InputError(
            f"{path}: has no rows" + (", only a header" if frame.width else ""),
            hint="name a file that holds rows",
        )
    return frame


def _read_delimited(path: Path, separator: str, names: Sequence[str], say: Say) -> pl.DataFrame:
    records = _records(path, separator)
    first = next(records, None)
    if first is None:
        raise InputError(f"{path}: the file is empty", hint="name a file that holds rows")
    line, cells = first
    if not names:
        header = [cell.strip() for cell in cells]
    elif headers.is_header(cells) or [c.casefold() for c in cells] == [n.casefold() for n in names]:
        say(f"{path}: its first line names columns ({', '.join(cells)}): it is no row, --names renames them")
        header = list(names)
    else:
        header, records = list(names), itertools.chain([first], records)
    _check_header(f"--names for {path}" if names else f"{path}:{line}", header)
    columns = _columns(path, header, records, separator)
    if not names and headers.looks_like_data(header, columns):
        suggested = ",".join(_suggested_names(columns))
        raise InputError(
            f"{path}:{line}: the first line looks like data, not like column names: "
            f'"{separator.join(header)[:80]}"',
            hint=f"name the columns: --names {suggested}",
        )
    return _string_frame(header, columns)


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of every record that is not blank."""
    text = itertools.chain.from_iterable(streams.lines(path))
    if separator == "\t":
        for number, row in enumerate(text, 1):
            if stripped := row.rstrip("\r\n"):
                yield number, stripped.split("\t")
        return
    csv.field_size_limit(headers.LARGEST_FIELD)
    reader = csv.reader(text, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"{path}:{line}: this record cannot be read: {error}",
                hint='close every quote, and double a quote inside a quoted field ("")',
            ) from error
        if record:
            yield line, record


def _columns(
    path: Path, header: Sequence[str], records: Iterable[tuple[int, list[str]]], separator: str
) -> list[list[str | None]]:
    width = len(header)
    columns: list[list[str | None]] = [[] for _ in header]
    for line, record in records:
        if len(record) != width:
            shown = "a tab" if separator == "\t" else f"'{separator}'"
            raise InputError(
                f"{path}:{line}: {len(record)} fields where {width} are named ({', '.join(header)})",
                hint=f"mend that line ({shown} separates fields), or name another separator: --sep ';'"
                if separator != ";"
                else f"mend that line ({shown} separates fields), or name another separator: --sep ','",
            )
        for column, value in zip(columns, record, strict=True):
            column.append(value or None)
    return columns


def _check_header(where: str, header: Sequence[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(
            f'{where}: the column name "{twice[0]}" stands twice',
            hint="give every column a name of its own in the first line",
        )


def _suggested_names(columns: Sequence[Sequence[str | None]]) -> list[str]:
    """Names for columns without: the longest text (numbers are none) and the fewest distinct values."""
    sample = [[value or "" for value in column[:1000]] for column in columns]
    length = [sum(len(value) for value in column if not value.isdecimal()) for column in sample]
    text = max(range(len(sample)), key=lambda i: length[i])
    others = [i for i in reversed(range(len(sample))) if i != text]
    label = min(others, key=lambda i: len(set(sample[i])), default=None)
    return ["text" if i == text else "label" if i == label else f"column_{i + 1}" for i in range(len(sample))]


def _string_frame(header: Sequence[str], columns: Sequence[Sequence[str | None]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        {name: pl.Series(name, column, dtype=pl.String) for name, column in zip(header, columns, strict=True)}
    )


def _read_text(path: Path) -> pl.DataFrame:
    texts = (line.rstrip("\r\n") for batch in streams.lines(path) for line in batch)
    return _string_frame(["text"], [[text or None for text in texts]])
