"""What is counted in every row, once for the texts and once for each tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tokkit.inspection.comparison.tokenizer_metrics import sums_by_row
from tokkit.inspection.statistics import lengths
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.folder.load import LoadedTokenizer


@dataclass(frozen=True)
class TextCounts:
    """The rows all tokenizers are measured on.

    characters, bytes, words  (rows,) int64
    distinct_words            every word there is, in the order of its first occurrence
    occurrences               (words in all,) int32, the number of each word in the order of the text
    offsets                   (rows + 1,) int64: the words of row i are occurrences[offsets[i]:offsets[i + 1]]
    """

    texts: Sequence[str]
    characters: NDArray[np.int64]
    bytes: NDArray[np.int64]
    words: NDArray[np.int64]
    distinct_words: Sequence[str]
    occurrences: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @property
    def word_counts(self) -> NDArray[np.int64]:
        """Occurrences of each distinct word, (distinct words,)."""
        return np.bincount(self.occurrences, minlength=len(self.distinct_words))


@dataclass(frozen=True)
class TokenizerCounts:
    """One tokenizer's tokens of the same rows, without special tokens.

    tokens, unknown, continued, unknown_words  (rows,) int64: tokens, unknown ones among them, words cut into
                                               two or more tokens, words with an unknown token
    pieces          (distinct words,) int64, tokens of each word after a space
    """

    tokenizer: LoadedTokenizer
    encoded: Encoded
    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]
    continued: NDArray[np.int64]
    unknown_words: NDArray[np.int64]
    pieces: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row as a model sees it, special tokens included, (rows,)."""
        return self.tokens + self.tokenizer.backend.num_special_tokens_to_add(False)


def count_texts(texts: Sequence[str]) -> TextCounts:
    """Characters, bytes and words of every row; a word is what white space separates."""
    numbers: dict[str, int] = {}
    occurrences = np.fromiter(
        (numbers.setdefault(word, len(numbers)) for text in texts for word in text.split()), dtype=np.int32
    )
    words = lengths.words(texts)
    return TextCounts(
        texts=texts,
        characters=lengths.characters(texts),
        bytes=np.fromiter((len(text.encode()) for text in texts), dtype=np.int64, count=len(texts)),
        words=words,
        distinct_words=list(numbers),
        occurrences=occurrences,
        offsets=np.concatenate([[0], np.cumsum(words)]),
    )


def count_tokens(
    counted: TextCounts, tokenizer: LoadedTokenizer, progress: Progress = SILENT
) -> TokenizerCounts:
    """Tokens of every row, and of every distinct word; raises `InputError` where the tokenizer fails."""
    encoded = encode(counted.texts, tokenizer, special=False, progress=progress)
    pieces, has_unknown = _cut(counted.distinct_words, tokenizer, progress)
    return TokenizerCounts(
        tokenizer=tokenizer,
        encoded=encoded,
        tokens=encoded.lengths,
        unknown=sums_by_row(_unknown(encoded, tokenizer), encoded.offsets),
        continued=sums_by_row((pieces >= 2)[counted.occurrences], counted.offsets),
        unknown_words=sums_by_row(has_unknown[counted.occurrences], counted.offsets),
        pieces=pieces,
    )


def _cut(
    words: Sequence[str], tokenizer: LoadedTokenizer, progress: Progress
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Tokens of each word, and whether one is unknown, (words,) each."""
    # After a space, as in running text: byte-level and Metaspace tokenizers are trained so.
    encoded = encode([" ", *(f" {word}" for word in words)], tokenizer, special=False, progress=progress)
    space = encoded.ids[: encoded.offsets[1]]
    words_alone = replace(encoded, offsets=encoded.offsets[1:])
    pieces = words_alone.lengths
    # A token of nothing but that space is not part of the word: GPT-2 cuts " 한" into the space and the rest.
    if len(space) == 1 and space[0] != tokenizer.id_of("unk"):
        cut_off = np.flatnonzero(pieces >= 2)
        starts = words_alone.offsets[cut_off]
        pieces[cut_off] -= words_alone.ids[starts] == space[0]
    unknown = sums_by_row(_unknown(words_alone, tokenizer), words_alone.offsets)
    return pieces, unknown > 0


def _unknown(encoded: Encoded, tokenizer: LoadedTokenizer) -> NDArray[np.bool_]:
    """Which tokens are unknown, (tokens,); none where the tokenizer has no such token."""
    unknown = tokenizer.id_of("unk")
    return np.zeros(len(encoded.ids), np.bool_) if unknown is None else encoded.ids == unknown
