"""The keys by which normalized duplicates are told, for columns of strings: those of `duplicates.normalized`.

NFKC works character by character wherever none composes with the one before it; case folding and the rest
always do. What becomes of each character is asked of Python once; a text with a character that may compose
is given to Python whole.
"""

from __future__ import annotations

import functools
import threading
import unicodedata

import numpy as np
from numpy.typing import NDArray

from tokkit.data.duplicates import duplicates, key_kernels
from tokkit.runtime.byte_table import PADDING
from tokkit.runtime.strings import Strings

_PAGE = 256
_CHARACTERS = 0x110000
_ROOM = 1 << 16
_LAST_COMPOSED = 0x20000
"""From here on, no character is composed of others."""


class DuplicateKeys:
    """Makes keys; threads may share it, as its tables only grow."""

    def __init__(self) -> None:
        self._kinds = np.zeros(_CHARACTERS, np.uint8)
        self._places = np.zeros(_CHARACTERS, np.int64)
        self._pool = np.zeros(1 << 20, np.uint8)
        self._used = 0
        self._known = np.zeros(_CHARACTERS // _PAGE, np.bool_)
        self._asking = threading.Lock()

    def of(self, texts: Strings) -> Strings:
        """The key of each text, (rows,)."""
        self._look_up(texts)
        starts, ends = np.empty((2, len(texts)), np.int64)
        longest = int((texts.ends - texts.starts).max(initial=0))
        pieces: list[NDArray[np.uint8]] = []
        first = written = 0
        while first < len(texts):
            out = np.empty(max(2 * texts.size, key_kernels.LONGEST_MAPPED * longest) + _ROOM, np.uint8)
            arrays = (texts.data, texts.starts, texts.ends, first, self._kinds, self._places, self._pool)
            after = key_kernels.write_keys(*arrays, out, starts, ends)
            hard = first + np.flatnonzero(ends[first:after] < 0)
            by_kernel = first + np.flatnonzero(ends[first:after] >= 0)
            size = int(ends[by_kernel].max(initial=0))
            starts[by_kernel] += written
            ends[by_kernel] += written
            pieces.append(out[:size])
            written += size
            for row in hard.tolist():
                key = duplicates.key_of(texts.text(row)).encode()
                pieces.append(np.frombuffer(key, np.uint8))
                starts[row], ends[row] = written, written + len(key)
                written += len(key)
            first = after
        return Strings(np.concatenate([*pieces, np.zeros(PADDING, np.uint8)]), starts, ends)

    def _look_up(self, texts: Strings) -> None:
        pages = np.zeros(len(self._known), np.uint8)
        key_kernels.mark_pages(texts.data, texts.starts, texts.ends, pages)
        new = np.flatnonzero((pages > 0) & ~self._known)
        if len(new):
            with self._asking:
                for page in new[~self._known[new]].tolist():
                    for character in range(page * _PAGE, (page + 1) * _PAGE):
                        self._ask(character)
                    self._known[page] = True

    def _ask(self, character: int) -> None:
        text = chr(character)
        if 0xD800 <= character < 0xE000:
            return
        if text == duplicates.SEPARATOR or _may_compose(unicodedata.normalize("NFKD", text)[0]):
            self._kinds[character] = key_kernels.HARD
            return
        made = duplicates.spaced(text)
        if made == text and not text.isspace():
            return
        if made.isspace():
            self._kinds[character] = key_kernels.PARTED
            return
        written = "".join(" " if each.isspace() else each for each in made).encode()
        if len(written) > key_kernels.LONGEST_MAPPED * len(text.encode()) or len(written) > 255:
            self._kinds[character] = key_kernels.HARD
            return
        self._pool[self._used : self._used + len(written)] = np.frombuffer(written, np.uint8)
        self._places[character] = self._used << 8 | len(written)
        self._used += len(written)
        self._kinds[character] = key_kernels.MAPPED


def _may_compose(character: str) -> bool:
    """Whether a character may join or be sorted among those before it, under normalization."""
    return unicodedata.combining(character) != 0 or character in _seconds() or _is_late_jamo(character)


def _is_late_jamo(character: str) -> bool:
    return "\u1161" <= character <= "\u1175" or "\u11a8" <= character <= "\u11c2"


@functools.cache
def _seconds() -> frozenset[str]:
    """The characters that canonical composition joins to the one before, jamo aside."""
    pairs = (unicodedata.decomposition(chr(code)).split() for code in range(_LAST_COMPOSED))
    return frozenset(
        chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")
    )
