# mypy: ignore-errors
"""Byte-pair encoding: of the pairs in a word the one learned first is merged, of equal ones the leftmost.

    h u g s -> h ug s -> hug s -> hugs        with the merges  u g, h ug, hug s

As in `tokenizers` (`models/bpe/word.rs`). A short word is searched for the lowest rank after each merge,
which takes less time than a queue up to about 64 symbols; the merges of a longer one wait in a queue.

pairs   (capacity, 2) uint64, a power of two: 1 + (left << 32 | right), or 0; rank << 32 | new token
marks   (n,) uint64, a power of two: a Bloom filter of one bit per pair. Most pairs of a text are never
        merged; this small table, which stays in the cache, rules out nearly all of them.
first   (4, symbols) int32: 1 + the token of a single symbol (byte or code point), 0 where there is none;
        by row: 0 in the middle of a word, 1 at its start, 2 at its end, 3 alone
"""

from __future__ import annotations

import numpy as np

from tokkit.corpus.split_kernels import LONGEST, decoded
from tokkit.runtime.heap_kernels import push, replace_first
from tokkit.runtime.kernels import helper, kernel
from tokkit.tokenizer.encoding.trie_kernels import START, child_of

# Symbols of the longest word that is searched again after each merge.
SHORT = 64

# In ``sizes``, in place of the tokens: the chunk is left to `tokenizers`.
LEFT = -1

_U = np.uint64
_NEVER = _U(0xFFFFFFFFFFFFFFFF)
_GOLDEN = _U(0x9E3779B97F4A7C15)
_TOKEN = _U(0xFFFFFFFF)


@helper
def mixed_key(left, right):
    """The key of a pair, and its bits mixed."""
    key = (_U(left) << _U(32) | _U(right)) + _U(1)
    return key, key * _GOLDEN


@helper
def index_of_pair(key, mixed, pairs):
    """Row of a pair in ``pairs``, or of the empty row where it belongs."""
    mask = _U(pairs.shape[0] - 1)
    # the high half of the product depends on all bits of the key, the low one only on the right id
    position = (mixed ^ (mixed >> _U(32))) & mask
    while pairs[np.int64(position), 0] != 0 and pairs[np.int64(position), 0] != key:
        position = (position + _U(1)) & mask
    return np.int64(position)


@helper
def bit_of_pair(mixed, marks):
    """The pair's bit of ``marks``: index of its word, and the bit in it."""
    # the highest bits of the product, since they depend on both ids
    bit = mixed >> _U(40) & _U(64 * marks.size - 1)
    return np.int64(bit >> _U(6)), _U(1) << (bit & _U(63))


@kernel
def add_pairs(left, right, tokens, pairs, marks):
    """Fills the tables with the merges in order; a pair that comes twice keeps its last rank."""
    for rank in range(tokens.size):
        key, mixed = mixed_key(left[rank], right[rank])
        position = index_of_pair(key, mixed, pairs)
        pairs[position, 0] = key
        pairs[position, 1] = _U(rank) << _U(32) | _U(tokens[rank])
        word, bit = bit_of_pair(mixed, marks)
        marks[word] |= bit


@helper
def merge_of(left, right, pairs, marks):
    """``rank << 32 | token`` of a pair; the highest number where it is never merged."""
    key, mixed = mixed_key(left, right)
    word, bit = bit_of_pair(mixed, marks)
    # a bit that is not set is certain; one that is set may belong to another pair
    if marks[word] & bit == 0:
        return _NEVER
    position = index_of_pair(key, mixed, pairs)
    return pairs[position, 1] if pairs[position, 0] else _NEVER


@helper
def merge_short(ids, used, end, pairs, marks, merges):
    """Merges the symbols ``ids[used:end]`` in place; returns where they end.

    merges  (SHORT,) uint64, filled with the merge of each symbol and the next (`merge_of`)
    """
    number = end - used
    # h u g s, with u g of rank 0, h ug of rank 1 and hug s of rank 2:
    #
    #     ids    h u g s     merges   -  0  -        the lowest is at 1
    #     ids    h ug s      merges   1  -           only the merges on both sides of it are looked up again
    #     ids    hug s       merges   2
    #     ids    hugs
    for i in range(number - 1):
        merges[i] = merge_of(ids[used + i], ids[used + i + 1], pairs, marks)
    while number > 1:
        best, lowest = 0, merges[0]
        for i in range(1, number - 1):
            # `<`, not `<=`: of equal ranks the leftmost is merged, as in the reference
            if merges[i] < lowest:
                best, lowest = i, merges[i]
        if lowest == _NEVER:
            break
        number -= 1
        ids[used + best] = np.int32(lowest & _TOKEN)
        for i in range(best + 1, number):
            ids[used + i] = ids[used + i + 1]
            merges[i - 1] = merges[i]
        if best > 0:
            merges[best - 1] = merge_of(ids[used + best - 1], ids[used + best], pairs, marks)
        if best < number - 1:
            merges[best] = merge_of(ids[used + best], ids[used + best + 1], pairs, marks)
    return used + number


