# mypy: ignore-errors
"""The kernel that measures texts: characters, words, script, and what looks suspicious.

Character classes come from tables by code point (`text_measures`); nothing here knows Unicode.
"""

from __future__ import annotations

import numpy as np

from tokkit.corpus.split_kernels import decoded
from tokkit.runtime.kernels import kernel

# Bits of a character: white space; C0, C1 or invisible; first and later characters of UTF-8 read as Latin-1
# or windows-1252; the replacement character of undecodable bytes.
SPACE, CONTROL, LEAD, TRAIL, REPLACEMENT = 1, 2, 4, 8, 16

# Bits of a text: it may hold HTML, control characters, UTF-8 that was read as something else.
MARKUP, CONTROLS, MOJIBAKE = 1, 2, 4


@kernel
def measure(data, starts, ends, bits, scripts, japanese, han, tally, used, characters, words, script, marks):
    """Of every text its characters, words, the script of most of its letters, and what looks suspicious.

    bits, scripts    (0x110000,) uint8 and uint16 by code point; script 0 is none
    japanese, han    numbers of those scripts: Han counts as Japanese in a text that has kana
    tally, used      (1 << 16,) int64 zeros and uint16, buffers: to compile `np.empty` in a kernel takes 0.1 s
    characters, ...  (rows,) int64, int64, uint16, uint8, written
    """
    for row in range(starts.size):
        at, end = starts[row], ends[row]
        length, number, kinds, suspicion = 0, 0, 0, 0
        apart, led = True, False
        while at < end:
            character, size = decoded(data, at)
            bit = bits[character]
            if bit & SPACE:
                apart = True
            else:
                number += apart
                apart = False
            # Most characters have none of these bits: one test skips the others.
            if bit & ~np.uint8(SPACE):
                if bit & CONTROL:
                    suspicion |= CONTROLS
                # ö is the bytes C3 B6 in UTF-8, which Latin-1 reads as Ã¶: a first character, then a later
                # one. Ã before anything else is ordinary Portuguese.
                if bit & REPLACEMENT or (led and bit & TRAIL):
                    suspicion |= MOJIBAKE
            led = bit & LEAD != 0
            # 60 is <, 38 is &, 35 is #, 47 is /, 33 is !: <b, </b, <!--, &amp; and &#39; match, but `a < b`
            # does not. The marks are a superset: `has_html` checks marked texts, nothing checks the others.
            if size == 1 and (character == 60 or character == 38) and at + 1 < end:
                after = data[at + 1]
                letter = 97 <= (after | 32) <= 122
                if letter or after == 35 or (character == 60 and (after == 47 or after == 33)):
                    suspicion |= MARKUP
            written = scripts[character]
            if written:
                if tally[written] == 0:
                    used[kinds] = written
                    kinds += 1
                tally[written] += 1
            length += 1
            at += size
        characters[row], words[row], marks[row] = length, number, suspicion
        if tally[japanese]:
            tally[japanese] += tally[han]
            tally[han] = 0
        # tally[0] stays 0, as script 0 is never counted. Of equal counts, the script that comes first stays.
        best = np.uint16(0)
        for i in range(kinds):
            if tally[used[i]] > tally[best]:
                best = used[i]
        script[row] = best
        for i in range(kinds):
            # Only the cells in use are reset: clearing 65,536 takes longer than measuring a short text.
            tally[used[i]] = 0
        tally[han] = 0
