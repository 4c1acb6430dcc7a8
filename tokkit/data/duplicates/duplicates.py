"""What makes two texts the same: their keys, exact or as a reader compares them, and leaks by them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


SEPARATOR = "\0"
"""Stands between the two texts of a pair where both are one string."""


def joined(texts: pl.Series, pairs: pl.Series) -> pl.Series:
    """Both texts of each row as one string, (rows,); null where one of them is missing.

    Two rows have the same string where they have the same texts, and in `normalized` form where both texts
    have.
    """
    import polars as pl

    return pl.select(pl.concat_str(texts, pairs, separator=SEPARATOR)).to_series().alias(texts.name)


def normalized(texts: pl.Series) -> pl.Series:
    """The texts as a reader compares them: NFKC, case folded, without punctuation, spaces as one.

    A text of punctuation alone keeps it; so do emoji, which are none.

    >>> normalized(pl.Series(["Hello, World!"])).to_list()
    ['hello world']
    """
    import polars as pl

    distinct = texts.drop_nulls().unique(maintain_order=True)
    keys = pl.Series([key_of(text) for text in distinct.to_list()], dtype=pl.String)
    return texts.replace_strict(distinct, keys, default=None, return_dtype=pl.String)


def leaked(first: pl.Series, second: pl.Series) -> pl.Series:
    """Which rows of ``second``, (rows,) booleans, hold a text that stands in ``first`` too."""
    return second.is_in(first.drop_nulls().unique().implode()).fill_null(False)


def key_of(text: str) -> str:
    """One text, or each of two that are `joined`, as `normalized` writes it."""
    keys = (" ".join(spaced(each).split()) or folded(each) for each in text.split(SEPARATOR))
    return SEPARATOR.join(keys)


def folded(text: str) -> str:
    """The text in NFKC, case folded."""
    return unicodedata.normalize("NFKC", text).casefold()


def spaced(text: str) -> str:
    """The same with a space for every punctuation character."""
    return folded(text).translate(_PUNCTUATION)


class _Spaces(dict[int, int]):
    """A table for `str.translate`: punctuation becomes a space; each character is looked up once."""

    def __missing__(self, character: int) -> int:
        kept = ord(" ") if unicodedata.category(chr(character))[0] == "P" else character
        self[character] = kept
        return kept


_PUNCTUATION = _Spaces()
