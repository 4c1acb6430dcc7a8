"""Keys that tell whether two texts are the same: exactly, or as a reader compares them; and leaks by them."""

from __future__ import annotations

import unicodedata

import polars as pl

from tokkit.runtime.normalization import normalize

# What `str.split` splits text into, for polars.
WORD = r"[^\s\x1c-\x1f]+"

# Stands between the two texts of a pair where both are one string; a NUL is no part of any text read.
SEPARATOR = "\0"


def join_pairs(texts: pl.Series, pairs: pl.Series) -> pl.Series:
    """Both texts of each row as one string, (rows,); null where one of them is missing.

    Two rows have the same string if they have the same texts, and the same `normalized` one if both texts do.
    """
    return pl.select(pl.concat_str(texts, pairs, separator=SEPARATOR)).to_series().alias(texts.name)


def normalized(texts: pl.Series) -> pl.Series:
    """The key of each text, (rows,), as a reader compares texts: NFKC, case folded, no punctuation, single
    spaces; null stays null.

    A text of punctuation alone keeps it; emoji are no punctuation.

    >>> normalized(pl.Series(["Hello, World!"])).to_list()
    ['hello world']
    """
    # Python normalizes each distinct text once; polars maps the rows
    distinct = texts.drop_nulls().unique(maintain_order=True)
    keys = [key_of(text) for text in distinct.to_list()]
    return texts.replace_strict(distinct, keys, default=None, return_dtype=texts.dtype)


def leaked(first: pl.Series, second: pl.Series) -> pl.Series:
    """Which rows of ``second``, (rows,) booleans, have a text that is in ``first`` too."""
    return second.is_in(first.drop_nulls().unique().implode()).fill_null(False)


def key_of(text: str) -> str:
    """The `normalized` key of one text, or of both texts of a pair that is one string."""
    # a text of punctuation alone would lose everything: it stays as it is folded
    keys = (" ".join(spaced(side).split()) or folded(side) for side in text.split(SEPARATOR))
    return SEPARATOR.join(keys)


def folded(text: str) -> str:
    """The text in NFKC, case folded."""
    return normalize("NFKC", text).casefold()


def spaced(text: str) -> str:
    """The `folded` text with a space for every punctuation character."""
    return folded(text).translate(_PUNCTUATION)


class _PunctuationTable(dict[int, int]):
    """A table for `str.translate`: punctuation becomes a space; each character is looked up once."""

    def __missing__(self, character: int) -> int:
        translated = ord(" ") if unicodedata.category(chr(character))[0] == "P" else character
        self[character] = translated
        return translated


_PUNCTUATION = _PunctuationTable()
