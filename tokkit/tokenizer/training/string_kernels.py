"""The strings of tokens, one after another, and the table that finds a token by its string.

text, bounds  bytes of all tokens, and where each starts; ``bounds[tokens]`` is the end
by_text       (n,) int32, hash table of tokens + 1
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import kernel
from tokkit.tokenizer.training.merge_state import TEXT, TOKENS

_U = np.uint64


@kernel
def joined(left, right, text, bounds, by_text, prefix, state):
    """Writes the string of left + right behind all others (without right's prefix); the token that has it.

    text, bounds  bytes of all tokens, and where each starts; ``bounds[tokens]`` is the end
    by_text       (n,) int32, hash table of tokens + 1
    Gives the token that has the string, or the next one, and the string's end.
    """
    end = state[TEXT]
    for i in range(bounds[left], bounds[left + 1]):
        text[end] = text[i]
        end += 1
    first = bounds[right]
    if 0 < prefix.size <= bounds[right + 1] - first:
        same = 0
        while same < prefix.size and text[first + same] == prefix[same]:
            same += 1
        if same == prefix.size:
            first += same
    for i in range(first, bounds[right + 1]):
        text[end] = text[i]
        end += 1
    place = find_text(text, state[TEXT], end, bounds, by_text)
    return by_text[place] - 1 if by_text[place] else state[TOKENS], end


@kernel
def find_text(text, start, end, bounds, by_text):
    """Where the token of ``text[start:end]`` stands in ``by_text``, or the empty place where it belongs."""
    mixed = _U(0xCBF29CE484222325)
    for i in range(start, end):
        mixed = (mixed ^ _U(text[i])) * _U(0x100000001B3)
    mask = by_text.size - 1
    place = np.int64(mixed ^ (mixed >> _U(29))) & mask
    while by_text[place]:
        first, last = bounds[by_text[place] - 1], bounds[by_text[place]]
        same = 0
        while same < end - start and last - first == end - start and text[first + same] == text[start + same]:
            same += 1
        if same == end - start:
            break
        place = (place + 1) & mask
    return place


@kernel
def add_text(end, text, bounds, by_text, state):
    """Makes a token of the string that stands behind all others."""
    by_text[find_text(text, state[TEXT], end, bounds, by_text)] = state[TOKENS] + 1
    state[TOKENS] += 1
    state[TEXT] = end
    bounds[state[TOKENS]] = end
