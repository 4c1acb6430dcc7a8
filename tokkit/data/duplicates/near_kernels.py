# mypy: ignore-errors
"""Kernels of near duplicates: shingles of a text, its MinHash bands, and texts united by exact Jaccard.

A set of shingles is a sorted slice of distinct 64-bit hashes. Two different shingles of a pair share a hash
with a probability below one in 10^13, even where both texts have thousands of words.
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import helper, kernel

# Words, or characters, of a shingle.
SHINGLE = 5

_U = np.uint64
_SHIFT32 = _U(32)
# odd 64-bit constants of xxHash and wyhash; all arithmetic wraps around modulo 2^64
_K1, _K2, _K3 = _U(0x9E3779B97F4A7C15), _U(0xC2B2AE3D27D4EB4F), _U(0xD6E8FEB86659FD93)


@helper
def mix(value):
    """64 bits, each of which depends on all bits of the value (the finalizer of MurmurHash3)."""
    value ^= value >> _U(33)
    value *= _U(0xFF51AFD7ED558CCD)
    value ^= value >> _U(33)
    value *= _U(0xC4CEB9FE1A85EC53)
    return value ^ (value >> _U(33))


@helper
def sort(values, size):
    """Sorts ``values[:size]`` in place (Shell sort).

    ``ndarray.sort`` takes Numba two seconds to compile, which is most of the first `stats --near`. A text
    has tens to hundreds of shingles, where this is as fast.
    """
    gap = 1
    while gap < size // 9:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, size):
            value, j = values[i], i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value
        gap //= 3


@helper
def shingle(data, start, end, by_character, units, out):
    """Writes the distinct shingles of ``data[start:end]`` to ``out``, sorted; returns how many.

    data          UTF-8
    by_character  whether units are characters, else words between single spaces
    units, out    (end - start + 1,) uint64 or longer; units is scratch

    A text of fewer units than a shingle takes is one shingle; an empty text has none. With words as units,
    "a b c d e f" has the two shingles "a b c d e" and "b c d e f".
    """
    count, value = 0, _K1
    for at in range(start, end):
        byte = data[at]
        # a byte of 10xxxxxx continues a character
        begins = (byte & 0xC0) != 0x80 if by_character else byte == 32
        if begins and at > start:
            units[count] = mix(value)
            count += 1
            value = _K1
        if by_character or byte != 32:
            value = (value ^ _U(byte)) * _K2 + _K3
    if end > start:
        units[count] = mix(value)
        count += 1
    # a text shorter than a shingle is one shingle of all its units
    width = min(SHINGLE, count)
    shingles = count - width + 1 if count else 0
    for i in range(shingles):
        value = _K2
        for k in range(width):
            value = mix(value * _K3 + units[i + k])
        out[i] = value
    sort(out, shingles)
    distinct = 0
    for i in range(shingles):
        if i == 0 or out[i] != out[distinct - 1]:
            out[distinct] = out[i]
            distinct += 1
    return distinct


@kernel
def sketch(data, offsets, by_character, factors, terms, bands, shingles, lengths):
    """Shingles and bands of texts.

    offsets         (n + 1,) int64, text i is ``data[offsets[i] : offsets[i + 1]]``
    by_character    (n,) bool
    factors, terms  (permutations,) uint64, odd the factors: permutation k of a shingle is the upper half of
                    ``factors[k] * shingle + terms[k]``
    bands           (n, b) uint64, filled: a hash of the smallest values of each ``permutations / b`` of them
    shingles        (bytes + n,) uint64, filled from the start, text after text
    lengths         (n,) int64, filled: shingles of each text
    """
    longest = 0
    for i in range(len(lengths)):
        longest = max(longest, offsets[i + 1] - offsets[i])
    units = np.empty(longest + 1, np.uint64)
    smallest = np.empty(len(factors), np.uint64)
    rows = len(factors) // bands.shape[1]
    used = 0
    for i in range(len(lengths)):
        out = shingles[used:]
        lengths[i] = shingle(data, offsets[i], offsets[i + 1], by_character[i], units, out)
        # the minimum over all shingles, for each permutation (MinHash)
        smallest[:] = _U(0xFFFFFFFFFFFFFFFF)
        # the inner loop has no dependence between iterations, so LLVM vectorizes it
        for s in range(lengths[i]):
            for k in range(len(factors)):
                smallest[k] = min(smallest[k], (factors[k] * out[s] + terms[k]) >> _SHIFT32)
        # a band hashes 4 minima: equal bands need all 4 equal, one equal band in 32 is enough
        for b in range(bands.shape[1]):
            value = _K1
            for k in range(b * rows, (b + 1) * rows):
                value = mix(value * _K3 + smallest[k])
            bands[i, b] = value
        used += lengths[i]


@helper
def root_of(parents, text):
    """The first text of the cluster of a text; halves the path to it."""
    while parents[text] != text:
        parents[text] = parents[parents[text]]
        text = parents[text]
    return text


@helper
def similar(shingles, first, first_end, second, second_end, threshold):
    """Whether the Jaccard similarity of two sorted slices is ``threshold`` or more."""
    n, m = first_end - first, second_end - second
    # shared / (n + m - shared) >= threshold, solved for shared
    needed = threshold * (n + m) / (1 + threshold) - 1e-9
    shared = 0
    while first < first_end and second < second_end:
        if shared + min(first_end - first, second_end - second) < needed:
            return False
        # a merge without branches: equal hashes advance both sides
        a, b = shingles[first], shingles[second]
        shared += a == b
        first += a <= b
        second += b <= a
    return shared >= needed


@kernel
def unite(keys, order, offsets, shingles, threshold, parents, pair, budget):
    """Unites texts of the same band whose similarity reaches the threshold; returns whether all is done.

    keys      (n,) uint64, the band of each text
    order     (n,) int64, the texts sorted by it
    offsets   (n + 1,) int64, shingles of text i are ``shingles[offsets[i] : offsets[i + 1]]``
    parents   (n,) int64, a forest, updated: the root is the first text of its cluster
    pair      (2,) int64, the pair to continue with, as indices into ``order``; updated
    budget    shingles to compare before returning
    """
    i, j = pair[0], pair[1]
    while i < len(order):
        one = order[i]
        while j < len(order) and keys[order[j]] == keys[one]:
            if budget < 0:
                pair[0], pair[1] = i, j
                return False
            other = order[j]
            j += 1
            budget -= 8  # about what looking up two roots costs
            a, b = root_of(parents, one), root_of(parents, other)
            if a == b:
                continue
            n, m = offsets[one + 1] - offsets[one], offsets[other + 1] - offsets[other]
            # sets of such different sizes cannot be similar: Jaccard <= smaller / larger
            if min(n, m) < threshold * max(n, m) - 1e-9:
                continue
            budget -= n + m
            if similar(
                shingles, offsets[one], offsets[one + 1], offsets[other], offsets[other + 1], threshold
            ):
                # the smaller root wins, so a cluster is named by its first text
                parents[max(a, b)] = min(a, b)
        i += 1
        j = i + 1
    return True
