"""Text files as rows: a line, a paragraph or a whole file is a text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.sources import streams
from tokkit.sources.delimited import string_frame

if TYPE_CHECKING:
    import polars as pl

LINE, PARAGRAPH, FILE = "line", "paragraph", "file"
UNITS = (LINE, PARAGRAPH, FILE)


def read_text(path: Path, unit: str = LINE) -> pl.DataFrame:
    """The column ``text`` of a text file, null where a line or file is empty.

    Paragraphs are separated by lines without anything visible, of which there may be several. Within a
    text, lines end in ``\\n``; its last line end is none of the text.

    Raises `InputError` for what is no UTF-8 text.
    """
    return string_frame(["text"], [[text or None for text in texts(path, unit)]])


def texts(path: Path, unit: str = LINE) -> Iterator[str]:
    """The texts of a file, one after the other; a file that is one text gives one also where it is empty."""
    rows = (line.rstrip("\r\n") for line in itertools.chain.from_iterable(streams.lines(path)))
    if unit == LINE:
        return rows
    if unit == PARAGRAPH:
        groups = itertools.groupby(rows, key=lambda line: bool(line.strip()))
        return ("\n".join(lines) for filled, lines in groups if filled)
    return iter(["\n".join(rows).rstrip("\n")])
