"""CoNLL files: a token a line with its tag in the last column, a blank line between sentences.

EU      B-ORG          tokens  ["EU", "rejects", "it"]
rejects O          ->  tags    ["B-ORG", "O", "O"]
it      O              text    "EU rejects it"
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tokkit.errors import InputError, counted
from tokkit.sources import streams
from tokkit.sources.formats import FormatOptions, Say, TableFormat
from tokkit.sources.formats.batch import BadRows, Batch, batches_of
from tokkit.sources.formats.headers import check_unique

TOKENS, TAGS, TEXT = "tokens", "tags", "text"
_DOCUMENT = "-DOCSTART-"
_ELSEWHERE = "write jsonl or parquet (the ending of -o, or --output-format)"


def batches(path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> Iterator[Batch]:
    """A row a sentence: ``tokens``, ``tags`` and columns between them as lists, ``text`` joined by spaces.

    Tabs separate the columns where the first line has one, else spaces. ``-DOCSTART-`` lines
    are skipped, and lines that begin with ``#`` before a sentence, unless they have its columns. Columns
    are named by ``options.names``, else ``tokens``, ``column_2``, ..., ``tags``.

    Raises `InputError` for a line with another number of columns than the first; with ``skip_bad`` its
    sentence is skipped, which is said.
    """
    bad = BadRows(path, options.skip_bad)
    read: list[int] = []
    sentences = _sentences(path, bad, options.encoding, read)
    first = next(sentences, None)
    if first is None:
        bad.report(say)
        raise InputError(f"{path}: holds no sentence", hint="name a file with a token and its tag a line")
    names = _names(path, len(first[0]), options.names)

    def columns_of(some: list[list[list[str]]]) -> dict[str, list[Any]]:
        fields = [[list(values) for values in zip(*sentence, strict=True)] for sentence in some]
        columns = dict(zip(names, zip(*fields, strict=True), strict=True))
        return {**columns, TEXT: [" ".join(sentence[0]) for sentence in fields]}

    yield from batches_of(itertools.chain([first], sentences), read, columns_of, pl.Series)
    bad.report(say)


def with_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns as `batches` gives them: lists first, then the text, joined from the first list.

    Raises `InputError` for rows that are no lists, or whose text is something else.
    """
    lists = [name for name in frame.columns if name != TEXT]
    if len(lists) < 2 or not all(isinstance(frame[name].dtype, pl.List) for name in lists):
        raise InputError(
            f"a CoNLL file holds lists of tokens and tags, and the rows have {', '.join(frame.columns)}",
            hint=_ELSEWHERE,
        )
    joined = pl.Series(TEXT, [" ".join(map(str, tokens or ())) for tokens in frame[lists[0]].to_list()])
    if TEXT in frame.columns and frame[TEXT].to_list() != joined.to_list():
        raise InputError(
            "a text that is not its tokens with spaces between has no place in a CoNLL file", hint=_ELSEWHERE
        )
    return frame.select(lists).with_columns(joined)


def as_conll(frame: pl.DataFrame) -> str:
    """Rows that `with_text` gave as a CoNLL file, columns separated by tabs; the text is its tokens.

    Raises `InputError` for lists that are not one for one, and values that would be read as something else.
    """
    rows = frame.drop(TEXT).rows()
    return "\n".join(_lines_of(f"row {row}", columns) for row, columns in enumerate(rows, 1))


def _lines_of(where: str, columns: Sequence[list[str] | None]) -> str:
    filled = [column or [] for column in columns]
    if not filled[0] or any(len(column) != len(filled[0]) for column in filled):
        raise InputError(f"{where}: its tokens and tags are not one for one", hint=_ELSEWHERE)
    for token in itertools.chain.from_iterable(filled):
        if not isinstance(token, str) or not token.strip() or re.search(r"[\t\n\r\0]|^-DOCSTART-$", token):
            raise InputError(
                f'{where}: "{token}" is nothing that a CoNLL file can hold as a token or tag', hint=_ELSEWHERE
            )
    return "".join("\t".join(fields) + "\n" for fields in zip(*filled, strict=True))


def _names(path: Path, width: int, names: Sequence[str]) -> list[str]:
    if width < 2:
        raise InputError(
            f"{path}: one column: tokens without tags",
            hint="write a token and its tag on each line, a tab or space between; as text:\n--format text",
        )
    between = [f"column_{number}" for number in range(2, width)]
    header = list(names) or [TOKENS, *between, TAGS]
    if len(header) != width or TEXT in header:
        raise InputError(
            f"--names for {path}: {counted(len(header), 'name')} ({', '.join(header)}) for "
            f"{counted(width, 'column')} besides text",
            hint=f"name each:\n--names {','.join([TOKENS, *between, TAGS])}",
        )
    check_unique(f"--names for {path}", header)
    return header


def _sentences(path: Path, bad: BadRows, encoding: str | None, read: list[int]) -> Iterator[list[list[str]]]:
    """The lines of every sentence as fields."""
    tabs, width = _layout(path, encoding)
    text = itertools.chain.from_iterable(streams.lines(path, read.append, encoding))
    numbered = enumerate(text, 1)
    # blank lines part sentences; several of them in a row are one group
    for filled, group in itertools.groupby(numbered, key=lambda line: _is_filled(line[1])):
        sentence: list[list[str]] = []
        whole = filled
        for number, line in group if filled else ():
            fields = _fields(line, tabs)
            # a token may be # itself: then its line has all columns
            comment = line.startswith("#") and not sentence and len(fields) != width
            if comment or fields[0] == _DOCUMENT:
                continue
            if len(fields) != width and whole:
                whole = False
                bad.add(
                    number,
                    f"{counted(len(fields), 'column')} where the first line has {width}",
                    f"correct that line ({'tabs' if tabs else 'spaces'} separate columns), "
                    "or skip its sentence: --skip-bad",
                )
            sentence.append(fields)
        if sentence and whole:
            yield sentence


def _is_filled(line: str) -> bool:
    """Whether a line holds anything: white space is nothing, nor is the byte order mark of a joined file."""
    return bool(line.replace("\ufeff", "").strip())


def _layout(path: Path, encoding: str | None) -> tuple[bool, int]:
    """Whether tabs separate the columns, and their number: those of the first line that is no comment."""
    sample = streams.first_lines(path, 100, encoding)
    first = next((line for line in sample if not line.startswith(("#", _DOCUMENT))), sample[0])
    return "\t" in first, len(_fields(first, "\t" in first))


def _fields(line: str, tabs: bool) -> list[str]:
    stripped = line.rstrip("\r\n")
    return stripped.split("\t") if tabs else re.split(" +", stripped.strip(" "))
