"""Which chunks may contain an added token: rows with one are encoded whole by `tokenizers`.

Added tokens are extracted from a text before any other step, and may take white space with them. The search
is for a part of each that no cut goes through; a chunk that contains it need not contain the token.

    <|endoftext|>   the token itself          "new york"   "york"
    "  "            the token itself: a run of white space is never cut
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
from tokkit.runtime.kernels import PADDING
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding import trie_kernels
from tokkit.tokenizer.encoding.word_models import Trie, trie

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Needles:
    """Strings to search for in other strings."""

    strings: tuple[str, ...]
    trie: Trie
    first_bytes: NDArray[np.bool_]

    @classmethod
    def of(cls, strings: Sequence[str]) -> Needles | None:
        """None where they are too many."""
        encoded = [string.encode() for string in strings]
        # a trie of bytes: each byte as the character of that number
        bytes_trie = trie({trie_kernels.START: {string.decode("latin-1"): 0 for string in encoded}})
        first_bytes = np.zeros(256, np.bool_)
        first_bytes[[string[0] for string in encoded]] = True
        return cls(tuple(strings), bytes_trie, first_bytes) if bytes_trie else None

    def mark(self, strings: Strings, marked: NDArray[np.bool_]) -> None:
        """Mark the strings that contain one of these."""
        edges, values = self.trie.edges, self.trie.values
        rows = strings.data, strings.starts, strings.ends
        trie_kernels.mark_containing(*rows, self.first_bytes, edges, values, marked)


@dataclass(frozen=True)
class AddedTokens:
    """raw         searched for in the text itself
    normalized  searched for in its normal form
    normalizer  the tokenizer's, None where there is none
    """

    raw: Needles
    normalized: Needles
    normalizer: Any

    @classmethod
    def of(cls, backend: Tokenizer, cuts: str) -> AddedTokens | None:
        """None where a token has no such part."""
        raw, normalized = [], []
        for token in backend.get_added_tokens_decoder().values():
            if not token.normalized or backend.normalizer is None:
                if token.content:
                    raw.append(_uncut(token.content, cuts))
                continue
            # a normalizer may change white space, so only a word of the token surely lies within one chunk
            words = backend.normalizer.normalize_str(token.content).split()
            if not words:
                return None
            normalized.append(max(words, key=len))
        raw_needles, normalized_needles = Needles.of(raw), Needles.of(normalized)
        if raw_needles is None or normalized_needles is None:
            return None
        return cls(raw_needles, normalized_needles, backend.normalizer)

    def in_chunks(self, chunks: Strings, characters: Characters | None) -> NDArray[np.bool_]:
        """Whether each chunk may contain one.

        characters  tables that have learned the chunks; None where the pipeline has none
        """
        marked = np.zeros(len(chunks), np.bool_)
        if self.raw.strings:
            self.raw.mark(chunks, marked)
        if self.normalized.strings:
            forms, left = self._normal_forms(chunks, characters)
            self.normalized.mark(forms, marked)
            # characters of unknown form: `tokenizers` normalizes these few chunks one by one
            for chunk in left.tolist():
                form = self.normalizer.normalize_str(chunks.text(chunk))
                marked[chunk] |= any(needle in form for needle in self.normalized.strings)
        return marked

    def _normal_forms(
        self, chunks: Strings, characters: Characters | None
    ) -> tuple[Strings, NDArray[np.int64]]:
        """Normal forms from the tables, and the chunks with unknown characters, whose form is empty there."""
        bounds = np.zeros(len(chunks) + 1, np.int64)
        if characters is None:
            return Strings(np.zeros(PADDING, np.uint8), bounds[:-1], bounds[1:]), np.arange(len(chunks))
        text = np.empty(chunks.size * split_kernels.GROWTH + PADDING, np.uint8)
        left = np.empty(len(chunks), np.int64)
        count = split_kernels.normal_forms(
            data=chunks.data,
            starts=chunks.starts,
            ends=chunks.ends,
            tables=characters.tables,
            text=text,
            bounds=bounds,
            left=left,
        )
        return Strings(text, bounds[:-1], bounds[1:]), left[:count]


def _uncut(content: str, cuts: str) -> str:
    """The longest part that no cut goes through: all of it, where it consists of characters to cut at."""
    # the longest part occurs in the fewest other chunks, and so sends the fewest rows to `tokenizers`
    parts = re.split(f"[{cuts}]", content)
    return max(parts, key=len) or content
