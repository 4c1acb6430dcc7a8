"""Unicode normalization in time that grows with the text.

`unicodedata.normalize` sorts the combining marks of a letter by insertion: a letter with 100,000 marks in the
wrong order takes it 8 s, one with a million a quarter of an hour.
"""

from __future__ import annotations

import itertools
import unicodedata
from typing import Literal

# characters up to which the time of `unicodedata` does not matter
_SHORT = 2000


def normalize(form: Literal["NFC", "NFKC"], text: str) -> str:
    """The text in a normal form, as `unicodedata.normalize` gives it."""
    if len(text) <= _SHORT or text.isascii():
        return unicodedata.normalize(form, text)
    decomposed: Literal["NFD", "NFKD"] = "NFD" if form == "NFC" else "NFKD"
    text = text.translate({ord(c): unicodedata.normalize(decomposed, c) for c in set(text)})
    runs = itertools.groupby(text, key=lambda character: unicodedata.combining(character) > 0)
    # stable, as the canonical order is; what is in order already is not moved
    ordered = (sorted(run, key=unicodedata.combining) if is_mark else run for is_mark, run in runs)
    return unicodedata.normalize(form, "".join(itertools.chain.from_iterable(ordered)))
