"""The tokens of each row, and where they are in its text; what the page needs to display them.

    "low lows"     [CLS]  low  low  ##s  [SEP]
    ids            2      20   20   17   3
    gap            0      0    1    0    0        characters since the token before it, special ones aside
    width          0      3    3    1    0        characters that it is

Lengths and unknown tokens are counted by tokkit's encoder, as `stats` has them; positions by `tokenizers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import TokkitError
from tokkit.progress import Progress, stage
from tokkit.tokenizer.encoding.encode import token_counts
from tokkit.tokenizer.encoding.frame import Frame
from tokkit.tokenizer.folder.load import LoadedTokenizer, Row

# Tokens of a row that the page displays.
LONGEST = 2_048


@dataclass(frozen=True)
class RowTokens:
    """lengths    (rows,) tokens of each row, special ones included, nothing truncated
    unknown    (rows,) unknown tokens among them
    cut, cut_pair   (rows,) tokens of the text, and of its pair, that are left at the maximum length
    stored     (rows,) tokens that are in the arrays below, at most `LONGEST`
    tokens     (stored tokens,) index of each into ``vocabulary``
    gaps, widths   (stored tokens,) its position, as above; the second text of a pair follows the first after
               one character
    special    (stored tokens,) whether the post-processor added it
    vocabulary (id, token) of each token that occurs
    unknown_token   index of the unknown token in it; None where it does not occur
    max_length where rows are truncated; None where that is unknown
    """

    lengths: NDArray[np.int64]
    unknown: NDArray[np.int64]
    cut: NDArray[np.int64]
    cut_pair: NDArray[np.int64]
    stored: NDArray[np.int64]
    tokens: NDArray[np.int64]
    gaps: NDArray[np.int64]
    widths: NDArray[np.int64]
    special: NDArray[np.bool_]
    vocabulary: Sequence[tuple[int, str]]
    unknown_token: int | None
    max_length: int | None

    @property
    def truncated(self) -> NDArray[np.bool_]:
        """Which rows are longer than the maximum length, (rows,)."""
        none = np.zeros(len(self.lengths), np.bool_)
        return none if self.max_length is None else self.lengths > self.max_length

    @property
    def summary(self) -> dict[str, Any]:
        """What the page needs besides the columns."""
        return {"vocabulary": list(map(list, self.vocabulary)), "unknown_token": self.unknown_token}

    @property
    def columns(self) -> dict[str, NDArray[np.int64]]:
        """The columns that the page opens when a row is displayed."""
        names = ("cut", "cut_pair", "stored", "tokens", "gaps", "widths", "special")
        return {name: getattr(self, name).astype(np.int64) for name in names}


def row_tokens(
    texts: Sequence[str | None],
    pairs: Sequence[str | None] | None,
    tokenizer: LoadedTokenizer,
    max_length: int | None,
    *,
    threads: int | None,
    progress: Progress,
) -> RowTokens:
    """The tokens of all rows; one that lacks a text has none.

    Raises `InputError` where the tokenizer fails on a text.
    """
    present = np.array([text is not None for text in texts], np.bool_)
    if pairs is not None:
        present &= np.array([pair is not None for pair in pairs], np.bool_)
    index = np.flatnonzero(present).tolist()
    first = [texts[i] or "" for i in index]
    second = None if pairs is None else [pairs[i] or "" for i in index]
    counts = token_counts(first, tokenizer, pairs=second, threads=threads, progress=progress)
    rows: list[Row] = list(first) if second is None else list(zip(first, second, strict=True))
    parts: list[_Row] = []
    with stage(progress, "locating tokens", len(rows), "texts"):
        for text, encoding in zip(
            first, tokenizer.encodings(rows, offsets=True, progress=progress), strict=True
        ):
            parts.append(_Row.of(encoding, len(text) + 1))
    lengths, unknown = np.zeros((2, len(present)), np.int64)
    lengths[present], unknown[present] = counts.tokens, counts.unknown
    # Two ways to the same tokens: where they differ, one of them is wrong.
    own = np.array([part.tokens for part in parts], np.int64)
    if not np.array_equal(own, counts.tokens):
        row = int(np.flatnonzero(own != counts.tokens)[0])
        raise TokkitError(
            f"internal error: {tokenizer.folder}: text {index[row] + 1} has {own[row]} tokens, but was "
            f"counted with {counts.tokens[row]}; this is a bug in tokkit, please report it"
        )
    bare = np.zeros((2, len(present)), np.int64)
    bare[:, present] = np.array([part.bare for part in parts], np.int64).reshape(-1, 2).T
    special = lengths - bare.sum(axis=0)
    cut = _remaining(bare[0], bare[1], special, tokenizer, max_length, pairs is not None)
    stored = np.zeros(len(present), np.int64)
    stored[present] = [len(part.ids) for part in parts]
    empty = [np.empty(0, np.int64)]
    ids, tokens = np.unique(np.concatenate([*empty, *(part.ids for part in parts)]), return_inverse=True)
    unknown_id = tokenizer.id_of("unk")
    vocabulary = [(id_, tokenizer.backend.id_to_token(id_) or "") for id_ in ids.tolist()]
    return RowTokens(
        lengths=lengths,
        unknown=unknown,
        cut=cut[0],
        cut_pair=cut[1],
        stored=stored,
        tokens=tokens.reshape(-1),
        gaps=np.concatenate([*empty, *(part.gaps for part in parts)]),
        widths=np.concatenate([*empty, *(part.widths for part in parts)]),
        special=np.concatenate([np.empty(0, np.bool_), *(part.special for part in parts)]),
        vocabulary=vocabulary,
        unknown_token=next((i for i, (id_, _) in enumerate(vocabulary) if id_ == unknown_id), None),
        max_length=max_length,
    )


@dataclass(frozen=True)
class _Row:
    """The tokens of one row: how many, how many of text and pair, and those that are displayed."""

    tokens: int
    bare: tuple[int, int]
    ids: NDArray[np.int64]
    gaps: NDArray[np.int64]
    widths: NDArray[np.int64]
    special: NDArray[np.bool_]

    @classmethod
    def of(cls, encoding: Any, second: int) -> _Row:
        """second   where the text of a pair begins, for which the first is followed by one character"""
        sequences = encoding.sequence_ids
        # None for special tokens, 0 for the text, 1 for its pair.
        bare = sequences.count(0), sequences.count(1)
        ids = np.array(encoding.ids[:LONGEST], np.int64)
        spans = np.array(encoding.offsets[:LONGEST], np.int64).reshape(-1, 2)
        of_text = np.array([-1 if part is None else part for part in sequences[:LONGEST]], np.int64)
        spans += second * (of_text == 1)[:, None]
        located = np.flatnonzero(of_text >= 0)
        gaps, widths = np.zeros((2, len(ids)), np.int64)
        starts, ends = spans[located, 0], spans[located, 1]
        gaps[located] = starts - np.concatenate(([0], ends[:-1]))[: len(ends)]
        widths[located] = ends - starts
        return cls(len(encoding.ids), bare, ids, gaps, widths, of_text < 0)


def _remaining(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    special: NDArray[np.int64],
    tokenizer: LoadedTokenizer,
    max_length: int | None,
    pairs: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tokens of each text, and of its pair, that truncation leaves, (rows,) each."""
    if max_length is None:
        return first, second
    if (frame := Frame.of(tokenizer.backend, special=True, pairs=pairs)) is not None:
        return frame.truncated(first, second, max_length)
    return np.minimum(first, np.maximum(max_length - special - second, 0)), second
