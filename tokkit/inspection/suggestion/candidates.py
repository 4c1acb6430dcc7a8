"""Beginnings of words that might be worth a token, with a bound on what each could save.

A beginning is considered where a token ends now: `covidiot`, cut `co ##vid ##iot`, offers `covid` and itself.
Prefixes are identified by a hash of their characters, so that millions of them are arrays, not strings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.inspection.suggestion.cut_words import CutWords, mixed, positions, running_sums


@dataclass(frozen=True)
class Candidates:
    """Beginnings, the largest bound first.

    word, length  (n,) a word that begins so, and how many characters of it
    bound         (n,) tokens that it saves at most, removed unknown ones counted too
    """

    word: NDArray[np.int64]
    length: NDArray[np.int64]
    bound: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.word)


def candidates(cut: CutWords, mark: str, min_count: int, whole_words: bool) -> Candidates:
    """Every beginning of at least ``min_count`` words that could save a token.

    mark         what the pre-tokenizer puts before a word that follows a space: with and without it, a
                 beginning is one candidate
    whole_words  only beginnings that are all of a word
    """
    sizes = np.diff(cut.starts)
    word = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    length = positions(cut.starts).astype(np.int32)
    whole = length == sizes[word] - 1
    if cut.model.family == "WordPiece":
        # At best the whole word becomes one token; an unknown word, one token already, loses its unknown one.
        most = np.maximum(cut.cost - 1, cut.unknown)[word]
    else:
        saved = cut.cost[word] - 1 - cut.rest + cut.unknown[word] - cut.lost
        most = np.where(cut.rest >= 0, saved, 0)
    # A beginning up to the end of the first token changes nothing: that token is longer or the same.
    wanted = np.flatnonzero((length > cut.first[word]) & (most > 0))
    hashes = _prefix_hashes(cut, mark)[wanted]
    offered = (cut.rest[wanted] >= 0) & (whole[wanted] | (not whole_words))
    known, first = np.unique(hashes[offered], return_index=True)
    if not len(known):
        return Candidates(*(np.empty(0, np.int64) for _ in range(3)))
    # For a hash above all known ones, `searchsorted` returns an index behind the last.
    index = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    is_known = known[index] == hashes
    index, counts = index[is_known], cut.counts[word[wanted[is_known]]]
    total = np.bincount(index, counts, len(known))
    bound = np.bincount(index, counts * most[wanted[is_known]], len(known)).astype(np.int64)
    example = wanted[offered][first]
    order = np.argsort(-bound, kind="stable")
    order = order[total[order] >= min_count]
    return Candidates(word[example[order]], length[example[order]], bound[order])


def _prefix_hashes(cut: CutWords, mark: str) -> NDArray[np.uint64]:
    """For position p of every word a hash of its first p characters, a leading mark left out."""
    sizes = np.diff(cut.starts)
    text = "\0".join(["", *cut.words])  # one character before each word: position 0 holds none
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    marked = np.zeros(len(sizes), np.bool_)
    if mark:
        marked = (sizes > 1) & (points[np.minimum(cut.starts[:-1] + 1, len(points) - 1)] == ord(mark))
    position = positions(cut.starts) - np.repeat(marked.astype(np.uint64), sizes)
    # A hash of (position, character): its running sum hashes all prefixes, and `ab` differs from `ba`.
    values: NDArray[np.uint64] = mixed(np.bitwise_or(position << np.uint64(32), points))
    values[cut.starts[:-1]] = 0
    values[cut.starts[:-1][marked] + 1] = 0
    return running_sums(values, cut.starts)
