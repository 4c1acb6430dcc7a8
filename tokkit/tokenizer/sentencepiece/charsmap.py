"""The rules in a SentencePiece character map: text -> text, and the reverse, rules packed as such a map.

How the bytes lie is told in `blocks.charsmap`, which checks them. Of several rules that fit at a place
SentencePiece takes the longest.

>>> rules(packed({"ﬁ": "fi", "e\u0301": "é"}))
{'ﬁ': 'fi', 'é': 'é'}
"""

from __future__ import annotations

import array
import struct
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

_LEAF = 1 << 31
_HAS_LEAF = 1 << 8
_BLOCK = 256
_LONGEST, _MOST = 200, 1_000_000
"""Bytes of a rule, and rules: several times what SentencePiece's own maps hold."""


def rules(charsmap: bytes) -> dict[str, str]:
    """Every rule of a map that `blocks.charsmap.is_charsmap` found sound.

    Raises `ValueError` for one whose trie runs in a circle, or branches without end.
    """
    (size,) = struct.unpack_from("<I", charsmap)
    units = array.array("I", charsmap[4 : 4 + size])
    if sys.byteorder == "big":
        units.byteswap()
    texts = charsmap[4 + size :]
    children: dict[int, list[int]] = defaultdict(list)  # by the base they lie around
    for place, unit in enumerate(units):
        if label := unit & (_LEAF | 0xFF):
            children[place ^ label].append(place)
    found: dict[str, str] = {}
    ways = [(_offset(units[0]), b"")]
    while ways:
        base, key = ways.pop()
        if len(key) > _LONGEST or len(found) > _MOST:
            raise ValueError("its character map has no end")
        for place in children.get(base, ()):
            longer, following = key + bytes((units[place] & 0xFF,)), place ^ _offset(units[place])
            if units[place] & _HAS_LEAF:
                start = units[following] & ~_LEAF
                found[longer.decode("utf-8")] = texts[start : texts.index(b"\0", start)].decode("utf-8")
            ways.append((following, longer))
    return found


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & (1 << 9)) >> 6)


def packed(mapping: Mapping[str, str]) -> bytes:
    """The map with these rules, of which none may hold a zero byte.

    Each node's children lie at ``base ^ byte``, with a base of its own: the label of a unit is then enough
    to tell whose child it is. A rule's text hangs at byte 0 of its last node.
    """
    texts = bytearray()
    starts: dict[str, int] = {}
    for text in dict.fromkeys(mapping.values()):
        starts[text] = len(texts)
        texts += text.encode("utf-8") + b"\0"
    root: dict[int, Any] = {}
    for key, text in mapping.items():
        node = root
        for byte in key.encode("utf-8"):
            node = node.setdefault(byte, {})
        node[0] = starts[text]
    units = _laid_out(root)
    if sys.byteorder == "big":
        units.byteswap()
    return struct.pack("<I", 4 * len(units)) + units.tobytes() + bytes(texts)


def _laid_out(root: Mapping[int, Any]) -> array.array[int]:
    units = array.array("I", [0] * _BLOCK)
    taken, bases, base = {0}, {0}, 1
    waiting = [(root, 0)]
    while waiting:
        node, place = waiting.pop()
        base = max(1, base - _BLOCK)
        while base in bases or any(base ^ byte in taken for byte in node):
            base += 1
        bases.add(base)
        taken.update(base ^ byte for byte in node)
        while (base | 0xFF) >= len(units):
            units.extend([0] * _BLOCK)
        units[place] |= (base ^ place) << 10
        for byte, child in sorted(node.items()):
            if byte == 0:
                units[place] |= _HAS_LEAF
                units[base] = child | _LEAF
            else:
                units[base ^ byte] |= byte
                waiting.append((child, base ^ byte))
    return units
