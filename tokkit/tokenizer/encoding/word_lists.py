"""Rows that are lists of words, as ids, with the first token of every word: what tagging needs.

As ``tokenizer(words, is_split_into_words=True)`` of transformers: each word goes through the pipeline by
itself. A word of which nothing is left has no token; nor has one behind the place where a row is cut.

>>> encode_words([["tokkit", "it"]], tokenizer).words      # [CLS] tok ##kit it [SEP]
array([-1,  0, -1,  1, -1], dtype=int32)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import SILENT, Progress, stage
from tokkit.tokenizer.encoding.reference import Encoded

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer


def encode_words(
    rows: Sequence[Sequence[str]],
    tokenizer: LoadedTokenizer,
    max_length: int | None = None,
    *,
    progress: Progress = SILENT,
) -> Encoded:
    """The rows as ids, each cut to ``max_length`` tokens where one is given, with `Encoded.words`.

    Raises `InputError` where the tokenizer fails on a word.
    """
    ids, words, truncated = [], [], 0
    with stage(progress, "encoding", len(rows), "rows"):
        for encoding in tokenizer.encodings([list(row) for row in rows], max_length, progress=progress):
            ids.append(np.array(encoding.ids, np.int32))
            words.append(_first_tokens(encoding.word_ids))
            truncated += bool(encoding.overflowing)
    return Encoded.of_rows(ids, truncated, words=words)


def _first_tokens(word_ids: Sequence[int | None]) -> NDArray[np.int32]:
    """At the first token of each word its number, elsewhere -1; a special token is of no word (None)."""
    numbers = np.array([-1 if word is None else word for word in word_ids], np.int32)
    before = np.concatenate(([-1], numbers[:-1])).astype(np.int32)
    return np.where(numbers == before, -1, numbers).astype(np.int32)
