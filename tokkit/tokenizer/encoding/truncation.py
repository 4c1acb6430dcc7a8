"""Rows of ids truncated as `tokenizers` truncates their texts: around what is left, the special tokens stay.

[CLS] a b c d [SEP]  --max-length 4  ->  [CLS] a b [SEP]
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError, counted
from tokkit.tokenizer.encoding.frame import Frame
from tokkit.tokenizer.encoding.reference import Encoded

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer


def truncate(encoded: Encoded, tokenizer: LoadedTokenizer, max_length: int) -> Encoded:
    """Rows with special tokens, as `encode` gives them without a maximum length, with this one.

    Raises `InputError` where there are longer rows and the post-processor does more than put special tokens
    around texts, or nothing says where the first text of a pair ends.
    """
    long = np.flatnonzero(encoded.lengths > max_length)
    if not len(long):
        return encoded
    pairs = encoded.segments is not None
    frame = Frame.of(tokenizer.backend, True, pairs)
    if frame is None or (pairs and frame.first == frame.second):
        why = "its post-processor does more than add special tokens" if frame is None else "pairs of texts"
        raise InputError(
            f"{tokenizer.folder}: {counted(len(long), 'row', 'are', ',')} of ids longer than {max_length} "
            f"tokens, which cannot be truncated afterwards ({why})",
            hint=f"encode the data set with --max-length {max_length}",
        )
    if max_length < frame.size:
        return encoded
    keep = np.ones(len(encoded.ids), dtype=np.bool_)
    for row in long.tolist():
        start, end = int(encoded.offsets[row]), int(encoded.offsets[row + 1])
        first = _first_length(encoded, frame, start, end)
        second = end - start - frame.size - first
        left = frame.truncated(np.array([first]), np.array([second]), max_length)
        text = start + len(frame.before[0])
        pair = text + first + len(frame.between[0])
        # What is cut is the end of each text; the special tokens behind it stay.
        keep[text + int(left[0][0]) : text + first] = False
        keep[pair + int(left[1][0]) : pair + second] = False
    lengths = np.add.reduceat(np.append(keep, False).astype(np.int64), encoded.offsets[:-1])
    lengths[encoded.lengths == 0] = 0
    return replace(
        encoded,
        ids=encoded.ids[keep],
        offsets=_offsets(lengths),
        truncated=len(long),
        segments=None if encoded.segments is None else encoded.segments[keep],
    )


def _first_length(encoded: Encoded, frame: Frame, start: int, end: int) -> int:
    """Bare tokens of the first text of a row."""
    if encoded.segments is None:
        return end - start - frame.size
    special = [*frame.before[1], *frame.between[1], *frame.behind[1]]
    return int((encoded.segments[start:end] == frame.first).sum()) - special.count(frame.first)


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
