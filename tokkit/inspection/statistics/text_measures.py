"""Texts measured at reading speed: characters, words, script, HTML, control characters, mojibake."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.data.cleaning.repair_rules import RULES
from tokkit.data.duplicates.key_kernels import mark_pages
from tokkit.inspection.statistics import text_kernels as kernels
from tokkit.inspection.statistics.scripts import script_of
from tokkit.runtime.strings import Strings

_PAGE, _CHARACTERS = 256, 0x110000
_HAN, _JAPANESE = 1, 2

# What each byte beyond ASCII becomes where UTF-8 is read as windows-1252, which leaves 81, 8D, 8F, 90 and 9D
# undefined; browsers read them as control characters.
_AS_WINDOWS_1252 = {
    byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0x100)
}
_BYTES = {character: byte for byte, character in _AS_WINDOWS_1252.items()}
_BYTES |= {chr(byte): byte for byte in range(0x80, 0x100)}  # and as Latin-1
_RUN = re.compile(f"[{re.escape(''.join(_BYTES))}]{{2,}}")
_REPLACEMENT = "\ufffd"
_LEADS = range(0xC2, 0xF5)
_TRAILS = range(0x80, 0xC0)

# What makes a text suspicious, by name: the bit that says so.
MARKS = {"html": kernels.MARKUP, "controls": kernels.CONTROLS, "mojibake": kernels.MOJIBAKE}


@dataclass(frozen=True)
class Measured:
    """Of each text, (rows,): lengths int64, the number of its script uint16, and its `MARKS`, uint8."""

    characters: NDArray[np.int64]
    words: NDArray[np.int64]
    scripts: NDArray[np.uint16]
    marks: NDArray[np.uint8]


class TextMeasures:
    """Measures texts; threads may share it, as its tables only grow.

    scripts   names of scripts by number; the first is of texts without letters
    """

    def __init__(self) -> None:
        self.scripts: list[str | None] = [None, "Han", "Japanese"]
        self._bits = np.zeros(_CHARACTERS, np.uint8)
        self._scripts = np.zeros(_CHARACTERS, np.uint16)
        self._known = np.zeros(_CHARACTERS // _PAGE, np.bool_)
        self._lock = threading.Lock()

    def of(self, texts: Strings) -> Measured:
        """Every text measured as Python would: characters as `len` counts them, words as `str.split` cuts."""
        self._look_up(texts)
        characters, words = np.empty((2, len(texts)), np.int64)
        scripts, marks = np.empty(len(texts), np.uint16), np.empty(len(texts), np.uint8)
        tables = (self._bits, self._scripts, _JAPANESE, _HAN)
        buffers = np.zeros(1 << 16, np.int64), np.empty(1 << 16, np.uint16)
        bounds = texts.data, texts.starts, texts.ends
        kernels.measure(*bounds, *tables, *buffers, characters, words, scripts, marks)
        # The kernel marks a superset in one pass; the exact, slow checks then run on few texts.
        for bit, holds in ((kernels.MARKUP, has_html), (kernels.MOJIBAKE, has_mojibake)):
            for row in np.flatnonzero(marks & bit).tolist():
                if not holds(texts.text(row)):
                    # `~bit` is negative, and NumPy 2 refuses a negative number for uint8.
                    marks[row] &= ~bit & 255
        return Measured(characters, words, scripts, marks)

    def _look_up(self, texts: Strings) -> None:
        pages = np.zeros(len(self._known), np.uint8)
        mark_pages(texts.data, texts.starts, texts.ends, pages)
        # Pages of 256 characters as they occur: most texts need a few of the 4,352.
        new = np.flatnonzero((pages > 0) & ~self._known)
        if len(new):
            with self._lock:
                # Another thread may have filled a page while this one waited for the lock.
                for page in new[~self._known[new]].tolist():
                    for code in range(page * _PAGE, (page + 1) * _PAGE):
                        self._bits[code] = _bits_of(chr(code))
                        self._scripts[code] = self._number_of(script_of(chr(code)))
                    # Last, because other threads read the tables without the lock.
                    self._known[page] = True

    def number(self, script: str | None) -> int:
        """The number of a script, which it is given if it has none."""
        with self._lock:
            return self._number_of(script)

    def _number_of(self, script: str | None) -> int:
        if script not in self.scripts:
            self.scripts.append(script)
        return self.scripts.index(script)


def has_html(text: str) -> bool:
    """Whether the rules of `clean` for HTML would change the text: character references, breaks, tags."""
    return any(RULES[name].repair(text) != text for name in ("html", "br", "tags"))


def has_controls(text: str) -> bool:
    """Whether the rules of `clean` for control and zero-width characters would change the text."""
    return any(RULES[name].repair(text) != text for name in ("controls", "zero-width"))


def has_mojibake(text: str) -> bool:
    """Whether a part of the text is UTF-8 that was read as Latin-1 or windows-1252, or was lost in reading.

    >>> [has_mojibake(text) for text in ("schÃ¶n", "schön", "SÃO", "\ufffd")]
    [True, False, False, True]
    """
    return _REPLACEMENT in text or any(_was_utf8(run) for run in _RUN.findall(text))


def _was_utf8(run: str) -> bool:
    """Whether it contains UTF-8 that was decoded as another encoding."""
    misread = bytes(_BYTES[character] for character in run)
    # Invalid bytes are ignored, and no byte is ASCII: whatever remains was UTF-8.
    return misread.decode("utf-8", "ignore") != ""


def _bits_of(character: str) -> int:
    byte = _BYTES.get(character, 0)
    return (
        kernels.SPACE * character.isspace()
        | kernels.CONTROL * has_controls(character)
        | kernels.LEAD * (byte in _LEADS)
        | kernels.TRAIL * (byte in _TRAILS)
        | kernels.REPLACEMENT * (character == _REPLACEMENT)
    )
