# mypy: ignore-errors
"""Words to symbols: how often each character occurs, in which word first, and words as rows of token ids.

A *point* is a code point, or a byte where words are bytes (``raw``). A character's *kind* is its position in
the word: 0 first, 1 inside, 2 the whole word, 3 last. The bits are those of prefix and suffix.

    "hug", 5 times, h = 7, ##u = 8, ##g = 9  ->  the record 3 | 5 0 | 7 8 9
"""

from __future__ import annotations

import numpy as np

from tokkit.corpus.split_kernels import decoded
from tokkit.runtime.kernels import helper, kernel

KINDS = 4
# Cells of a record before its symbols: their number, and the word's count, low half first.
HEADER = 3

_U = np.uint64


@helper
def point_at(data, at, raw):
    """The point of the character at an offset, and its number of bytes."""
    if raw:
        return np.int64(data[at]), 1
    return decoded(data, at)


@kernel
def count_points(data, starts, ends, counts, raw, totals):
    """Adds to ``totals``, (points,) int64, the counts of all characters; returns the length of all words."""
    characters = 0
    for word in range(counts.size):
        at = starts[word]
        while at < ends[word]:
            point, width = point_at(data, at, raw)
            totals[point] += counts[word]
            characters += 1
            at += width
    return characters


@helper
def comes_before(data, first, first_end, second, second_end, ranks):
    """Whether the first word is the smaller, byte by byte in the order of ``ranks``."""
    # words are compared by the characters they are written in: the order of ByteLevel's characters is not
    # the order of the bytes that they represent, hence ``ranks``
    while first < first_end and second < second_end:
        if data[first] != data[second]:
            return ranks[data[first]] < ranks[data[second]]
        first += 1
        second += 1
    return first == first_end and second < second_end


@kernel
def first_words(data, starts, ends, raw, ranks, words, positions):
    """For every kind and point the smallest word with it, and where in the word.

    words      (KINDS, points) int64: index of the word + 1, 0 where there is none
    positions  (KINDS, points) int32: its first position there, in characters
    """
    for word in range(starts.size):
        at, end, position = starts[word], ends[word], 0
        while at < end:
            point, width = point_at(data, at, raw)
            # the reference walks a randomly seeded hash map here, so its WordPiece differs from run to run
            # (tokenizers issue 1794); the smallest word is independent of the order of the table
            kind = (1 if position else 0) + (2 if at + width == end else 0)
            best = words[kind, point] - 1
            if best != word and (
                best < 0 or comes_before(data, starts[word], end, starts[best], ends[best], ranks)
            ):
                words[kind, point] = word + 1
                positions[kind, point] = position
            at += width
            position += 1


@kernel
def write_records(data, starts, ends, counts, raw, tokens, records, bounds):
    """Writes each word of two symbols or more as a record.

    tokens   (KINDS, points) int32: token of each character + 1, 0 for one without a token
    records  (n,) uint32: header and symbols of one word after the other
    bounds   (parts + 1,) int64: set to where in ``records`` each part begins, and the last one ends; the
             parts have equally many words
    """
    used, part, parts = 0, 0, bounds.size - 1
    for word in range(counts.size):
        if word * parts >= part * counts.size:
            bounds[part] = used
            part += 1
        at, end, position = starts[word], ends[word], 0
        cell = used + HEADER
        while at < end:
            point, width = point_at(data, at, raw)
            kind = (1 if position else 0) + (2 if at + width == end else 0)
            token = tokens[kind, point]
            # a character without a token vanishes and its neighbors become adjacent, as in the reference
            if token:
                records[cell] = np.uint32(token - 1)
                cell += 1
            at += width
            position += 1
        # a word of one symbol has no pair; its cells are overwritten by the next word
        if cell > used + HEADER + 1:
            records[used] = np.uint32(cell - used - HEADER)
            records[used + 1] = np.uint32(counts[word] & 0xFFFFFFFF)
            records[used + 2] = np.uint32(counts[word] >> 32)
            used = cell
    bounds[part:] = used
