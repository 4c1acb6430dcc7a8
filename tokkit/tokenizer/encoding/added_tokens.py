"""Which chunks may hold an added token: rows with one are encoded whole by `tokenizers`.

Added tokens are cut out before anything else happens to a text, and may take white space with them. What
is looked for is a part of each that no cut can go through; a chunk that holds it need not hold the token.

    <|endoftext|>   looked for as it stands          "new york"   as "york"
    "  "            as it stands: a run of white space is never cut
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import split_kernels
from tokkit.corpus.characters import Characters
from tokkit.runtime.byte_table import PADDING, Pieces
from tokkit.tokenizer.encoding import trie_kernels
from tokkit.tokenizer.encoding.word_models import Trie, trie

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Needles:
    """Strings to look for in pieces of bytes."""

    strings: tuple[str, ...]
    trie: Trie
    first_bytes: NDArray[np.bool_]

    @classmethod
    def of(cls, strings: Sequence[str]) -> Needles | None:
        encoded = [string.encode() for string in strings]
        # bytes as characters of the same number
        made = trie({trie_kernels.START: {string.decode("latin-1"): 0 for string in encoded}})
        first_bytes = np.zeros(256, np.bool_)
        first_bytes[[string[0] for string in encoded]] = True
        return cls(tuple(strings), made, first_bytes) if made else None

    def mark(self, data: NDArray[np.uint8], offsets: NDArray[np.int64], found: NDArray[np.bool_]) -> None:
        """Marks the pieces that hold one of the strings."""
        edges, values = self.trie.edges, self.trie.values
        trie_kernels.holding(data, offsets, self.first_bytes, edges, values, found)


@dataclass(frozen=True)
class AddedTokens:
    """raw         looked for in the text as it stands; None where there is none
    normalized  looked for in its normal form
    normalizer  the tokenizer's, None where there is none
    """

    raw: Needles | None
    normalized: Needles | None
    normalizer: Any

    @classmethod
    def of(cls, backend: Tokenizer, cuts: str) -> AddedTokens | None:
        """None where there is a token for which no such part is known."""
        raw, normalized = [], []
        for token in backend.get_added_tokens_decoder().values():
            if not token.normalized or backend.normalizer is None:
                if token.content:
                    raw.append(_uncut(token.content, cuts))
                continue
            words = backend.normalizer.normalize_str(token.content).split()
            if not words:
                return None
            normalized.append(max(words, key=len))
        found = cls(
            Needles.of(raw) if raw else None,
            Needles.of(normalized) if normalized else None,
            backend.normalizer,
        )
        complete = bool(raw) == bool(found.raw) and bool(normalized) == bool(found.normalized)
        return found if complete else None

    def held_by(self, chunks: Pieces, characters: Characters | None) -> NDArray[np.bool_]:
        """Whether each chunk may hold one.

        characters  tables that have learned the chunks; None where there are none for the pipeline
        """
        found = np.zeros(len(chunks), np.bool_)
        if self.raw:
            self.raw.mark(chunks.data, chunks.offsets, found)
        if self.normalized:
            forms, offsets, left = self._normal_forms(chunks, characters)
            self.normalized.mark(forms, offsets, found)
            for chunk, string in zip(left.tolist(), strings_of(chunks, left), strict=True):
                form = self.normalizer.normalize_str(string)
                found[chunk] |= any(needle in form for needle in self.normalized.strings)
        return found

    def _normal_forms(
        self, chunks: Pieces, characters: Characters | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """Normal forms as the tables have them, and the chunks that they do not know, which get none."""
        offsets = np.zeros(len(chunks) + 1, np.int64)
        if characters is None:
            return np.zeros(PADDING, np.uint8), offsets, np.arange(len(chunks))
        text = np.empty(int(chunks.offsets[-1]) * split_kernels.GROWTH + PADDING, np.uint8)
        left = np.empty(len(chunks), np.int64)
        number = split_kernels.normal_forms(
            *(chunks.data, chunks.offsets, characters.forms, characters.places, characters.written),
            *(text, offsets, left),
        )
        return text, offsets, left[:number]


def _uncut(content: str, cuts: str) -> str:
    """The longest part that no cut goes through: all of it, where it is nothing but places to cut."""
    parts = re.split(f"[{cuts}]", content)
    return max(parts, key=len) or content


def strings_of(chunks: Pieces, which: NDArray[np.int64]) -> list[str]:
    """Some of the chunks, as Python has them."""
    data = chunks.data
    bounds = zip(chunks.offsets[which].tolist(), chunks.offsets[which + 1].tolist(), strict=True)
    return [data[start:end].tobytes().decode() for start, end in bounds]
