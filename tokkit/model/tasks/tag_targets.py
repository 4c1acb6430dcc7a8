"""The tags of tokens laid on the sub-tokens that carry them, and read from there again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tokkit.model.metrics import spans
from tokkit.model.tasks.task import UNLABELED
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class TagTargets:
    """The tags of every row, and where in the encoded rows each stands.

    tags       of each row, one for each of its tokens
    places     (tokens of all rows,) the sub-token that carries the tag; -1 where a row was cut before it, or
               the tokenizer leaves nothing of it
    values     (sub-tokens,) tag ids, `UNLABELED` where none is carried
    """

    def __init__(self, tags: Sequence[Sequence[str]], labels: Sequence[str], encoded: Encoded) -> None:
        import numpy as np

        number = {label: i for i, label in enumerate(labels)}
        ids = np.array([number[tag] for row in tags for tag in row], dtype=np.int64)
        self.tags = tags
        self.starts = row_starts(tags)
        self.places = places_of(self.starts, encoded)
        self.values = np.full(len(encoded.ids), UNLABELED, dtype=np.int64)
        carried = self.places >= 0
        self.values[self.places[carried]] = ids[carried]
        self._offsets = encoded.offsets

    def __len__(self) -> int:
        return len(self.tags)

    def of(self, rows: NDArray[np.int64], width: int) -> torch.Tensor:
        """(rows, width) tag ids."""
        import numpy as np
        import torch

        laid = np.full((len(rows), width), UNLABELED, dtype=np.int64)
        for place, row in enumerate(rows):
            held = self.values[self._offsets[row] : self._offsets[row + 1]]
            laid[place, : len(held)] = held
        return torch.from_numpy(laid)

    def predicted(self, logits: NDArray[np.float32], labels: Sequence[str]) -> list[list[str]]:
        """The likeliest tag of every token; O where the model was not asked."""
        return list(tags_at(logits, labels, self.places, self.starts))


def row_starts(rows: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    """(rows + 1,) where the items of each row begin when all stand one after another."""
    import numpy as np

    return np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64)))


def places_of(starts: NDArray[np.int64], encoded: Encoded) -> NDArray[np.int64]:
    """(tokens of all rows,) the sub-token that carries each token's tag, -1 where there is none.

    starts  (rows + 1,) where the tokens of each row begin
    """
    import numpy as np

    assert encoded.words is not None
    places = np.full(int(starts[-1]), -1, dtype=np.int64)
    first = np.flatnonzero(encoded.words >= 0)
    row = np.repeat(np.arange(len(encoded)), encoded.lengths)[first]
    places[starts[row] + encoded.words[first]] = first
    return places


def tags_at(
    logits: NDArray[np.float32],
    labels: Sequence[str],
    places: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> Iterator[list[str]]:
    """The likeliest tags of each row's tokens, O for a token without a place; arguments as `places_of`."""
    import numpy as np

    best = logits.argmax(axis=1) if len(logits) else np.zeros(0, dtype=np.int64)
    for start, end in itertools.pairwise(starts.tolist()):
        yield [labels[best[place]] if place >= 0 else spans.OUTSIDE for place in places[start:end]]
