"""Chunks to words: each is normalized character by character, and split by classes of characters.

What is known of every character (its normal form, its class) was asked of the reference beforehand (see
`characters`); a chunk that holds a character of which too little is known is left over.
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import kernel

LONGEST = 4096
"""Bytes of the longest chunk that is split here."""

GROWTH = 12
"""Times its bytes that a character may grow when it is normalized."""

UNKNOWN, SAME, MAPPED = 0, 1, 2
"""What normalizing does to a character."""

WHITE, LETTER, NUMBER, OTHER, ALONE = 1, 2, 3, 4, 5
"""Classes of characters; 0 is unknown. Where runs are cut, white space is dropped, and what is ``ALONE`` is a
word by itself."""

_SPACE, _APOSTROPHE = 0x20, 0x27


@kernel
def decoded(data, at):
    """The character at a place of valid UTF-8, and its bytes."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, 1
    second = np.int64(data[at + 1]) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, 2
    third = np.int64(data[at + 2]) & 0x3F
    if first < 0xF0:
        return (first & 0xF) << 12 | second << 6 | third, 3
    return (first & 7) << 18 | second << 12 | third << 6 | (np.int64(data[at + 3]) & 0x3F), 4


@kernel
def new_characters(data, end, asked, found):
    """Characters of ``data[:end]`` that are not ``asked`` for yet, as far as ``found`` has room."""
    number, at = 0, 0
    while at < end and number < found.size:
        character, width = decoded(data, at)
        if not asked[character]:
            asked[character] = True
            found[number] = character
            number += 1
        at += width
    return number


@kernel
def normalized(data, at, end, forms, places, written, text, size):
    """Writes the normal form of ``data[at:end]`` into ``text`` from ``size`` on; gives where it ends.

    -1 where that of one character is not known.
    """
    while at < end:
        character, width = decoded(data, at)
        form = forms[character]
        if form == SAME:
            for i in range(width):
                text[size + i] = data[at + i]
            size += width
        elif form == MAPPED:
            place = places[character]
            for i in range(written[place]):
                text[size + i] = written[place + 1 + i]
            size += np.int64(written[place])
        else:
            return -1
        at += width
    return size


@kernel
def normal_forms(data, offsets, forms, places, written, text, bounds, left):
    """Writes the normal form of every chunk into ``text``; gives the number of chunks left over.

    text    (n,) uint8, at least ``GROWTH`` times the chunks
    bounds  (chunks + 1,) int64, filled: form i is ``text[bounds[i] : bounds[i + 1]]``, empty where left over
    left    (chunks,) int64, filled with the chunks of which a character's form is not known
    """
    end, over = 0, 0
    for chunk in range(offsets.size - 1):
        stop = normalized(data, offsets[chunk], offsets[chunk + 1], forms, places, written, text, end)
        if stop < 0:
            left[over] = chunk
            over += 1
        else:
            end = stop
        bounds[chunk + 1] = end
    return over


@kernel
def run_end(text, at, size, classes, wanted):
    """Where the run of characters of one class ends."""
    while at < size:
        character, width = decoded(text, at)
        if classes[character] != wanted:
            break
        at += width
    return at


@kernel
def next_run(text, at, size, classes):
    """The next word from ``at`` on, runs of one class or a character alone: its start and end."""
    while at < size:
        character, width = decoded(text, at)
        kind = classes[character]
        if kind == ALONE:
            return at, at + width
        if kind != WHITE:
            return at, run_end(text, at + width, size, classes, kind)
        at += width
    return size, size


@kernel
def contraction(text, at, size):
    """Bytes of the English ending that starts with the apostrophe at ``at``; 0 where there is none."""
    if at + 1 >= size:
        return 0
    first = text[at + 1]
    if first == 0x73 or first == 0x74 or first == 0x6D or first == 0x64:  # 's 't 'm 'd
        return 2
    if at + 2 < size:
        second = text[at + 2]
        if (first == 0x72 or first == 0x76) and second == 0x65:  # 're 've
            return 3
        if first == 0x6C and second == 0x6C:  # 'll
            return 3
    return 0


@kernel
def next_of_gpt2(text, at, size, classes):
    """The next word by GPT-2's pattern; every character belongs to one.

    ``'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+``
    """
    if at >= size:
        return size, size
    if text[at] == _APOSTROPHE:
        length = contraction(text, at, size)
        if length:
            return at, at + length
    first = at + 1 if text[at] == _SPACE and at + 1 < size else at
    character, width = decoded(text, first)
    kind = classes[character]
    if kind != WHITE:
        return at, run_end(text, first + width, size, classes, kind)
    end, last = at, at
    while end < size:
        character, width = decoded(text, end)
        if classes[character] != WHITE:
            break
        last = end
        end += width
    return at, last if end < size and last > at else end


@kernel
def split(data, offsets, first, gpt2, forms, places, written, classes, text, starts, ends, owners, left):
    """The words of the chunks from ``first`` on, as far as there is room for them.

    data, offsets           the chunks (`byte_table.Pieces`)
    forms, places, written  of every character: what normalizing does, where in ``written`` its form stands
                            (its length, then its bytes)
    classes                 (0x110000,) class of every character of a normal form
    text                    (n,) uint8, filled with the normal forms; n > LONGEST * GROWTH
    starts, ends, owners    (n,) int64, filled with each word's place in ``text`` and its chunk; n as above
    left                    (n,) int64, filled with the chunks that are left over
    Gives the chunk to go on with, the number of words, and the number of chunks left over.
    """
    end, words, over = 0, 0, 0
    for chunk in range(first, offsets.size - 1):
        length = offsets[chunk + 1] - offsets[chunk]
        if length > LONGEST:
            left[over] = chunk
            over += 1
            continue
        if end + length * GROWTH + 8 > text.size or words + length * GROWTH > starts.size:
            return chunk, words, over
        stop = normalized(data, offsets[chunk], offsets[chunk + 1], forms, places, written, text, end)
        if stop < 0:
            left[over] = chunk
            over += 1
            continue
        at = end
        while True:
            if gpt2:
                start, at = next_of_gpt2(text, at, stop, classes)
            else:
                start, at = next_run(text, at, stop, classes)
            if start == at:
                break
            starts[words], ends[words], owners[words] = start, at, chunk
            words += 1
        end = stop
    return offsets.size - 1, words, over
