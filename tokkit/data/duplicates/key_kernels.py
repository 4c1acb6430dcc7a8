"""Kernels over texts as UTF-8: which characters they hold, and the keys of their duplicates.

What becomes of a character stands in tables by code point (`duplicate_keys`); nothing here knows Unicode.
"""

from __future__ import annotations

from tokkit.corpus.split_kernels import decoded
from tokkit.runtime.kernels import kernel

KEPT, PARTED, MAPPED, HARD = 0, 1, 2, 3
"""What becomes of a character in a key: itself, a space, other characters; or Python must make the key."""

LONGEST_MAPPED = 12
"""Bytes of a key at most, for each byte of its text."""


@kernel
def mark_pages(data, starts, ends, pages):
    """Marks every page of 256 code points that a text has a character of; pages (4352,) uint8."""
    pages[0] = 1
    for row in range(starts.size):
        at, end = starts[row], ends[row]
        while at < end:
            if data[at] < 0x80:
                at += 1
                continue
            character, size = decoded(data, at)
            pages[character >> 8] = 1
            at += size


@kernel
def write_keys(data, starts, ends, first, kinds, places, pool, out, key_starts, key_ends):
    """The keys of the texts from ``first`` on, one after another in ``out``, while there is room.

    kinds       (0x110000,) uint8, see `KEPT`
    places      (0x110000,) int64: where in ``pool`` a mapped character's bytes begin << 8 | how many they are
    key_starts  (rows,) int64, and so ``key_ends``; a text that Python must make the key of has an end of -1

    Gives the row to go on with.
    """
    written = 0
    for row in range(first, starts.size):
        at, end = starts[row], ends[row]
        if written + LONGEST_MAPPED * (end - at) + 8 > out.size:
            return row
        begun, parted = written, False
        hard = False
        while at < end:
            character, size = decoded(data, at)
            kind = kinds[character]
            if kind == KEPT:
                if parted and written > begun:
                    out[written] = 32
                    written += 1
                parted = False
                for i in range(size):
                    out[written + i] = data[at + i]
                written += size
            elif kind == PARTED:
                parted = True
            elif kind == MAPPED:
                place = places[character] >> 8
                for i in range(places[character] & 255):
                    byte = pool[place + i]
                    if byte == 32:
                        parted = True
                        continue
                    if parted and written > begun:
                        out[written] = 32
                        written += 1
                    parted = False
                    out[written] = byte
                    written += 1
            else:
                hard = True
                break
            at += size
        if hard or (written == begun and ends[row] > starts[row]):
            written = begun
            key_starts[row], key_ends[row] = 0, -1
        else:
            key_starts[row], key_ends[row] = begun, written
    return starts.size
