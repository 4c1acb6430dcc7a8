# mypy: ignore-errors
"""Pairs of neighboring tokens in the words: their hash table, their counts, and the words that hold them.

The arrays are those of `merge_kernels`.
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import helper, kernel
from tokkit.tokenizer.training.symbol_kernels import HEADER

# A cell that a merge has freed: words shrink in place, so that the lists of their offsets stay valid.
FREE = np.uint32(0xFFFFFFFF)

_U = np.uint64
_GOLDEN = _U(0x9E3779B97F4A7C15)


@helper
def index_of(key, keys):
    """Index of a key in a hash table of keys + 1, or of the empty cell where it belongs."""
    # Fibonacci hashing: the high half of the product, folded into the low one, depends on all bits of the key
    mixed = _U(key) * _GOLDEN
    mask = keys.size - 1
    index = np.int64(mixed ^ (mixed >> _U(32))) & mask
    # keys are stored + 1 because the key of the pair (0, 0) is 0, which marks an empty cell
    while keys[index] != 0 and keys[index] != key + 1:
        index = (index + 1) & mask
    return index


@kernel
def rehash(old, new):
    """Moves all columns of a hash table into a larger one."""
    for index in range(old.shape[1]):
        if old[0, index]:
            moved = index_of(old[0, index] - 1, new[0])
            for row in range(old.shape[0]):
                new[row, moved] = old[row, index]


@helper
def allowed(records, spans, cell, longest):
    """Whether the pair at a cell may become a token: two characters always, else up to ``longest``."""
    if spans.size == 0:
        return True
    # the reference tests the length only where a merge makes a pair: those of the initial characters pass
    length = np.int64(spans[cell]) + np.int64(spans[cell + 1])
    return length == 2 or length <= longest


@kernel
def scan(records, spans, longest, at, budget, pairs, counted, used):
    """Counts pairs that are not recorded, in ``budget`` cells from ``at`` on.

    counted  (3, capacity) int64, a hash table: key + 1, count, occurrences
    Returns the cell to continue with and the number of pairs found; stops early where the table may get too
    full.
    """
    stop = min(records.size, at + budget)
    while at < stop:
        if records[at] == FREE:
            at += 1
            continue
        length = np.int64(records[at])
        # room for every pair of the word at a load of one half, so that no word is counted in part
        if 2 * (used + length) > counted.shape[1]:
            break
        weight = np.int64(records[at + 1]) | np.int64(records[at + 2]) << 32
        # every adjacent window counts, overlaps included: `aaa` holds `aa` twice, as in the reference
        for cell in range(at + HEADER, at + HEADER + length - 1):
            key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
            index = index_of(key, counted[0])
            if counted[0, index] == 0:  # only here the larger table is looked at: most pairs occur again
                if pairs[0, index_of(key, pairs[0])] or not allowed(records, spans, cell, longest):
                    continue
                counted[0, index] = key + 1
                used += 1
            counted[1, index] += weight
            counted[2, index] += 1
        at += HEADER + length
    return at, used


@kernel
def enlist(records, spans, longest, at, budget, counted, chosen, entries, lists):
    """Adds each word to the lists of its chosen pairs; returns the cell to continue with.

    chosen  (capacity,) int64: the entry of each pair found + 1, 0 for a pair that is too rare
    """
    stop = min(records.size, at + budget)
    while at < stop:
        if records[at] == FREE:
            at += 1
            continue
        length = np.int64(records[at])
        for cell in range(at + HEADER, at + HEADER + length - 1):
            key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
            index = index_of(key, counted[0])
            entry = chosen[index] - 1
            if entry >= 0 and counted[0, index] and allowed(records, spans, cell, longest):
                end = entries[entry, 0] + entries[entry, 1]
                # a word that holds the pair twice is listed once: one visit merges all occurrences
                if entries[entry, 1] == 0 or lists[end - 1] != at:
                    lists[end] = np.uint32(at)
                    entries[entry, 1] += 1
        at += HEADER + length
    return at


@kernel
def holds_unrecorded(records, spans, longest, token, pairs):
    """Whether the words hold a pair with that token that may be merged and is not recorded."""
    at = 0
    while at < records.size:
        if records[at] == FREE:
            at += 1
            continue
        end = at + HEADER + np.int64(records[at])
        for cell in range(at + HEADER, end - 1):
            if records[cell] == token or records[cell + 1] == token:
                key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
                # a pair that is too long can never be merged, so its count may stay unknown
                if pairs[0, index_of(key, pairs[0])] == 0 and allowed(records, spans, cell, longest):
                    return True
        at = end
    return False
