"""The tokens that are there before the first merge, and the words written in them.

Steps 2 to 4 of the reference trainer: reserved tokens, the bare characters by code point, and the
characters with prefix or suffix in the order in which they are met. The reference meets them in the order
of a randomly seeded hash map; here words are walked in sorted order, which is one of its orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.words import Words, byte_of_character
from tokkit.errors import InputError
from tokkit.runtime.byte_table import zeros
from tokkit.tokenizer.training import symbol_kernels as kernels

_CODE_POINTS = 0x110000
_LARGEST = 1 << 32


@dataclass(frozen=True)
class Marks:
    """What is put before a character that is not its word's first, and after one that is the last."""

    prefix: str
    suffix: str

    def on(self, kind: int, character: str) -> str:
        """The character as it is written at that place of a word (`symbol_kernels`)."""
        return (self.prefix if kind & 1 else "") + character + (self.suffix if kind & 2 else "")


class Alphabet:
    """The characters of a corpus and how often each stands there."""

    def __init__(self, words: Words) -> None:
        self._words = words
        places = 256 if words.raw else _CODE_POINTS
        names = {byte: character for character, byte in byte_of_character().items()} if words.raw else {}
        totals = np.zeros(places, np.int64)
        pieces = words.pieces
        self._length = kernels.count_places(pieces.data, pieces.offsets, pieces.counts, words.raw, totals)
        self._place_of = {names.get(place) or chr(place): place for place in np.flatnonzero(totals).tolist()}
        self._names = names
        self.counts: Mapping[str, int] = {
            character: int(totals[place]) for character, place in self._place_of.items()
        }

    def initial_tokens(
        self, reserved: Sequence[str], kept: Sequence[str], limit: int | None, marks: Marks
    ) -> list[str]:
        """The initial tokens in the order of their ids.

        kept   characters that have a token however rare they are, and go first where there is a limit
        limit  characters that get a token; among equally rare ones the higher code point is dropped
        """
        if limit is None:
            characters = sorted({*kept, *self.counts})
        else:
            counts = {**self.counts, **{character: float("inf") for character in kept}}
            characters = sorted(sorted(counts, key=lambda c: (-counts[c], c))[:limit])
        tokens = dict.fromkeys((*reserved, *characters))
        if marks.prefix or marks.suffix:
            for kind, character in self._as_met():
                if character in tokens:
                    tokens.setdefault(marks.on(kind, character))
        return list(tokens)

    def records(self, tokens: Sequence[str], marks: Marks) -> NDArray[np.uint32]:
        """Every word of two symbols or more in initial tokens (`symbol_kernels.write_records`).

        Characters without a token vanish, and their neighbours become adjacent.
        """
        ids = {token: number for number, token in enumerate(tokens)}
        table = np.zeros((kernels.KINDS, 256 if self._words.raw else _CODE_POINTS), np.int32)
        for character, place in self._place_of.items():
            if character in ids:
                for kind in range(kernels.KINDS):
                    table[kind, place] = ids.get(marks.on(kind, character), -1) + 1
        pieces = self._words.pieces
        size = self._length + kernels.HEADER * (len(pieces) + 1)
        if size >= _LARGEST:
            raise InputError(
                f"the distinct words have {self._length:,} characters in all, more than can be merged",
                hint="train on a sample of the corpus, or split words further: --pre-tokenizer bert",
            )
        records = zeros(size, np.uint32)
        used = kernels.write_records(
            pieces.data, pieces.offsets, pieces.counts, self._words.raw, table, records
        )
        return records[:used]

    def _as_met(self) -> list[tuple[int, str]]:
        """Kinds and characters in the order in which a walk over the sorted words meets them."""
        pieces, raw = self._words.pieces, self._words.raw
        places = 256 if raw else _CODE_POINTS
        words = np.zeros((kernels.KINDS, places), np.int64)
        positions = np.zeros((kernels.KINDS, places), np.int32)
        ranks = np.arange(256, dtype=np.int32)
        for byte, character in self._names.items():
            ranks[byte] = ord(character)
        kernels.first_words(pieces.data, pieces.offsets, raw, ranks, words, positions)
        met = []
        for character, place in self._place_of.items():
            for kind in range(kernels.KINDS):
                if word := int(words[kind, place]):
                    start, end = pieces.offsets[word - 1 : word + 1]
                    order = ranks[pieces.data[start:end]].tolist()
                    met.append((order, int(positions[kind, place]), kind, character))
        return [(kind, character) for _, _, kind, character in sorted(met)]
