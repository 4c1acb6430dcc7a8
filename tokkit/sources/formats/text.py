"""Text files as rows: a line, a paragraph or a whole file is a text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from tokkit.sources import streams
from tokkit.sources.formats import FILE, LINE, FormatOptions, Say, TableFormat
from tokkit.sources.formats.batch import Batch, batches_of, string_series


def batches(
    path: Path, table_format: TableFormat, options: FormatOptions, say: Say | None = None
) -> Iterator[Batch]:
    r"""The column ``text`` of a text file, null where a line or file is empty.

    Paragraphs are separated by lines without anything visible, of which there may be several. Within a text,
    lines end in ``\n``; its last line end is none of the text. A file that is one text is a row also where
    it is empty. Raises `InputError` for what is no text of the encoding.
    """
    read: list[int] = []
    lines = itertools.chain.from_iterable(streams.lines(path, read.append, options.encoding))
    texts = _texts((line.rstrip("\r\n") for line in lines), options.unit)
    return batches_of(texts, read, lambda some: {"text": some}, string_series)


def _texts(lines: Iterator[str], unit: str) -> Iterator[str]:
    if unit == LINE:
        return lines
    if unit == FILE:
        return iter(["\n".join(lines).rstrip("\n")])
    groups = itertools.groupby(lines, key=lambda line: bool(line.strip()))
    return ("\n".join(group) for filled, group in groups if filled)
