"""Columns as a page carries them: typed arrays one after another, gzip, base64.

    uint32          size of the header in bytes
    header          JSON: {"summary": ..., "columns": {name: [type, offset, length]}}, padded to 8 bytes
    columns         little endian, each at its offset from the end of the header, a multiple of 8

Base64 has no character that HTML reads as markup, whatever the columns hold.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 8
# The types of arrays that browsers have, smallest first.
_UNSIGNED = (np.uint8, np.uint16, np.uint32)
_SIGNED = (np.int8, np.int16, np.int32)
_LEVEL = 6


def packed(summary: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> str:
    """The columns as base64; whole numbers take the smallest type that holds them, fractions float32."""
    placed: dict[str, tuple[str, int, int]] = {}
    content = bytearray()
    for name, values in columns.items():
        array = as_small(values)
        placed[name] = (array.dtype.str[1:], len(content), len(array))
        content += array.tobytes()
        content += bytes(-len(content) % _ALIGNMENT)
    described = {"summary": summary, "columns": placed}
    header = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    header += b" " * (-(len(header) + 4) % _ALIGNMENT)
    data = len(header).to_bytes(4, "little") + header + bytes(content)
    # No time in the bytes: the same columns give the same ones.
    return base64.b64encode(gzip.compress(data, _LEVEL, mtime=0)).decode("ascii")


def as_small(values: NDArray[Any]) -> NDArray[Any]:
    """The values in the smallest type for them, little endian, (n,).

    >>> as_small(np.array([0, 300])).dtype, as_small(np.array([-1, 3])).dtype
    (dtype('uint16'), dtype('int8'))
    """
    if values.dtype.kind == "f":
        return values.astype("<f4")
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    kind = next(kind for kind in (_SIGNED if low < 0 else _UNSIGNED) if _holds(kind, low, high))
    return values.astype(np.dtype(kind).newbyteorder("<"))


def _holds(kind: type[np.integer[Any]], low: int, high: int) -> bool:
    limits = np.iinfo(kind)
    return bool(limits.min <= low and high <= limits.max)


def text_columns(name: str, texts: Sequence[str | None]) -> dict[str, NDArray[Any]]:
    """Texts as two columns: all of them in UTF-8, and the length of each in the units of JavaScript.

    A missing text is empty.
    """
    encoded = [(text or "").encode("utf-8", "replace") for text in texts]
    # A character beyond the basic plane has two units in UTF-16, and four bytes.
    units = np.fromiter((len((text or "").encode("utf-16-le", "replace")) // 2 for text in texts), np.int64)
    return {name: np.frombuffer(b"".join(encoded), np.uint8), f"{name}.units": units}


def coded(values: Sequence[str | None], names: Sequence[str]) -> NDArray[np.int64]:
    """The index of each value among the names plus one, and 0 where it is missing, (rows,)."""
    index = {name: i for i, name in enumerate(names, 1)}
    return np.fromiter((0 if value is None else index[value] for value in values), np.int64)
