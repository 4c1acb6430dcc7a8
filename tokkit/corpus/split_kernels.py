# mypy: ignore-errors
"""Chunks to words: each is normalized character by character, and split by classes of characters.

The normal form and the class of every character come from the reference (see `characters`). A chunk with a
character of which they are not known is left to it.

    " Ab1, c"  ->  normalized " ab1, c"  ->  runs of one class: "ab1" "," "c"       (BERT)
                                          ->  " ab" "1" "," " c"                     (GPT-2's pattern)
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from tokkit.runtime.kernels import helper, kernel

# Bytes of the longest chunk that is split here.
LONGEST = 4096

# Factor by which the bytes of a character may grow when it is normalized: in Unicode at most 11, U+FDFA
# under NFKD. `Characters` leaves a longer form unknown.
GROWTH = 12

# What normalizing does to a character.
UNKNOWN, SAME, MAPPED = 0, 1, 2

# Classes of characters; 0 is unknown. Where runs are words, white space is dropped, and a character of class
# ``ALONE`` is a word by itself.
WHITE, LETTER, NUMBER, OTHER, ALONE = 1, 2, 3, 4, 5

# What is known of each character (`characters.Characters`), and whether GPT-2's pattern splits, not runs of
# one class.
Tables = namedtuple("Tables", "forms offsets written classes gpt2")

_SPACE, _APOSTROPHE = 0x20, 0x27


@helper
def decoded(data, at):
    """The character at an offset of valid UTF-8, and its number of bytes."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, 1
    second = np.int64(data[at + 1]) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, 2
    # no check for bad UTF-8: it is refused, with file, line and byte, where a file is read
    third = np.int64(data[at + 2]) & 0x3F
    if first < 0xF0:
        return (first & 0xF) << 12 | second << 6 | third, 3
    return (first & 7) << 18 | second << 12 | third << 6 | (np.int64(data[at + 3]) & 0x3F), 4


@kernel
def new_characters(data, starts, ends, queried, new):
    """Characters of the strings that are not ``queried`` yet, as far as ``new`` has space; how many."""
    number = 0
    for i in range(starts.size):
        at = starts[i]
        while at < ends[i]:
            character, width = decoded(data, at)
            if not queried[character]:
                if number == new.size:
                    return number
                # marked at once, so that a character that occurs twice in the batch is queried once
                queried[character] = True
                new[number] = character
                number += 1
            at += width
    return number


@helper
def normalized(data, at, end, tables, text, size):
    """Writes the normal form of ``data[at:end]`` into ``text`` from ``size`` on; returns where it ends.

    -1 where the form of a character is not known.
    """
    forms, offsets, written = tables.forms, tables.offsets, tables.written
    while at < end:
        character, width = decoded(data, at)
        form = forms[character]
        if form == SAME:
            for i in range(width):
                text[size + i] = data[at + i]
            size += width
        elif form == MAPPED:
            offset = offsets[character]
            for i in range(written[offset]):
                text[size + i] = written[offset + 1 + i]
            size += np.int64(written[offset])
        else:
            # one unknown character is enough: its neighbors may decide its form, so the chunk is left over
            return -1
        at += width
    return size


@kernel
def normal_forms(data, starts, ends, tables, text, bounds, left):
    """Writes the normal form of every chunk into ``text``; returns the number of chunks left over.

    text    (n,) uint8, at least ``GROWTH`` times the chunks
    bounds  (chunks + 1,) int64, filled: form i is ``text[bounds[i] : bounds[i + 1]]``, empty where left over
    left    (chunks,) int64, filled with the chunks that have a character whose form is not known
    """
    end, skipped = 0, 0
    for chunk in range(starts.size):
        stop = normalized(data, starts[chunk], ends[chunk], tables, text, end)
        if stop < 0:
            left[skipped] = chunk
            skipped += 1
        else:
            # a chunk left over has an empty form, so what it wrote is overwritten by the next
            end = stop
        bounds[chunk + 1] = end
    return skipped


@helper
def run_end(text, at, size, classes, wanted):
    """Where the run of characters of one class ends."""
    while at < size:
        character, width = decoded(text, at)
        if classes[character] != wanted:
            break
        at += width
    return at


@helper
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


@helper
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


@helper
def next_of_gpt2(text, at, size, classes):
    """The next word by GPT-2's pattern; every character belongs to one.

    ``'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+``
    """
    if at >= size:
        return size, size
    if text[at] == _APOSTROPHE:
        # the endings come first in the pattern, so they win over a run of punctuation
        length = contraction(text, at, size)
        if length:
            return at, at + length
    # ` ?` in the pattern is U+0020 alone; other white space never joins the word after it
    first = at + 1 if text[at] == _SPACE and at + 1 < size else at
    character, width = decoded(text, first)
    kind = classes[character]
    if kind != WHITE:
        return at, run_end(text, first + width, size, classes, kind)
    # `\s+(?!\S)`: a run of white space before a word leaves its last character to that word
    end, last = at, at
    while end < size:
        character, width = decoded(text, end)
        if classes[character] != WHITE:
            break
        last = end
        end += width
    return at, last if end < size and last > at else end


@kernel
def split(data, chunk_starts, chunk_ends, first, tables, text, starts, ends, owners, left):
    """The words of the chunks from ``first`` on, as far as there is space for them.

    data, chunk_starts, chunk_ends  the chunks
    text                            (n,) uint8, filled with the normal forms; n > LONGEST * GROWTH
    starts, ends, owners            (n,) int64, filled: bounds of each word in ``text``, and its chunk; n as
                                    above
    left                            (n,) int64, filled with the chunks that are left to the reference
    Returns the chunk to continue with, the number of words, and the number of chunks left.
    """
    end, words, skipped = 0, 0, 0
    for chunk in range(first, chunk_starts.size):
        length = chunk_ends[chunk] - chunk_starts[chunk]
        if length > LONGEST:
            left[skipped] = chunk
            skipped += 1
            continue
        # the worst case: every byte grows GROWTH times, and each byte of that is a word
        if end + length * GROWTH + 8 > text.size or words + length * GROWTH > starts.size:
            return chunk, words, skipped
        stop = normalized(data, chunk_starts[chunk], chunk_ends[chunk], tables, text, end)
        if stop < 0:
            left[skipped] = chunk
            skipped += 1
            continue
        at = end
        while True:
            if tables.gpt2:
                start, at = next_of_gpt2(text, at, stop, tables.classes)
            else:
                start, at = next_run(text, at, stop, tables.classes)
            if start == at:
                break
            starts[words], ends[words], owners[words] = start, at, chunk
            words += 1
        end = stop
    return chunk_starts.size, words, skipped
