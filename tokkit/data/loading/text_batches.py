"""A text file as batches of texts: lines or paragraphs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from tokkit.data.loading.batches import ROWS, SAMPLE, Batch
from tokkit.runtime.strings import Strings
from tokkit.sources.delimited import Say, string_frame
from tokkit.sources.text_rows import texts


class TextFile:
    """The column ``text`` of a file; see `BatchedFile`."""

    nested: frozenset[str] = frozenset()
    known = True

    def __init__(self, path: Path, unit: str, say: Say) -> None:
        self._path, self._unit = path, unit
        self.say = say
        self.names = ["text"]
        self.sample = string_frame(self.names, [[text or None for text in islice(texts(path, unit), SAMPLE)]])

    def batches(self, chosen: Collection[str] = ()) -> Iterator[Batch]:
        """All texts."""
        read: list[int] = []
        rows = texts(self._path, self._unit, read.append)
        while batch := list(islice(rows, ROWS)):
            yield Batch([Strings.of_list(batch)], sum(read))
            read.clear()
