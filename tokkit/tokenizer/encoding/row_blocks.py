"""Rows of text as blocks of bytes that kernels read, and which of them `tokenizers` must encode whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.text_blocks import NUL, Block

CHARACTERS = 1 << 18
"""Of a block of rows."""

_LONGEST = 1 << 26
"""Characters of the longest row that kernels are given."""


class NotText(Exception):
    """A row that cannot be written as UTF-8."""


@dataclass(frozen=True)
class Span:
    """Rows ``first`` to ``last``, the last one not among them."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first

    def of(self, texts: Sequence[str]) -> list[str]:
        return list(texts[self.first : self.last])


def spans(sizes: NDArray[np.int64]) -> Iterator[Span]:
    """Rows of so many characters each, about a quarter of a million characters at a time."""
    ends = np.cumsum(sizes + 1)
    first = 0
    while first < len(ends):
        begun = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, begun + CHARACTERS, "right")))
        yield Span(first, last)
        first = last


def block_of(texts: Sequence[str]) -> tuple[Block, list[int]]:
    """The texts with a NUL after each; those that hold one, or are too long, are empty there and named.

    Raises `NotText` for a text that holds half a surrogate pair, and for what is no text at all.
    """
    try:
        return _block_of(texts)
    except (UnicodeEncodeError, TypeError) as error:
        raise NotText from error


def _block_of(texts: Sequence[str]) -> tuple[Block, list[int]]:
    joined = "\0".join([*texts, ""])
    apart: list[int] = []
    if joined.count("\0") > len(texts) or len(joined) > _LONGEST:
        apart = [i for i, text in enumerate(texts) if "\0" in text or len(text) > _LONGEST]
        alone = set(apart)
        joined = "\0".join([*("" if i in alone else text for i, text in enumerate(texts)), ""])
    return Block.of(joined.encode(), NUL, len(texts)), apart
