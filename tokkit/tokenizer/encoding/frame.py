"""The special tokens that the post-processor puts around a text or a pair, and where truncation cuts.

    [CLS] A [SEP]        [CLS] A [SEP] B [SEP]

The frame is derived from the encodings of a few texts, not from the settings of the post-processor: any kind
of it works, as long as it does nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.runtime.panics import guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PROBES = (("a b", "c"), ("1", "2 3 4"), ("가 나 다", "."), ("", "a"), ("a", ""), ("", ""))

# Ids and segments.
Part = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Frame:
    """Special tokens before, between and behind, as ids and segments; the segment of each text."""

    before: Part
    between: Part
    behind: Part
    first: int
    second: int

    @classmethod
    def of(cls, backend: Tokenizer, special: bool, pairs: bool) -> Frame | None:
        """None where the post-processor does more than that."""
        try:
            with guarded("the tokenizer fails on a short text"):
                probes = [_encode(backend, text, pair if pairs else None, special) for text, pair in _PROBES]
        except InputError:  # the reference will say so, where a row of the user fails, too
            return None
        # a frame can be read off only where both texts have tokens; the other probes then verify it
        complete = [probe for probe in probes if probe[0] and (probe[1] or not pairs)]
        frame = cls._of_row(*complete[0]) if complete else None
        if frame is None or any(
            frame.around(text, pair) != (row.ids, row.type_ids) for text, pair, row in probes
        ):
            return None
        # truncation in `tokenizers` reserves room for this number, so it has to be the frame's size
        added = backend.num_special_tokens_to_add(pairs) if special else 0
        return frame if added == frame.size else None

    @classmethod
    def _of_row(cls, text: list[int], pair: list[int], row: Any) -> Frame | None:
        """The frame that a row has, where it has one; both texts hold tokens, or there is no pair."""
        ids, segments, special = row.ids, row.type_ids, row.special_tokens_mask
        if 0 not in special:
            return None
        start = special.index(0)
        end = len(ids) - special[::-1].index(0)
        after, second = start + len(text), end - len(pair)
        if second < after:
            return None
        return cls(
            before=(ids[:start], segments[:start]),
            between=(ids[after:second], segments[after:second]),
            behind=(ids[end:], segments[end:]),
            first=segments[start],
            second=segments[second] if pair else 0,
        )

    @property
    def size(self) -> int:
        """Special tokens of a row."""
        return sum(len(ids) for ids, _ in (self.before, self.between, self.behind))

    def ids(self) -> list[int]:
        """All of them."""
        return [number for ids, _ in (self.before, self.between, self.behind) for number in ids]

    def around(self, text: Sequence[int], pair: Sequence[int]) -> Part:
        """A row of its bare ids."""
        ids = [*self.before[0], *text, *self.between[0], *pair, *self.behind[0]]
        middle = [self.first] * len(text) + self.between[1] + [self.second] * len(pair)
        return ids, self.before[1] + middle + self.behind[1]

    def truncated(
        self, first: NDArray[np.int64], second: NDArray[np.int64], max_length: int | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The bare tokens of the texts and of their pairs that truncation to ``max_length`` in all leaves.

        The longer one is cut first (`truncate_encodings` in `tokenizers`). A limit below the special
        tokens' number cuts nothing there.
        """
        if max_length is None or max_length < self.size:
            return first, second
        room = max_length - self.size
        # where cutting the longer one to the shorter is not enough, each gets half of the room
        shorter = np.minimum(np.minimum(first, second), room // 2)
        of_first = np.where(first > second, room - shorter, shorter)
        fits = first + second <= room
        return np.where(fits, first, of_first), np.where(fits, second, room - of_first)

    def segments(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int8]:
        """The segment of each token, row after row; of each row the bare tokens of its text and pair."""
        before, between = self.before[1], self.between[1]
        values = np.array([*before, self.first, *between, self.second, *self.behind[1]], np.int8)
        repeats = np.ones((len(first), len(values)), np.int64)
        repeats[:, len(before)] = first
        repeats[:, len(before) + 1 + len(between)] = second
        return np.repeat(np.tile(values, len(first)), repeats.ravel())


def _encode(backend: Any, text: str, pair: str | None, special: bool) -> tuple[list[int], list[int], Any]:
    """Bare ids of a text and its pair, and the encoding of both."""
    first = backend.encode(text, add_special_tokens=False).ids
    second = backend.encode(pair, add_special_tokens=False).ids if pair is not None else []
    return first, second, backend.encode(text, pair, add_special_tokens=special)
