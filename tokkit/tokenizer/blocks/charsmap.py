"""SentencePiece's precompiled character map: which characters become which others, as its models hold it.

Four bytes say how long the trie is (little-endian, in bytes); the trie follows, a double array of 32-bit
units (https://github.com/s-yata/darts-clone); then the texts it leads to, each with a zero byte behind it.
The library believes every number in it and panics on a text that meets a wrong one, so all are checked here.
"""

from __future__ import annotations

import array
import struct
import sys
from pathlib import Path
from typing import Any

_LEAF = 1 << 31
_LABELS = 0xFF


def precompiled(file: str) -> Any:
    """The normalizer of the charsmap in a file; `ValueError` for a file that holds none."""
    from tokenizers import normalizers

    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from error
    if not is_charsmap(content):
        raise ValueError(f"{file}: no precompiled charsmap of SentencePiece")
    return normalizers.Precompiled(content)


def is_charsmap(content: bytes) -> bool:
    """Whether every unit of the trie leads into the trie, and every leaf to the beginning of a character."""
    if len(content) < 4:
        return False
    (size,) = struct.unpack_from("<I", content)
    units, texts = array.array("I"), content[4 + size :]
    if size == 0 or size % units.itemsize or 4 + size > len(content):
        return False
    units.frombytes(content[4 : 4 + size])
    if sys.byteorder == "big":
        units.byteswap()
    try:
        texts.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(
        _starts_a_character(texts, unit & ~_LEAF)
        if unit & _LEAF
        else (place ^ _offset(unit)) | _LABELS < len(units)
        for place, unit in enumerate(units)
    )


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & (1 << 9)) >> 6)


def _starts_a_character(texts: bytes, place: int) -> bool:
    return place < len(texts) and texts[place] & 0xC0 != 0x80


def example() -> Any:
    """A normalizer that makes ``fi`` of the ligature ``ﬁ`` and knows no other character."""
    from tokenizers import normalizers

    return normalizers.Precompiled(of_one("ﬁ", "fi"))


def of_one(character: str, text: str) -> bytes:
    """The charsmap of one character: block 0 of the array holds the root, block n the unit of byte n."""
    key = character.encode("utf-8")
    units = array.array("I", [0]) * (256 * (len(key) + 2))
    place = 0
    for number, byte in enumerate(key, start=1):
        following = 256 * number
        units[place] |= (place ^ following) << 10
        place = following ^ byte
        units[place] = byte
    leaf = 256 * (len(key) + 1)
    units[place] |= (place ^ leaf) << 10 | 1 << 8
    units[leaf] = _LEAF
    if sys.byteorder == "big":
        units.byteswap()
    return struct.pack("<I", len(units) * 4) + units.tobytes() + text.encode("utf-8") + b"\0"
