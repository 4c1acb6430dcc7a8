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

from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.reference import Encoded
from tokkit.tokenizer.folder.tokenizer_folder import guarded

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer

_BATCH = 1_000


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
    ids: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
    words: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
    truncated = 0
    backend = tokenizer.backend
    if max_length is not None:
        backend.enable_truncation(max_length)
    try:
        with stage(progress, "encoding", len(rows), "rows"):
            for start in range(0, len(rows), _BATCH):
                stop_if_cancelled(progress)
                batch = [list(row) for row in rows[start : start + _BATCH]]
                with guarded(
                    f"{tokenizer.folder}: the tokenizer fails on one of these words",
                    hint="it may lack an unknown token; train one on such text: tokkit train-wordpiece",
                ):
                    found = backend.encode_batch(batch, is_pretokenized=True)
                for encoding in found:
                    ids.append(np.array(encoding.ids, np.int32))
                    words.append(_first_tokens(encoding.word_ids))
                    truncated += bool(encoding.overflowing)
                progress.advance(len(found))
    finally:
        backend.no_truncation()
    lengths = np.fromiter((len(row) for row in ids[1:]), np.int64, len(rows))
    return Encoded(
        ids=np.concatenate(ids),
        offsets=np.concatenate(([0], np.cumsum(lengths))),
        truncated=truncated,
        words=np.concatenate(words),
    )


def _first_tokens(word_ids: Sequence[int | None]) -> NDArray[np.int32]:
    """At the first token of each word its number, elsewhere -1; a special token is of no word (None)."""
    numbers = np.array([-1 if word is None else word for word in word_ids], np.int32)
    before = np.concatenate(([-1], numbers[:-1])).astype(np.int32)
    return np.where(numbers == before, -1, numbers).astype(np.int32)
