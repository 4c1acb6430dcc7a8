"""Splits drawn by hash: a text's split depends on the text and the seed alone; rows may be added later."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SPAN = 1 << 64


def draws(units: NDArray[np.int64], keys: Sequence[str | None], seed: int) -> NDArray[np.float64]:
    """Two numbers from 0 to below 1 for each row, (rows, 2): one for its split, one for its fold.

    units   (rows,) first row of the unit of each row, which all get the numbers of that row
    keys    the text of each row, or its group; None is replaced by the number of the row

    BLAKE2b of the key, keyed with the seed: the same on every machine.
    """
    import numpy as np

    firsts, unit = np.unique(units, return_inverse=True)
    salt = seed.to_bytes(8, "little")
    digests = b"".join(_digest(keys[row], row, salt) for row in firsts.tolist())
    numbers = np.frombuffer(digests, dtype="<u8").reshape(-1, 2)
    found: NDArray[np.float64] = (numbers >> np.uint64(11)) / float(_SPAN >> 11)
    return found[unit]


def _digest(key: str | None, row: int, salt: bytes) -> bytes:
    person = b"row" if key is None else b"text"
    content = str(row) if key is None else key
    return hashlib.blake2b(
        content.encode("utf-8", "surrogatepass"), digest_size=16, key=salt, person=person
    ).digest()
