"""Rows as vectors for samplers that compare them: TF-IDF of their texts, or vectors from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.duplicates import text_keys
from tokkit.errors import InputError, counted
from tokkit.sources.formats.columnar import read_table

WORDS, CHARACTERS = "TF-IDF of words and pairs of words", "TF-IDF of one to three characters in a row"
# Mean characters between spaces from which on texts count as written without any; German has 6 to 8.
_LONGEST_WORD = 15


def tfidf(texts: Sequence[str]) -> tuple[Any, str]:
    """TF-IDF of the texts as `text_keys.normalized` writes them, and of what: `WORDS` or `CHARACTERS`.

    texts   or pairs of texts, as `text_keys.join_pairs` writes them

    A sparse (rows, n-grams) float32 matrix whose rows have length 1. Texts of a script without spaces are
    split into characters. Raises `InputError` if all texts are white space.
    """
    # scikit-learn takes a second to load, and most strategies compare no rows
    from sklearn.feature_extraction.text import TfidfVectorizer

    keys = text_keys.normalized(pl.Series(texts, dtype=pl.String)).to_list()
    plain = [key.replace(text_keys.SEPARATOR, " ") for key in keys]
    words = sum(len(text.split()) for text in plain)
    if not words:
        raise InputError("no text to compare rows by: all are white space", hint="give vectors (--vectors)")
    # Chinese and Thai have few spaces: their "words" would be whole sentences
    by_word = sum(map(len, plain)) <= _LONGEST_WORD * words
    words_and_pairs = {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"}
    options = words_and_pairs if by_word else {"analyzer": "char", "ngram_range": (1, 3)}
    vectorizer = TfidfVectorizer(lowercase=False, dtype=np.float32, **options)
    return vectorizer.fit_transform(plain), WORDS if by_word else CHARACTERS


def read_vectors(path: Path, texts: pl.Series, where: str) -> NDArray[np.float32]:
    """The vectors of a file, (rows, width), row by row as the data set has them.

    texts   (rows,) strings of the training split, null where missing

    ``.npy`` of two dimensions, or Parquet with lists of numbers in a column ``vector``, or in its only
    column of lists. Of a file of `tokkit features`, those of its split ``train``; a row without a text has
    no vector there, and gets zeros. Raises `InputError` for other files, another number of rows, other
    texts, and NaN.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="name a .npy or a .parquet file")
    try:
        # pickled arrays run code when they are loaded
        is_parquet = path.suffix.lower() == ".parquet"
        loaded = _from_parquet(path, texts, where) if is_parquet else np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(
            f"{path}: no array of numbers in NumPy's .npy format ({error})",
            hint='numpy.save("vectors.npy", array) writes one; Parquet is read as well',
        ) from error
    if not isinstance(loaded, np.ndarray) or loaded.ndim != 2 or loaded.dtype.kind not in "fiu":
        is_array = isinstance(loaded, np.ndarray)
        shape = f"{loaded.dtype} of {loaded.shape}" if is_array else "several arrays"
        raise InputError(f"{path}: holds {shape}, where numbers of (rows, width) were expected")
    if len(loaded) != len(texts):
        raise InputError(
            f"{path}: {len(loaded):,} vectors for the {counted(len(texts), 'row', style=',')} of {where}",
            hint="one vector per row of the training split, in its order, incomplete rows included",
        )
    vectors: NDArray[np.float32] = np.asarray(loaded, np.float32)
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise InputError(f"{path}: the vector of row {row + 1} holds NaN or infinity")
    return vectors


def _from_parquet(path: Path, texts: pl.Series, where: str) -> Any:
    frame = read_table(path)
    if {"vector", "split"} <= set(frame.columns):
        frame = frame.filter(pl.col("split") == "train", pl.col("vector").is_not_null())
        if not frame.height:
            raise InputError(f"{path}: has no vector of the split train", hint=f"compute those of {where}")
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List | pl.Array)]
    name = "vector" if "vector" in lists else lists[0] if len(lists) == 1 else None
    if name is None:
        raise InputError(
            f'{path}: no column "vector" that holds lists of numbers; it has: {", ".join(frame.columns)}'
        )
    rows = frame[name].arr.to_list() if frame[name].dtype == pl.Array else frame[name]
    widths, values = rows.list.len().unique().to_list(), rows.explode()
    if len(widths) != 1 or widths[0] is None or values.null_count() or not values.dtype.is_numeric():
        raise InputError(f'{path}: column "{name}" holds lists of several lengths, or not of numbers')
    vectors = values.to_numpy().reshape(len(rows), widths[0])
    name = texts.name if texts.name in frame.columns else "text"
    return _by_text(vectors, frame[name], texts, path, where) if name in frame.columns else vectors


def _by_text(vectors: Any, computed: pl.Series, texts: pl.Series, path: Path, where: str) -> Any:
    """The vectors of the rows whose texts these are; raises `InputError` for vectors of other texts."""
    complete = texts.is_not_null().arg_true()
    computed = computed.cast(pl.String)
    with_text = computed.is_not_null().arg_true()
    if len(with_text) != len(complete):
        return vectors
    differs = (computed[with_text] != texts[complete]).arg_true()
    if len(differs):
        row, text = int(complete[differs[0]]), computed[with_text][differs[0]]
        raise InputError(
            f'{path}: its vectors are of other texts: "{text[:40]}" where row {row + 1} of {where} has '
            f'"{texts[row][:40]}"',
            hint=f"compute the hidden states of {where} (the command features)",
        )
    aligned = np.zeros((len(texts), vectors.shape[1]), vectors.dtype)
    aligned[complete.to_numpy()] = vectors[with_text.to_numpy()]
    return aligned