@helper
def wait(queue, size, ids, position, after, pairs, marks):
    """Queues the merge of a symbol and the one after it, if there is one; returns the queue's size."""
    merge = merge_of(ids[position], ids[after], pairs, marks)
    if merge == _NEVER:
        return size
    # the queue takes the highest count first, so the rank goes in negated; the position decides ties
    push(queue, size, -np.int64(merge >> _U(32)), position, np.int64(merge & _TOKEN))
    return size + 1


@helper
def merge_long(ids, used, end, pairs, marks, queue, chain):
    """The same for a long word. A symbol that was merged into the one before it becomes -1.

    queue  (n, 3) int64 (`heap_kernels`: lowest rank first, then the leftmost), n at least thrice the symbols
    chain  (2, n) int64, filled with the positions of the symbol before and after each, a linked list
    """
    number, waiting = end - used, 0
    for i in range(number):
        chain[0, i], chain[1, i] = i - 1, i + 1
    for i in range(number - 1):
        waiting = wait(queue, waiting, ids, used + i, used + i + 1, pairs, marks)
    while waiting:
        rank, position, token = -queue[0, 0], queue[0, 1] - used, queue[0, 2]
        waiting -= 1
        replace_first(queue, waiting, queue[waiting, 0], queue[waiting, 1], queue[waiting, 2])
        after = chain[1, position]
        # the queue has no deletion: an entry of a symbol that is gone, or is the last one now, is skipped
        if ids[used + position] < 0 or after >= number:
            continue
        merge = merge_of(ids[used + position], ids[used + after], pairs, marks)
        if merge != _U(rank) << _U(32) | _U(token):  # one of the two was merged in the meantime
            continue
        # symbols do not move while entries wait, since an entry names its symbol by position
        ids[used + position], ids[used + after] = token, -1
        chain[1, position] = chain[1, after]
        if chain[1, position] < number:
            chain[0, chain[1, position]] = position
            waiting = wait(queue, waiting, ids, used + position, used + chain[1, position], pairs, marks)
        if chain[0, position] >= 0:
            waiting = wait(queue, waiting, ids, used + chain[0, position], used + position, pairs, marks)
    merged_end = used
    for i in range(used, end):
        if ids[i] >= 0:
            ids[merged_end] = ids[i]
            merged_end += 1
    return merged_end


@helper
def write_symbols(text, at, end, raw, first, ids, used):
    """Writes the tokens of the word's symbols; returns where they end, -1 where a symbol has none."""
    row = 1
    while at < end:
        symbol, width = np.int64(text[at]), 1
        if not raw:
            symbol, width = decoded(text, at)
        at += width
        if at == end:
            row += 2
        token = first[row, symbol]
        if token == 0:
            return -1
        ids[used] = token - 1
        used += 1
        row = 0
    return used


@helper
def whole_word(text, at, end, raw, edges, values):
    """1 + the token that is the whole word; 0 where none is."""
    node = START
    while at < end and node:
        symbol, width = np.int64(text[at]), 1
        if not raw:
            symbol, width = decoded(text, at)
        node = child_of(node, symbol, edges)
        at += width
    return values[node]


@kernel
def encode_words(
    text,
    starts,
    ends,
    owners,
    raw,
    first,
    pairs,
    marks,
    edges,
    values,
    counted,
    ids,
    used,
    sizes,
    offsets,
):
    """Encodes words into ``ids`` from ``used`` on; returns where they end.

    raw            whether symbols are bytes, not characters
    edges, values  trie of the tokens that a word which is one becomes, merges or not (`ignore_merges`)
    A chunk with a symbol without a token, or a word of more than `LONGEST` symbols, is `LEFT`. The rest is
    as in `wordpiece_kernels.encode_words`.
    """
    merges = np.empty(SHORT, np.uint64)
    # a merge of a symbol may wait once as itself and once for each neighbor
    queue, chain = np.empty((3 * LONGEST, 3), np.int64), np.empty((2, LONGEST), np.int64)
    for word in range(owners.size):
        owner = owners[word]
        if sizes[owner, 0] == LEFT:
            continue
        # the first word of a chunk: its ids start here, since words come in the order of their chunks
        if sizes[owner, 0] == 0:
            offsets[owner] = used
        start, stop = starts[word], ends[word]
        # a trie without strings has only the nodes 0 to 2; then no word is looked up in it
        whole = whole_word(text, start, stop, raw, edges, values) if values.size > START + 2 else 0
        if whole:
            ids[used] = whole - 1
            end = used + 1
        else:
            end = write_symbols(text, start, stop, raw, first, ids, used)
            # one word that has to be left leaves the whole chunk: the ids of its earlier words are dropped
            if end < 0 or end - used > LONGEST:
                used = offsets[owner]
                sizes[owner, 0], sizes[owner, 1] = LEFT, 0
                continue
            if end - used <= SHORT:
                end = merge_short(ids, used, end, pairs, marks, merges)
            else:
                end = merge_long(ids, used, end, pairs, marks, queue, chain)
        for i in range(used, end):
            if ids[i] == counted:
                sizes[owner, 1] += 1
        sizes[owner, 0] += end - used
        used = end
    return used
