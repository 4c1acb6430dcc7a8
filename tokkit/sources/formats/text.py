"""Text files as rows: a line, a paragraph or a whole file is a text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from tokkit.sources import streams
from tokkit.sources.formats import FILE, LINE, FormatOptions, Say, TableFormat
from tokkit.sources.formats.batch import ROWS, Batch, batches_of, string_series

# Bytes of text that are read in the time that it takes to load Numba.
SMALL = 1 << 22

_NEWLINE, _RETURN = b"\n\r"


def batches(
    path: Path, table_format: TableFormat, options: FormatOptions, say: Say | None = None
) -> Iterator[Batch]:
    r"""The column ``text`` of a text file, null where a line or file is empty.

    Paragraphs are separated by lines without anything visible, of which there may be several. Within a text,
    lines end in ``\n``; its last line end is none of the text. A file that is one text is a row also where
    it is empty. Raises `InputError` for what is no text of the encoding.
    """
    start, end = options.span or (0, None)
    size = streams.text_size(path) if end is None else end - start
    if options.unit == LINE and size > SMALL:
        yield from _lines(path, start, end, options.encoding)
        return
    read: list[int] = []
    blocks = streams.lines(path, read.append, options.encoding, start=start, end=end)
    lines = itertools.chain.from_iterable(blocks)
    texts = _texts((line.rstrip("\r\n") for line in lines), options.unit)
    yield from batches_of(texts, read, lambda some: {"text": some}, string_series)


def _lines(path: Path, start: int, end: int | None, encoding: str | None) -> Iterator[Batch]:
    """The lines of a large file, which never become Python's strings."""
    from tokkit.runtime.strings import Strings  # loads Numba, which small files do without

    for text, read in streams.text_blocks(path, start, end, encoding, within_lines=False):
        lines = Strings.split(text, _NEWLINE)
        # behind the last line end nothing begins
        lines = lines.head(len(lines) - text.endswith(b"\n"))
        ends = lines.ends
        while (returns := (ends > lines.starts) & (lines.data[ends - 1] == _RETURN)).any():
            ends = ends - returns
        lines = Strings(lines.data, lines.starts, ends)
        for first in range(0, len(lines), ROWS):
            some = lines.take(slice(first, first + ROWS))
            yield Batch({"text": some}, len(some), 0 if first else read)


def _texts(lines: Iterator[str], unit: str) -> Iterator[str]:
    if unit == LINE:
        return lines
    if unit == FILE:
        return iter(["\n".join(lines).rstrip("\n")])
    groups = itertools.groupby(lines, key=lambda line: bool(line.strip()))
    return ("\n".join(group) for filled, group in groups if filled)
