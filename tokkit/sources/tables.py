"""Files as tables: which format a file has, and the reader of each.

What is read is what stands there, and nothing is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.sources import columnar, conll, headers, json_rows, streams, text_rows
from tokkit.sources.delimited import Say, read_delimited

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("csv", "tsv", "text", "conll", "jsonl", "json", "parquet", "arrow")
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
    ".text": "text",
    **dict.fromkeys((".conll", ".bio", ".iob", ".iob2"), "conll"),
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
_REFUSED = {
    **dict.fromkeys(
        (".pkl", ".pickle"),
        "pickle runs code when it is read; where it was made, save Parquet: "
        'pandas.read_pickle("FILE.pkl").to_parquet("FILE.parquet")',
    ),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save the sheet as csv, encoded as UTF-8"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar"), "unpack it first, and name the file in it"),
}


@dataclass(frozen=True)
class TableFormat:
    """How a file is read, and how the same kind of file is written again."""

    name: str
    separator: str | None = None


def format_of(path: Path) -> str | None:
    """The format that a file's name says, its compression aside: ``a.csv.gz`` -> ``csv``."""
    return _SUFFIXES.get(_ending(path))


def _ending(path: Path) -> str:
    """The ending of a file's name in small letters, that of its compression aside."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in streams.COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def full_suffix(path: Path) -> str:
    """The ending of a file's name, with that of its compression: ``a.b.csv.gz`` -> ``.csv.gz``."""
    return "".join(path.suffixes[-2:]) if path.suffix.lower() in streams.COMPRESSIONS else path.suffix


def recognize(
    path: Path,
    sep: str | None = None,
    format: str | None = None,
    names: Sequence[str] = (),
    say: Say = lambda message: None,
    encoding: str | None = None,
) -> TableFormat:
    """The format of a file, from the options, its name and its first lines.

    A text file whose first line names known columns, or whose columns ``names`` gives, is a delimited
    file; any other gives one text per line, and if it looks like a table it is said.

    Raises `InputError` for an empty file and for formats that are not read.
    """
    ending = _ending(path)
    if format is None and ending in _REFUSED:
        raise InputError(f"{path}: {ending} files are not read", hint=_REFUSED[ending])
    name = format or format_of(path) or "text"
    sample = [] if name in ("parquet", "arrow") else streams.first_lines(path, encoding=encoding)
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


@dataclass(frozen=True)
class Reading:
    """What is said of a file beside its format.

    names      columns of a file that has no header line
    unit       what of a text file is a text: line, paragraph, file
    field      key under which the rows stand in JSON, subkeys after dots
    skip_bad   rows that cannot be read are left out and counted instead of being an error
    encoding   of text, as Python calls it; UTF-8 where it is None
    """

    names: Sequence[str] = ()
    unit: str = text_rows.LINE
    field: str | None = None
    skip_bad: bool = False
    encoding: str | None = None


def read_table(
    path: Path,
    table_format: TableFormat,
    reading: Reading = Reading(),
    say: Say = lambda message: None,
) -> pl.DataFrame:
    """The rows of one file, in order; delimited and text files give strings, null where empty.

    Raises `InputError` for what cannot be read as that format, naming file and line.
    """
    names, skip_bad, encoding = reading.names, reading.skip_bad, reading.encoding
    readers: dict[str, Callable[[], pl.DataFrame]] = {
        "csv": lambda: read_delimited(path, table_format.separator or ",", names, skip_bad, say, encoding),
        "tsv": lambda: read_delimited(path, "\t", names, skip_bad, say, encoding),
        "text": lambda: text_rows.read_text(path, reading.unit, encoding),
        "conll": lambda: conll.read_conll(path, names, skip_bad, say, encoding),
        "json": lambda: json_rows.read_json(path, reading.field, encoding),
        "jsonl": lambda: json_rows.read_jsonl(path, reading.field, skip_bad, say, encoding),
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
