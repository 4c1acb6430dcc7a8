"""Text files as rows: a line, a paragraph or a whole file is a text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.sources import streams
from tokkit.sources.delimited import string_frame

if TYPE_CHECKING:
    import polars as pl

LINE, PARAGRAPH, FILE = "line", "paragraph", "file"
UNITS = (LINE, PARAGRAPH, FILE)


def read_text(path: Path, unit: str = LINE, encoding: str | None = None) -> pl.DataFrame:
    """The column ``text`` of a text file, null where a line or file is empty.

    Paragraphs are separated by lines without anything visible, of which there may be several. Within a
    text, lines end in ``\\n``; its last line end is none of the text.

    Raises `InputError` for what is no text of the encoding, UTF-8 where none is given.
    """
    return string_frame(["text"], [[text or None for text in texts(path, unit, encoding=encoding)]])


def texts(
    path: Path,
    unit: str = LINE,
    on_bytes: Callable[[int], None] = lambda amount: None,
    encoding: str | None = None,
) -> Iterator[str]:
    """The texts of a file, one after the other; a file that is one text gives one also where it is empty.

    ``on_bytes`` is told how many bytes were read since the last time.
    """
    lines = itertools.chain.from_iterable(streams.lines(path, on_bytes, encoding))
    rows = (line.rstrip("\r\n") for line in lines)
    if unit == LINE:
        return rows
    if unit == PARAGRAPH:
        groups = itertools.groupby(rows, key=lambda line: bool(line.strip()))
        return ("\n".join(lines) for filled, lines in groups if filled)
    return iter(["\n".join(rows).rstrip("\n")])
