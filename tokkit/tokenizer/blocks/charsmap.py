"""SentencePiece's precompiled character map: checked, read as rules text -> text, and packed from them.

Four bytes give the length of the trie (little-endian, in bytes); the trie follows, a double array of 32-bit
units (https://github.com/s-yata/darts-clone); then the texts it leads to, each ended by a zero byte. Of
several rules that match at a position SentencePiece applies the longest.

`tokenizers` trusts every number in the map and panics on a text that reaches a wrong one, so all are checked.

>>> dict(charsmap_rules(pack_charsmap({"ﬁ": "fi", "e\u0301": "é"})))
{'ﬁ': 'fi', 'é': 'é'}
"""

from __future__ import annotations

import array
import functools
import struct
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tokenizers import normalizers

# A unit is a leaf (bit 31 and the offset of a text) or a node: in bits 0-7 its label, the byte that leads to
# it; bit 8 where a rule ends here; bit 9 where the offset counts blocks of 256; the offset to its children in
# the rest. The child reached by a byte lies at (position ^ offset) ^ byte.
_LEAF = 1 << 31
_HAS_LEAF = 1 << 8
_LABELS = 0xFF
_BLOCK = 256

# Several times what SentencePiece's own maps hold: the bound that ends the walk through a circular trie.
_MAX_RULE_BYTES, _MAX_RULES = 200, 1_000_000


def precompiled(file: str) -> Any:
    """The normalizer of the charsmap in a file; raises `ValueError` for a file without one."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from error
    if not is_charsmap(content):
        raise ValueError(f"{file}: not a precompiled charsmap of SentencePiece")
    return normalizers.Precompiled(content)


def example() -> Any:
    """A normalizer that replaces the ligature ``ﬁ`` by ``fi`` and nothing else."""
    return normalizers.Precompiled(pack_charsmap({"ﬁ": "fi"}))


def is_charsmap(content: bytes) -> bool:
    """Whether every node of the trie leads into the trie, and every leaf to the beginning of a character."""
    if len(content) < 4:
        return False
    (size,) = struct.unpack_from("<I", content)
    if size == 0 or size % 4 or 4 + size > len(content):
        return False
    units, texts = _parse(content)
    try:
        texts.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(
        _starts_character(texts, unit & ~_LEAF)
        if unit & _LEAF
        else (position ^ _offset(unit)) | _LABELS < len(units)
        for position, unit in enumerate(units)
    )


@functools.lru_cache(maxsize=1)  # one conversion needs them twice, and SentencePiece's own has 200,000
def charsmap_rules(charsmap: bytes) -> Mapping[str, str]:
    """Every rule of a map that passed `is_charsmap`.

    Raises `ValueError` for a map whose trie is circular or has too many branches.
    """
    units, texts = _parse(charsmap)
    # A unit holds the byte that leads to it, so its own position gives the base it belongs to.
    children: dict[int, list[int]] = defaultdict(list)
    for position, unit in enumerate(units):
        if label := unit & (_LEAF | _LABELS):
            children[position ^ label].append(position)
    rules: dict[str, str] = {}
    pending = [(_offset(units[0]), b"")]
    while pending:
        base, key = pending.pop()
        if len(key) > _MAX_RULE_BYTES or len(rules) > _MAX_RULES:
            raise ValueError("the trie of its character map does not end")
        for position in children.get(base, ()):
            unit = units[position]
            longer, child_base = key + bytes((unit & _LABELS,)), position ^ _offset(unit)
            if unit & _HAS_LEAF:
                start = units[child_base] & ~_LEAF
                rules[longer.decode("utf-8")] = texts[start : texts.index(b"\0", start)].decode("utf-8")
            pending.append((child_base, longer))
    return MappingProxyType(rules)


def pack_charsmap(rules: Mapping[str, str]) -> bytes:
    """The map with these rules; none may contain a zero byte, which ends a text."""
    texts = bytearray()
    starts: dict[str, int] = {}
    for text in dict.fromkeys(rules.values()):
        starts[text] = len(texts)
        texts += text.encode("utf-8") + b"\0"
    root: dict[int, Any] = {}
    for key, text in rules.items():
        node = root
        for byte in key.encode("utf-8"):
            node = node.setdefault(byte, {})
        node[0] = starts[text]
    units = _pack_trie(root)
    if sys.byteorder == "big":
        units.byteswap()
    return struct.pack("<I", 4 * len(units)) + units.tobytes() + bytes(texts)


def _pack_trie(root: Mapping[int, Any]) -> array.array[int]:
    """The double array of a trie of nested dictionaries; byte 0 of a node holds the offset of its text."""
    units = array.array("I", [0] * _BLOCK)
    occupied, bases, base = {0}, {0}, 1
    pending = [(root, 0)]
    while pending:
        node, position = pending.pop()
        base = max(1, base - _BLOCK)
        # No two nodes share a base: the label of a unit then says whose child it is.
        while base in bases or any(base ^ byte in occupied for byte in node):
            base += 1
        bases.add(base)
        occupied.update(base ^ byte for byte in node)
        while (base | _LABELS) >= len(units):
            units.extend([0] * _BLOCK)
        units[position] |= (base ^ position) << 10
        for byte, child in sorted(node.items()):
            if byte == 0:
                units[position] |= _HAS_LEAF
                units[base] = child | _LEAF
            else:
                units[base ^ byte] |= byte
                pending.append((child, base ^ byte))
    return units


def _parse(charsmap: bytes) -> tuple[array.array[int], bytes]:
    """The units of the trie and the texts."""
    (size,) = struct.unpack_from("<I", charsmap)
    units = array.array("I", charsmap[4 : 4 + size])
    if sys.byteorder == "big":
        units.byteswap()
    return units, charsmap[4 + size :]


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & (1 << 9)) >> 6)


def _starts_character(texts: bytes, position: int) -> bool:
    return position < len(texts) and texts[position] & 0xC0 != 0x80
