"""A sample of a corpus, read before long work: lines from places spread over all of its files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tokkit.corpus.feed import CorpusFile, items
from tokkit.sources import streams

_PLACES = 16
_AT_EACH = 64 << 10


def lines_of(corpus: Sequence[CorpusFile]) -> list[str]:
    """Some megabyte of lines (or rows) in their order; of compressed files and tables, the first ones.

    Bytes that are no UTF-8 are passed over: whoever reads everything names them.
    """
    found: list[str] = []
    for file in corpus[:: max(1, len(corpus) // _PLACES)]:
        if file.column is None and streams.is_plain(file.path):
            found += _spread(file.path, max(1, _PLACES // len(corpus)))
        else:
            found += [line for lines in islice(items([file]), 1) for line in lines]
    return found


def _spread(path: Path, places: int) -> list[str]:
    """Whole lines from equally distant places of a text file; a longer line is cut at both ends."""
    size = path.stat().st_size
    found = []
    with open(path, "rb") as file:
        for place in range(places):
            start = size * place // places
            file.seek(start)
            read = file.read(_AT_EACH)
            first = read.find(b"\n") + 1 if start else 0
            last = read.rfind(b"\n") + 1
            text = (read[first:last] if last > first else read).decode("utf-8", errors="ignore")
            found += [line + "\n" for line in text.split("\n") if line]
    return found
