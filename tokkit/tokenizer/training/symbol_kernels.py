"""Words to symbols: how often each character stands, in which word first, and words as rows of token ids.

A *place* is a code point, or a byte where words are held as bytes (``raw``). A character's *kind* says
where in its word it stands: 0 first, 1 inside, 2 the whole word, 3 last.
"""

from __future__ import annotations

import numpy as np

from tokkit.corpus.split_kernels import decoded
from tokkit.runtime.kernels import kernel

KINDS = 4
HEADER = 3
"""Cells of a record before its symbols: their number, and the word's count, low half first."""

_U = np.uint64


@kernel
def place_at(data, at, raw):
    """The place of the character at ``at``, and its bytes."""
    if raw:
        return np.int64(data[at]), 1
    return decoded(data, at)


@kernel
def count_places(data, offsets, counts, raw, totals):
    """Adds to ``totals``, (places,) int64, how often each character stands; gives the length of all words."""
    characters = 0
    for word in range(counts.size):
        at = offsets[word]
        while at < offsets[word + 1]:
            place, width = place_at(data, at, raw)
            totals[place] += counts[word]
            characters += 1
            at += width
    return characters


@kernel
def comes_before(data, first, first_end, second, second_end, ranks):
    """Whether the first word is the smaller, byte by byte in the order of ``ranks``."""
    while first < first_end and second < second_end:
        if data[first] != data[second]:
            return ranks[data[first]] < ranks[data[second]]
        first += 1
        second += 1
    return first == first_end and second < second_end


@kernel
def first_words(data, offsets, raw, ranks, words, positions):
    """For every kind and place the smallest word in which it stands, and where in it.

    words      (KINDS, places) int64: number of the word + 1, 0 where there is none
    positions  (KINDS, places) int32: its first position there, in characters
    """
    for word in range(offsets.size - 1):
        at, end, position = offsets[word], offsets[word + 1], 0
        while at < end:
            place, width = place_at(data, at, raw)
            kind = (1 if position else 0) + (2 if at + width == end else 0)
            best = words[kind, place] - 1
            if best != word and (
                best < 0 or comes_before(data, offsets[word], end, offsets[best], offsets[best + 1], ranks)
            ):
                words[kind, place] = word + 1
                positions[kind, place] = position
            at += width
            position += 1


@kernel
def write_records(data, offsets, counts, raw, tokens, records):
    """Writes each word of two symbols or more as a record; gives the cells used.

    tokens   (KINDS, places) int32: token of each character + 1, 0 for one that is left out
    records  (n,) uint32: header and symbols of one word after the other
    """
    used = 0
    for word in range(counts.size):
        at, end, position = offsets[word], offsets[word + 1], 0
        cell = used + HEADER
        while at < end:
            place, width = place_at(data, at, raw)
            kind = (1 if position else 0) + (2 if at + width == end else 0)
            token = tokens[kind, place]
            if token:
                records[cell] = np.uint32(token - 1)
                cell += 1
            at += width
            position += 1
        if cell > used + HEADER + 1:
            records[used] = np.uint32(cell - used - HEADER)
            records[used + 1] = np.uint32(counts[word] & 0xFFFFFFFF)
            records[used + 2] = np.uint32(counts[word] >> 32)
            used = cell
    return used
