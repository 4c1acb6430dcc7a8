"""A corpus as blocks of bytes for the counting kernels, checked to be UTF-8.

Text files give blocks whose items end with a newline, as `feed.items` feeds them line by line; tables
give blocks of texts with a NUL after each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.chunk_kernels import BEFORE
from tokkit.corpus.feed import CorpusFile, columns
from tokkit.runtime.byte_table import PADDING
from tokkit.runtime.strings import Strings
from tokkit.sources import streams

NEWLINE, NUL, NONE = 10, 0, -1


@dataclass(frozen=True)
class Block:
    """A piece of a corpus.

    data       (BEFORE + size + PADDING,) uint8
    size       bytes of text
    separator  the byte that ends an item in it (`chunk_kernels.count_chunks`)
    read       bytes of the (unpacked) file that it was made from
    """

    data: NDArray[np.uint8]
    size: int
    separator: int
    read: int

    @classmethod
    def of(cls, text: bytes | NDArray[np.uint8], separator: int, read: int) -> Block:
        data = np.zeros(BEFORE + len(text) + PADDING, np.uint8)
        # kernels look at the characters before an item: for the first one a line end
        data[:BEFORE] = NEWLINE
        data[BEFORE : BEFORE + len(text)] = np.frombuffer(text, np.uint8)
        return cls(data, len(text), separator, read)


def blocks(corpus: Sequence[CorpusFile]) -> Iterator[Block]:
    """The corpus, about a megabyte at a time. Raises `InputError` as `feed.items`."""
    for file in corpus:
        if file.column is None:
            for text, read in streams.text_blocks(file.path):
                yield Block.of(text, NEWLINE, read)
            continue
        for batch in columns(file):
            column = batch.columns.get(file.column)
            if isinstance(column, Strings):  # of a large delimited file, in which no text holds a NUL
                texts = column.take(column.present)
                yield Block.of(texts.joined_by_nul(), NUL, texts.size)
            else:
                yield from _of_texts(batch.texts(file.column))


def _of_texts(texts: Sequence[str]) -> Iterator[Block]:
    plain = [text.encode() for text in texts if "\0" not in text]
    joined = b"".join(text + b"\0" for text in plain)
    yield Block.of(joined, NUL, len(joined) - len(plain))
    for text in texts:
        if "\0" in text:
            encoded = text.encode()
            yield Block.of(encoded, NONE, len(encoded))
