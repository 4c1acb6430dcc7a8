"""Formats of files: which one a file has, and its reader, loaded when it is used.

A reader is a module with one function, ``batches(path, table_format, options, say)``, which gives the rows of
a file as batches of columns, a part of the file at a time. A table is the concatenation of the batches of its
files, so that whatever reads the same file meets the same rows and the same errors.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError, UsageError
from tokkit.sources import streams
from tokkit.sources.column_names import ID_NAMES, LABEL_NAMES, TEXT_NAMES, UNNAMED
from tokkit.sources.formats import quoting, refused
from tokkit.sources.formats.quoting import LARGEST_FIELD

if TYPE_CHECKING:
    from tokkit.sources.formats.batch import Batch

Say = Callable[[str], None]

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
        return _delimited(separator_of(sep))
    if name == "tsv":
        return _delimited("\t")
    separator = sniff_separator(sample)
    if name == "csv":
        return _delimited(separator or ",")
    if format is None and sum(line.startswith(FASTTEXT_LABEL) for line in sample) * 2 > len(sample):
        say(f"{path}: read as fastText: words with {FASTTEXT_LABEL} are labels; --format text reads lines")
        return TableFormat("fasttext")
    if format == "text" or separator is None:
        return TableFormat("text")
    if named_separator(sample[0]):
        return _delimited(separator)
    if len(names or ()) > 1 or _names_columns(sample, separator):
        return _delimited(separator)
    # prose has commas, seldom the same number in each line, but tabs and semicolons are hardly chance
    if separator != "," and len(sample) > 2 and names is not None and cuts_evenly(sample, separator):
        fields = len(split_line(sample[0], separator))
        cutter = "a tab" if separator == "\t" else f"'{separator}'"
        say(f"{path}: read as a text a line, yet {cutter} cuts each into {fields}; --names A,B reads columns")
    return TableFormat("text")


def _delimited(separator: str) -> TableFormat:
    return TableFormat("tsv" if separator == "\t" else "csv", separator)


def _names_columns(sample: Sequence[str], separator: str) -> bool:
    cells = split_line(sample[0], separator)
    certain = is_header(cells)
    return certain or (known(cells) > 0 and len(sample) > 1 and cuts_evenly(sample, separator))


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
    """

    names: Sequence[str] = ()
    unit: str = LINE
    field: str | None = None
    skip_bad: bool = False
    encoding: str | None = None
    columns: Sequence[str] | None = None
    decimal: str = "."


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
    if not rows:
        header = ", only a header" if columns else ""
        raise InputError(f"{path}: has no rows{header}", hint="name a file that holds rows")
