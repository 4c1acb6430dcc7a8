# mypy: ignore-errors
"""Best-fit packing, and copying the packed pieces.

Pieces in order of decreasing length, each into the sequence with the least space left that it fits into
(Ding et al. 2024, "Fewer Truncations Improve Language Modeling"). Sequences with the same space left are a
linked list, and a bitmap of the spaces that occur finds the next one, 64 at a step.
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import kernel, trailing_zeros

_U = np.uint64


@kernel
def best_fit(lengths, capacity, with_space, next_sequence, spaces, sequences):
    """Assigns pieces to sequences of ``capacity`` tokens.

    lengths        (n,) int64, decreasing, each from 1 to the capacity
    with_space     (capacity + 1,) int64 of -1: a sequence with this much space left
    next_sequence  (n,) int64: the next one with as much space
    spaces         (capacity // 64 + 1,) uint64 of 0: bits of the spaces that occur
    sequences      (n,) int64, filled with the sequence of each piece

    Returns the number of sequences.
    """
    count = 0
    for i in range(lengths.size):
        length = lengths[i]
        word = length >> 6
        bits = spaces[word] >> _U(length & 63) << _U(length & 63)
        while bits == 0 and word + 1 < spaces.size:
            word += 1
            bits = spaces[word]
        if bits:
            space = (word << 6) + np.int64(trailing_zeros(bits))
            sequence = with_space[space]
            with_space[space] = next_sequence[sequence]
            if with_space[space] < 0:
                spaces[word] &= ~(_U(1) << _U(space & 63))
        else:
            space, sequence = capacity, count
            count += 1
        sequences[i] = sequence
        left = space - length
        if left:
            next_sequence[sequence] = with_space[left]
            with_space[left] = sequence
            spaces[left >> 6] |= _U(1) << _U(left & 63)
    return count


@kernel
def copy_pieces(source, starts, lengths, target, at):
    """Copies ``source[starts[i] : starts[i] + lengths[i]]`` to ``target[at[i]]`` and on, for every piece."""
    for i in range(starts.size):
        for j in range(lengths[i]):
            target[at[i] + j] = source[starts[i] + j]
