# mypy: ignore-errors
"""Kernels over texts as UTF-8: the pages of code points they use, and the keys of their duplicates.

The mapping of each character is in tables by code point (`duplicate_keys`); nothing here knows Unicode.
"""

from __future__ import annotations

from tokkit.corpus.split_kernels import decoded
from tokkit.runtime.kernels import kernel

# What a character becomes in a key: itself, a space, other characters; HARD leaves the text to Python.
UNCHANGED, SPACE, MAPPED, HARD = 0, 1, 2, 3

# Bytes of a key at most, for each byte of its text.
LONGEST_MAPPED = 12


@kernel
def mark_pages(data, starts, ends, pages):
    """Marks every page of 256 code points that a text has a character of; pages (4352,) uint8."""
    pages[0] = 1
    for row in range(starts.size):
        at, end = starts[row], ends[row]
        while at < end:
            lead = data[at]
            # the page is the code point without its low 8 bits, so the last byte is never needed
            if lead < 0x80:
                at += 1
            elif lead < 0xE0:
                pages[(lead & 0x1F) >> 2] = 1
                at += 2
            elif lead < 0xF0:
                pages[(lead & 0x0F) << 4 | (data[at + 1] & 0x3F) >> 2] = 1
                at += 3
            else:
                pages[(lead & 0x07) << 10 | (data[at + 1] & 0x3F) << 4 | (data[at + 2] & 0x3F) >> 2] = 1
                at += 4


@kernel
def write_keys(strings, first, tables, out, key_starts, key_ends):
    """The keys of the texts from ``first`` on, one after another in ``out``, while there is room.

    strings     (data, starts, ends), as `Strings`
    tables      (kinds, mappings, pool): kinds (0x110000,) uint8, see `UNCHANGED`; mappings (0x110000,) int64,
                where in ``pool`` a mapped character's bytes begin << 8 | how many they are
    key_starts  (rows,) int64, and so ``key_ends``; -1 as end leaves the text to Python

    Returns the row to continue with.
    """
    data, starts, ends = strings
    kinds, mappings, pool = tables
    written = 0
    for row in range(first, starts.size):
        at, end = starts[row], ends[row]
        if written + LONGEST_MAPPED * (end - at) + 8 > out.size:
            return row
        # spaces are written late: one before the next character, none at the start or the end of a key
        begin, space = written, False
        hard = False
        while at < end:
            character, size = decoded(data, at)
            # one table look-up decides; nearly all characters are UNCHANGED
            kind = kinds[character]
            if kind == UNCHANGED:
                if space and written > begin:
                    out[written] = 32
                    written += 1
                space = False
                for i in range(size):
                    out[written + i] = data[at + i]
                written += size
            elif kind == SPACE:
                space = True
            elif kind == MAPPED:
                mapping = mappings[character] >> 8
                # spaces within a mapping join those around it
                for i in range(mappings[character] & 255):
                    byte = pool[mapping + i]
                    if byte == 32:
                        space = True
                        continue
                    if space and written > begin:
                        out[written] = 32
                        written += 1
                    space = False
                    out[written] = byte
                    written += 1
            else:
                hard = True
                break
            at += size
        # a text of punctuation alone is its own key, which Python knows
        if hard or (written == begin and ends[row] > starts[row]):
            written = begin
            key_starts[row], key_ends[row] = 0, -1
        else:
            key_starts[row], key_ends[row] = begin, written
    return starts.size
