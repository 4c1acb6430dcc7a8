"""The keys of normalized duplicates for columns of strings: equal to `text_keys.key_of`, at kernel speed.

NFKC works character by character wherever no character composes with the one before it; case folding and the
rest always do. The mapping of each character is computed by Python once, per page of 256 code points; a text
with a character that may compose is left to Python as a whole.
"""

from __future__ import annotations

import functools
import threading
import unicodedata

import numpy as np
from numpy.typing import NDArray

from tokkit.data.duplicates import key_kernels, text_keys
from tokkit.runtime.byte_table import PADDING
from tokkit.runtime.strings import Strings

_PAGE = 256
_CHARACTERS = 0x110000
_ROOM = 1 << 16
# Texts up to here get their keys from Python: 0.1 s, less than compiling or loading the kernels takes.
_PYTHON_BYTES = 1 << 20
# From here on, no character is composed of others.
_LAST_COMPOSED = 0x20000


class DuplicateKeys:
    """Computes keys; threads may share it, as its tables only grow.

    python_bytes   bytes of text, over all calls, whose keys Python computes before the kernels are used
    """

    def __init__(self, python_bytes: int = _PYTHON_BYTES) -> None:
        self._python_bytes = python_bytes
        self._kinds = np.zeros(_CHARACTERS, np.uint8)
        self._mappings = np.zeros(_CHARACTERS, np.int64)
        self._pool = np.zeros(1 << 20, np.uint8)
        self._tables = (self._kinds, self._mappings, self._pool)
        self._used = 0
        self._known = np.zeros(_CHARACTERS // _PAGE, np.bool_)
        self._lock = threading.Lock()

    def of(self, texts: Strings) -> Strings:
        """The key of each text, (rows,)."""
        if texts.size <= self._python_bytes:
            # threads may race here, which only moves a few texts to the other way
            self._python_bytes -= texts.size
            keys = Strings.of_list([text_keys.key_of(texts.text(row)) for row in range(len(texts))])
            # a writable copy, as kernels return: a read-only array is another type to Numba, which would
            # compile every kernel that reads these keys once more
            return Strings(keys.data.copy(), keys.starts, keys.ends)
        self._classify_characters(texts)
        starts, ends = np.empty((2, len(texts)), np.int64)
        longest = int((texts.ends - texts.starts).max(initial=0))
        pieces: list[NDArray[np.uint8]] = []
        first = written = 0
        while first < len(texts):
            # the kernel stops where ``out`` may be too small for the next text
            out = np.empty(max(2 * texts.size, key_kernels.LONGEST_MAPPED * longest) + _ROOM, np.uint8)
            strings = (texts.data, texts.starts, texts.ends)
            stop = key_kernels.write_keys(strings, first, self._tables, out, starts, ends)
            hard = first + np.flatnonzero(ends[first:stop] < 0)
            easy = first + np.flatnonzero(ends[first:stop] >= 0)
            size = int(ends[easy].max(initial=0))
            starts[easy] += written
            ends[easy] += written
            pieces.append(out[:size])
            written += size
            for row in hard.tolist():
                key = text_keys.key_of(texts.text(row)).encode()
                pieces.append(np.frombuffer(key, np.uint8))
                starts[row], ends[row] = written, written + len(key)
                written += len(key)
            first = stop
        return Strings(np.concatenate([*pieces, np.zeros(PADDING, np.uint8)]), starts, ends)

    def _classify_characters(self, texts: Strings) -> None:
        """Fills the tables for every page of code points that the texts use."""
        pages = np.zeros(len(self._known), np.uint8)
        key_kernels.mark_pages(texts.data, texts.starts, texts.ends, pages)
        new = np.flatnonzero((pages > 0) & ~self._known)
        if len(new):
            with self._lock:
                for page in new[~self._known[new]].tolist():
                    for character in range(page * _PAGE, (page + 1) * _PAGE):
                        self._classify(character)
                    # last, so that other threads do not use a table that is half filled
                    self._known[page] = True

    def _classify(self, character: int) -> None:
        text = chr(character)
        if 0xD800 <= character < 0xE000:  # surrogates are not in UTF-8
            return
        # NFKD begins with what would meet the character before it
        if text == text_keys.SEPARATOR or _may_compose(unicodedata.normalize("NFKD", text)[0]):
            self._kinds[character] = key_kernels.HARD
            return
        mapped = text_keys.spaced(text)
        if mapped == text and not text.isspace():
            return
        if mapped.isspace():
            self._kinds[character] = key_kernels.SPACE
            return
        encoded = "".join(" " if part.isspace() else part for part in mapped).encode()
        # the kernel reserves LONGEST_MAPPED bytes per byte, and a mapping has 8 bits for its size
        if len(encoded) > key_kernels.LONGEST_MAPPED * len(text.encode()) or len(encoded) > 255:
            self._kinds[character] = key_kernels.HARD
            return
        self._pool[self._used : self._used + len(encoded)] = np.frombuffer(encoded, np.uint8)
        self._mappings[character] = self._used << 8 | len(encoded)
        self._used += len(encoded)
        self._kinds[character] = key_kernels.MAPPED


def _may_compose(character: str) -> bool:
    """Whether normalization may join the character to those before it, or reorder it among them."""
    is_late_jamo = "\u1161" <= character <= "\u1175" or "\u11a8" <= character <= "\u11c2"
    return unicodedata.combining(character) != 0 or is_late_jamo or character in _second_characters()


@functools.cache
def _second_characters() -> frozenset[str]:
    """The characters that canonical composition joins to the one before, except jamo."""
    pairs = (unicodedata.decomposition(chr(code)).split() for code in range(_LAST_COMPOSED))
    return frozenset(
        chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")
    )
