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

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PROBES = (("a b", "c"), ("1", "2 3 4"), ("가 나 다", "."), ("", "a"), ("a", ""), ("", ""))

Part = tuple[list[int], list[int]]
"""Ids and segments."""


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
            probes = [_Probe.of(backend, text, pair if pairs else None, special) for text, pair in _PROBES]
        except BaseException as error:  # a panic of the library is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError | GeneratorExit):
                raise
            return None
        # a frame can be read off only where both texts have tokens; the other probes then verify it
        complete = [probe for probe in probes if probe.text and (probe.pair or not pairs)]
        frame = complete[0].frame() if complete else None
        if frame is None or any(frame.around(probe.text, probe.pair) != probe.whole for probe in probes):
            return None
        # truncation in `tokenizers` reserves room for this number, so it has to be the frame's size
        added = backend.num_special_tokens_to_add(pairs) if special else 0
        return frame if added == frame.size else None

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

    def kept(
        self, first: NDArray[np.int64], second: NDArray[np.int64], most: int | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The bare tokens of the texts and of their pairs that truncation to ``most`` in all leaves.

        The longer one is cut first (`truncate_encodings` in `tokenizers`). A limit below the special
        tokens' number cuts nothing there.
        """
        if most is None or most < self.size:
            return first, second
        room = most - self.size
        shorter, longer = np.minimum(first, second), np.maximum(first, second)
        longer = np.where(shorter > room, shorter, np.maximum(shorter, room - shorter))
        # where cutting the longer one to the shorter is not enough, each gets half of the room
        both = shorter + longer > room
        shorter, longer = np.where(both, room // 2, shorter), np.where(both, room - room // 2, longer)
        fits = first + second <= room
        swapped = first > second
        return (
            np.where(fits, first, np.where(swapped, longer, shorter)),
            np.where(fits, second, np.where(swapped, shorter, longer)),
        )


@dataclass(frozen=True)
class _Probe:
    """Bare ids of a text and its pair, the whole of both, and which of it is special."""

    text: list[int]
    pair: list[int]
    whole: Part
    special: list[int]

    @classmethod
    def of(cls, backend: Any, text: str, pair: str | None, special: bool) -> _Probe:
        bare = backend.encode(text, add_special_tokens=False).ids
        other = backend.encode(pair, add_special_tokens=False).ids if pair is not None else []
        whole = backend.encode(text, pair, add_special_tokens=special)
        return cls(bare, other, (whole.ids, whole.type_ids), whole.special_tokens_mask)

    def frame(self) -> Frame | None:
        """The frame that this row has, where it has one; both texts hold tokens, or there is no pair."""
        ids, segments = self.whole
        if 0 not in self.special:
            return None
        start = self.special.index(0)
        end = len(ids) - self.special[::-1].index(0)
        after, pair = start + len(self.text), end - len(self.pair)
        if pair < after:
            return None
        return Frame(
            before=(ids[:start], segments[:start]),
            between=(ids[after:pair], segments[after:pair]),
            behind=(ids[end:], segments[end:]),
            first=segments[start],
            second=segments[pair] if self.pair else 0,
        )
