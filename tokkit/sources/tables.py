"""Files as tables: csv, tsv and other separators, json, jsonl, parquet, arrow, plain text.

What is read is what stands there: "NA" and "null" stay text, only an empty field is missing, a short
or long row is an error with its line, and nothing is dropped.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.sources import headers, streams

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


def recognize(path: Path, sep: str | None = None, format: str | None = None) -> TableFormat:
    """The format of a file, from the options, its name and its first lines.

    A text file whose first line names known columns is a delimited file; any other gives one text
    per line. Raises `InputError` for an empty file.
    """
    name = format or format_of(path) or "text"
    if name in ("parquet", "arrow"):
        return TableFormat(name)
    sample = _first_lines(path)
    if name in ("json", "jsonl"):
        return TableFormat(name)
    if sep is not None:
        return TableFormat("csv" if sep != "\t" else "tsv", sep)
    if name == "tsv":
        return TableFormat("tsv", "\t")
    separator = headers.sniff_separator(sample)
    if name == "text":
        delimited = (
            format is None
            and separator is not None
            and headers.is_header(headers.split_line(sample[0], separator))
        )
        return TableFormat("csv", separator) if delimited else TableFormat("text")
    return TableFormat("csv", separator or ",")


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
        "json": lambda: _read_json(path),
        "jsonl": lambda: _read_jsonl(path),
        "parquet": lambda: _read_columnar(path, "read_parquet"),
        "arrow": lambda: _read_columnar(path, "read_ipc"),
    }
    frame = readers[table_format.name]()
    if frame.height == 0:
        raise InputError(f"{path}: has no rows" + (", only a header" if frame.width else ""))
    return frame


def _first_lines(path: Path, count: int = 20) -> list[str]:
    sample = next(streams.lines(path), [])[:count]
    if not any(line.strip() for line in sample):
        raise InputError(f"{path}: the file is empty")
    return sample


def _read_delimited(path: Path, separator: str, names: Sequence[str], say: Say) -> pl.DataFrame:
    records = _records(path, separator)
    first = next(records, None)
    if first is None:
        raise InputError(f"{path}: the file is empty")
    line, cells = first
    if not names:
        header = [cell.strip() for cell in cells]
    elif headers.is_header(cells) or [c.casefold() for c in cells] == [n.casefold() for n in names]:
        say(f"{path}: its first line names columns ({', '.join(cells)}): it is no row, --names renames them")
        header = list(names)
    else:
        header, records = list(names), itertools.chain([first], records)
    _check_header(path, header)
    columns = _columns(path, header, records)
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
    csv.field_size_limit(2**31 - 1)
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
    path: Path, header: Sequence[str], records: Iterable[tuple[int, list[str]]]
) -> list[list[str | None]]:
    width = len(header)
    columns: list[list[str | None]] = [[] for _ in header]
    for line, record in records:
        if len(record) != width:
            raise InputError(
                f"{path}:{line}: {len(record)} fields where {width} are named ({', '.join(header)})",
                hint="quote a field that holds the separator, or name another: --sep ';'",
            )
        for column, value in zip(columns, record, strict=True):
            column.append(value or None)
    return columns


def _check_header(path: Path, header: Sequence[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f'{path}:1: the column name "{twice[0]}" stands twice', hint="rename one of them")


def _suggested_names(columns: Sequence[Sequence[str | None]]) -> list[str]:
    """Names for columns without: the longest text and the fewest distinct values."""
    sample = [[value or "" for value in column[:1000]] for column in columns]
    text = max(range(len(sample)), key=lambda i: sum(map(len, sample[i])))
    label = min((i for i in range(len(sample)) if i != text), key=lambda i: len(set(sample[i])), default=None)
    return ["text" if i == text else "label" if i == label else f"column_{i + 1}" for i in range(len(sample))]


def _string_frame(header: Sequence[str], columns: Sequence[Sequence[str | None]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        {name: pl.Series(name, column, dtype=pl.String) for name, column in zip(header, columns, strict=True)}
    )


def _read_text(path: Path) -> pl.DataFrame:
    texts = (line.rstrip("\r\n") for batch in streams.lines(path) for line in batch)
    return _string_frame(["text"], [[text or None for text in texts]])


def _read_jsonl(path: Path) -> pl.DataFrame:
    rows = []
    text = itertools.chain.from_iterable(streams.lines(path))
    for number, line in enumerate(text, 1):
        if line.strip():
            rows.append(_parse_json(line, f"{path}:{number}"))
            if not isinstance(rows[-1], dict):
                raise InputError(f"{path}:{number}: an object was expected, one a line")
    return _frame_of_rows(rows)


def _read_json(path: Path) -> pl.DataFrame:
    text = "".join(itertools.chain.from_iterable(streams.lines(path)))
    content = _parse_json(text, str(path))
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return _frame_of_rows(content)
    if isinstance(content, dict) and all(isinstance(column, list) for column in content.values()):
        heights = {len(column) for column in content.values()}
        if len(heights) == 1:
            return _frame_of_columns(content)
    raise InputError(
        f"{path}: neither a list of objects nor an object of columns of one length",
        hint="one object a line works always: save it as .jsonl",
    )


def _parse_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: no JSON: {error}") from error


def _frame_of_rows(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    names = dict.fromkeys(name for row in rows for name in row)
    return _frame_of_columns({name: [row.get(name) for row in rows] for name in names})


def _frame_of_columns(columns: dict[str, list[Any]]) -> pl.DataFrame:
    """A column keeps its type where all its values share one; mixed ones are read as strings."""
    import polars as pl

    series = []
    for name, values in columns.items():
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1:
            values = [
                value if value is None or isinstance(value, str) else json.dumps(value) for value in values
            ]
        if kinds <= {str} or len(kinds) > 1:
            series.append(pl.Series(name, [value or None for value in values], dtype=pl.String))
        else:
            series.append(pl.Series(name, values))
    return pl.DataFrame(series)


def _read_columnar(path: Path, reader: str) -> pl.DataFrame:
    import polars as pl

    try:
        frame: pl.DataFrame = getattr(pl, reader)(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path}: cannot be read as {path.suffix.lstrip('.')}: {error}") from error
    return frame
