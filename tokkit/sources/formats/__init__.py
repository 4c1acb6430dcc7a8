"""Formats of files: which one a file has, and its reader, loaded when it is used.

A reader is a module with one function, ``batches(path, table_format, options, say)``, which gives the rows of
a file as batches of columns, a part of the file at a time. A table is the concatenation of the batches of its
files, so that whatever reads the same file meets the same rows and the same errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.sources import streams
from tokkit.sources.formats import headers, quoting, refused

if TYPE_CHECKING:
    from tokkit.sources.formats.batch import Batch

Say = Callable[[str], None]

# Format -> the module that reads it. A new format is a module and a line here, with its endings below.
_READERS = {
    **dict.fromkeys(("csv", "tsv"), "delimited"),
    "text": "text",
    "conll": "conll",
    "conllu": "conllu",
    "fasttext": "fasttext",
    **dict.fromkeys(("jsonl", "json"), "json_rows"),
    **dict.fromkeys(("parquet", "arrow"), "columnar"),
}

FORMATS = tuple(_READERS)
# what a label begins with in files of fastText
FASTTEXT_LABEL = "__label__"
# what the quotes of a delimited file may be said to be
QUOTES = ENCLOSING, PLAIN = '"', "none"
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
    ".text": "text",
    **dict.fromkeys((".conll", ".bio", ".iob", ".iob2"), "conll"),
    ".conllu": "conllu",
    ".ft": "fasttext",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}


@dataclass(frozen=True)
class TableFormat:
    """How a file is read, and how the same kind of file is written again.

    quote   `ENCLOSING` or `PLAIN`, where the quotes of a delimited file are otherwise than usual
    """

    name: str
    separator: str | None = None
    quote: str | None = None

    @property
    def quoted(self) -> bool:
        """Whether quotes enclose fields, rather than being characters: usual, but where tabs separate."""
        return self.separator != "\t" if self.quote is None else self.quote == ENCLOSING


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
    names: Sequence[str] | None = (),
    say: Say = lambda message: None,
    encoding: str | None = None,
    quote: str | None = None,
) -> TableFormat:
    """The format of a file, from the options, its name and its first lines.

    A text file whose first line names known columns, or whose columns ``names`` gives, is a delimited
    file; any other gives one text per line, and if it looks like a table it is said, unless ``names`` is None
    as columns cannot be named. All of a tab-separated
    file decides whether its quotes enclose fields, where ``quote``, one of `QUOTES`, does not.

    Raises `InputError` for an empty file and for formats that are not read.
    """
    table_format = _recognized(path, sep, format, names, say, encoding)
    if table_format.separator is None:
        return table_format
    if quote is None and table_format.separator == "\t":
        enclosing = quoting.encloses(path, "\t", encoding)
        if enclosing is False:
            say(f"{path}: its quotes are characters of the text; --quote '\"' lets them enclose fields")
        elif enclosing:
            quote = ENCLOSING
            say(f"{path}: its quotes enclose fields; --quote none keeps them as characters")
    return replace(table_format, quote=quote)


def _recognized(
    path: Path,
    sep: str | None,
    format: str | None,
    names: Sequence[str] | None,
    say: Say,
    encoding: str | None,
) -> TableFormat:
    ending = _ending(path)
    if format is None:
        refused.check_ending(path, ending)
    name = format or format_of(path) or "text"
    if name not in ("parquet", "arrow") and streams.is_plain(path):
        refused.check_content(path)
    # JSON may be one line, whatever its size
    sample = (
        []
        if name in ("parquet", "arrow")
        else streams.first_lines(path, encoding=encoding, any_length=name == "json")
    )
    if sample and encoding is not None and (likelier := streams.likelier_encoding(path, encoding)):
        say(f"{path}: read as {encoding}, but it is more likely {likelier}: --encoding {likelier}")
    # many tools write an object a line to files called .json
    if name == "json" and _is_json_lines(sample):
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
    if format is None and sum(line.startswith(FASTTEXT_LABEL) for line in sample) * 2 > len(sample):
        say(f"{path}: read as fastText: words with {FASTTEXT_LABEL} are labels; --format text reads lines")
        return TableFormat("fasttext")
    if format == "text" or separator is None:
        return TableFormat("text")
    if headers.named_separator(sample[0]):
        return _delimited(separator)
    if len(names or ()) > 1 or _names_columns(sample, separator):
        return _delimited(separator)
    # prose has commas, seldom the same number in each line, but tabs and semicolons are hardly chance
    if separator != "," and len(sample) > 2 and names is not None and headers.cuts_evenly(sample, separator):
        fields = len(headers.split_line(sample[0], separator))
        cutter = "a tab" if separator == "\t" else f"'{separator}'"
        say(f"{path}: read as a text a line, yet {cutter} cuts each into {fields}; --names A,B reads columns")
    return TableFormat("text")


def _delimited(separator: str) -> TableFormat:
    return TableFormat("tsv" if separator == "\t" else "csv", separator)


def _names_columns(sample: Sequence[str], separator: str) -> bool:
    cells = headers.split_line(sample[0], separator)
    certain = headers.is_header(cells)
    return certain or (
        headers.known(cells) > 0 and len(sample) > 1 and headers.cuts_evenly(sample, separator)
    )


def _is_json_lines(sample: Sequence[str]) -> bool:
    """Whether a file named .json holds an object a line: more than one, or one of plain values."""
    try:
        first = json.loads(sample[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and (
        len(sample) > 1 or not any(isinstance(value, list | dict) for value in first.values())
    )


# what of a text file is a text
UNITS = LINE, PARAGRAPH, FILE = "line", "paragraph", "file"


@dataclass(frozen=True)
class FormatOptions:
    """How a file is read, whatever its format; a reader uses what concerns it.

    names      columns of a file that has no header line
    unit       what of a text file is a text, one of `UNITS`
    field      key under which the rows are in JSON, subkeys after dots
    skip_bad   rows that cannot be read are skipped and counted instead of being an error
    encoding   of text, as Python calls it; UTF-8 where it is None
    columns    the only columns that are wanted; all where it is None
    decimal    "," where numbers in delimited files are written 1.234,5
    span       the only bytes that are read of a file of lines, or row groups of a Parquet file (`spans`):
               the first, and the end; None: all of it
    """

    names: Sequence[str] = ()
    unit: str = LINE
    field: str | None = None
    skip_bad: bool = False
    encoding: str | None = None
    columns: Sequence[str] | None = None
    decimal: str = "."
    span: tuple[int, int] | None = None


def batches(
    path: Path,
    table_format: TableFormat,
    options: FormatOptions = FormatOptions(),
    say: Say = lambda message: None,
) -> Iterator[Batch]:
    """The rows of one file, in order, in memory that does not grow with it; at least one batch.

    JSON that is one value, not an object a line, is read whole. Raises `InputError` for what cannot be read
    as that format, naming file and line, and for a file without rows.
    """
    # the libraries of a reader are loaded when it is used
    reader = import_module(f"{__name__}.{_READERS[table_format.name]}")
    rows, columns = 0, False
    for batch in reader.batches(path, table_format, options, say):
        columns = columns or bool(batch.columns)
        rows += batch.rows if columns else 0
        yield batch
    if not rows and options.span is None:
        header = ", only a header" if columns else ""
        raise InputError(f"{path}: has no rows{header}", hint="name a file that holds rows")
