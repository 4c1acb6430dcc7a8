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

# The largest sum of `sum_by_hash`: in 32 bits, twice as many fit in the cache.
MANY = np.int64(0xFFFFFFFF)

_U = np.uint64
_GOLDEN = _U(0x9E3779B97F4A7C15)


@helper
def mixed(key):
    """Fibonacci hashing of a key."""
    # the high half of the product, which is folded into the low one, depends on all bits of the key
    product = _U(key) * _GOLDEN
    return np.int64(product ^ (product >> _U(32)))


@helper
def index_of(key, table):
    """Row of a key in a hash table whose first column is keys + 1, or the empty row where it belongs."""
    mask = table.shape[0] - 1
    index = mixed(key) & mask
    # keys are stored + 1 because the key of the pair (0, 0) is 0, which marks an empty row
    while table[index, 0] != 0 and table[index, 0] != key + 1:
        index = (index + 1) & mask
    return index


@kernel
def rehash(old, new):
    """Copies the rows of a hash table into a larger one."""
    for index in range(old.shape[0]):
        if old[index, 0]:
            moved = index_of(old[index, 0] - 1, new)
            for column in range(old.shape[1]):
                new[moved, column] = old[index, column]


@helper
def allowed(records, spans, cell, longest):
    """Whether the pair at a cell may become a token: two characters always, else up to ``longest``."""
    if spans.size == 0:
        return True
    # the reference tests the length only where a merge makes a pair: those of the initial characters pass
    length = np.int64(spans[cell]) + np.int64(spans[cell + 1])
    return length == 2 or length <= longest


@kernel
def sum_by_hash(records, at, end, budget, sums):
    """Adds the count of each pair, in ``budget`` cells from ``at`` on, to the cell of ``sums`` of its hash.

    No pair occurs more often than its cell says, whatever other pairs share it (the count-min sketch of
    Cormode and Muthukrishnan 2005, with one row); ``MANY`` stands for all larger sums. Returns the cell to
    continue with.
    """
    stop, mask = min(end, at + budget), sums.size - 1
    while at < stop:
        if records[at] == FREE:
            at += 1
            continue
        length = np.int64(records[at])
        weight = np.int64(records[at + 1]) | np.int64(records[at + 2]) << 32
        for cell in range(at + HEADER, at + HEADER + length - 1):
            key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
            index = mixed(key) & mask
            sums[index] = min(np.int64(sums[index]) + weight, MANY)
        at += HEADER + length
    return at


@kernel
def add_sums(source, target):
    """Adds the sums of one part of the words to those of another."""
    for index in range(source.size):
        target[index] = min(np.int64(source[index]) + np.int64(target[index]), MANY)


@kernel
def count_pairs(records, spans, longest, at, end, budget, pairs, sums, level, counted, used):
    """Counts pairs that are not recorded, in ``budget`` cells from ``at`` on.

    sums     (n,) uint32 as `sum_by_hash` leaves it: pairs that are rarer than ``level`` by it are left out;
             (1,) counts all
    counted  (capacity, 4) int64, a hash table: key + 1, count, occurrences, 0
    Returns the cell to continue with and the number of pairs found; stops early where the table may get too
    full.
    """
    stop, mask = min(end, at + budget), sums.size - 1
    level = min(level, MANY)
    while at < stop:
        if records[at] == FREE:
            at += 1
            continue
        length = np.int64(records[at])
        # room for every pair of the word at a load of one half, so that no word is counted in part
        if 2 * (used + length) > counted.shape[0]:
            break
        weight = np.int64(records[at + 1]) | np.int64(records[at + 2]) << 32
        # every adjacent window counts, overlaps included: `aaa` holds `aa` twice, as in the reference
        for cell in range(at + HEADER, at + HEADER + length - 1):
            key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
            if mask and np.int64(sums[mixed(key) & mask]) < level:
                continue
            index = index_of(key, counted)
            if counted[index, 0] == 0:  # only here the larger table is looked at: most pairs occur again
                if pairs[index_of(key, pairs), 0] or not allowed(records, spans, cell, longest):
                    continue
                counted[index, 0] = key + 1
                used += 1
            counted[index, 1] += weight
            counted[index, 2] += 1
        at += HEADER + length
    return at, used


@kernel
def add_rows(source, target, used):
    """Adds counts and occurrences of one table of `count_pairs` to another; returns its number of pairs."""
    for row in range(source.shape[0]):
        if source[row, 0]:
            index = index_of(source[row, 0] - 1, target)
            if target[index, 0] == 0:
                target[index, 0] = source[row, 0]
                used += 1
            target[index, 1] += source[row, 1]
            target[index, 2] += source[row, 2]
    return used


@kernel
def occurrences(keys, counted):
    """(n,) int64 occurrences of each key in a table of `count_pairs`."""
    result = np.zeros(keys.size, np.int64)
    for i in range(keys.size):
        result[i] = counted[index_of(keys[i], counted), 2]
    return result


@kernel
def number(keys, chosen):
    """Fills a hash table with the position of each key."""
    for i in range(keys.size):
        index = index_of(keys[i], chosen)
        chosen[index, 0], chosen[index, 1] = keys[i] + 1, i


@kernel
def list_words(records, spans, longest, at, end, budget, chosen, positions, lists):
    """Adds each word to the lists of its chosen pairs; returns the cell to continue with.

    chosen  (capacity, 2) int64, a hash table: key + 1, number of the pair
    positions  (n, 2) int64: where the list of each pair starts, and where it ends so far
    """
    stop = min(end, at + budget)
    while at < stop:
        if records[at] == FREE:
            at += 1
            continue
        length = np.int64(records[at])
        for cell in range(at + HEADER, at + HEADER + length - 1):
            key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
            index = index_of(key, chosen)
            if chosen[index, 0] and allowed(records, spans, cell, longest):
                pair = chosen[index, 1]
                last = positions[pair, 1]
                # a word that holds the pair twice is listed once: one visit merges all occurrences
                if last == positions[pair, 0] or lists[last - 1] != at:
                    lists[last] = np.uint32(at)
                    positions[pair, 1] = last + 1
        at += HEADER + length
    return at


@kernel
def close_gaps(positions, lists):
    """Joins the lists of all parts; returns (n, 2) int64, where the list of each pair starts, and its length.

    positions  (parts, n, 2) int64 as `list_words` leaves them, the parts of a pair one behind the other
    """
    joined = np.empty(positions.shape[1:], np.int64)
    for pair in range(positions.shape[1]):
        end = positions[0, pair, 1]
        for part in range(1, positions.shape[0]):
            for k in range(positions[part, pair, 0], positions[part, pair, 1]):
                lists[end] = lists[k]
                end += 1
        joined[pair, 0], joined[pair, 1] = positions[0, pair, 0], end - positions[0, pair, 0]
    return joined


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
                if pairs[index_of(key, pairs), 0] == 0 and allowed(records, spans, cell, longest):
                    return True
        at = end
    return False
