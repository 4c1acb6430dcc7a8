"""Texts as points of a plane and their nearest neighbors, from the vectors that `features` wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.duplicates import text_keys
from tokkit.errors import InputError, counted
from tokkit.model.features.baseline_rows import PAIR, ROW, TEXT, feature_rows
from tokkit.model.features.features_file import VECTORS, FeaturesFile
from tokkit.model.features.nearest_rows import nearest_rows
from tokkit.model.features.projection import check_rows, project
from tokkit.model.options.inference_options import FeaturesOptions
from tokkit.progress import Progress
from tokkit.review.explorer.rows import CONTENT, ID, SPLIT
from tokkit.review.explorer.rows import ROW as ROW_IN_SPLIT
from tokkit.runtime.panics import guarded
from tokkit.sources.formats.columnar import read_table

NEIGHBORS = 5


@dataclass(frozen=True)
class TextMap:
    """Rows of a page that are on the map.

    rows        (n,) index of each in the page
    points      (n, 2) float32
    neighbors   (n, `NEIGHBORS`) indices of rows in the page, the nearest first; -1 where there are fewer, and
                everywhere where only points are known
    similarity  (n, `NEIGHBORS`) float32, cosine
    source      the file
    """

    rows: NDArray[np.int64]
    points: NDArray[np.float32]
    neighbors: NDArray[np.int64]
    similarity: NDArray[np.float32]
    source: str


def read_features(path: Path) -> FeaturesFile | None:
    """The file of vectors; None for a file of points, which `features --map` writes next to its picture.

    Raises `InputError` for anything else.
    """
    with guarded(f"{path}: cannot be read"):
        columns = pl.read_parquet_schema(path)
    if {"x", "y", "id", "split"} <= columns.keys():
        return None
    file = FeaturesFile.read(path)
    if VECTORS in columns:
        raise InputError(
            f"{path}: has a vector for each token, and a map needs one for each text",
            hint="compute them again, without --pooling none",
        )
    return file


def text_map(
    rows: pl.DataFrame, path: Path, file: FeaturesFile | None, most: int, seed: int, progress: Progress
) -> TextMap:
    """Where the rows of a page are on the map, and which are nearest to each.

    rows   as `sampled` gives them
    most   texts on the map; of more, a random sample

    Vectors are found by text: those of one model for equal texts are equal. Raises `InputError` where no row
    has one.
    """
    if file is None:
        return _of_points(rows, path, progress)
    vectors = feature_rows(file.dataset())
    content = text_keys.join_pairs(vectors[TEXT], vectors[PAIR]) if PAIR in vectors.columns else vectors[TEXT]
    first = vectors.with_columns(content=content).unique(CONTENT, keep="first", maintain_order=True)
    # One point for all copies of a text.
    texts = rows.select(CONTENT).with_row_index("page_row").drop_nulls()
    matched = texts.join(first.select(CONTENT, ROW), on=CONTENT, how="inner", maintain_order="left")
    if not matched.height:
        raise _no_rows(path)
    _say_missing(path, texts.height - matched.height, progress)
    chosen = np.unique(matched[ROW].to_numpy())
    if len(chosen) > most:
        progress.say(f"the map has a random sample of {most:,} of {len(chosen):,} texts (--map-rows)")
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, most, replace=False))
    # UMAP takes the vectors in the order of the file, so points come in that of ``chosen``.
    on_map = vectors.filter(pl.col(ROW).is_in(chosen.tolist()))
    neighbors_of_umap = min(FeaturesOptions().neighbors, max(len(chosen) - 1, 2))
    options = FeaturesOptions(map_rows=max(len(chosen), 10), neighbors=neighbors_of_umap, seed=seed)
    check_rows(len(chosen), options)
    projection = project(file, on_map, options, progress)
    nearest = nearest_rows(file.vectors(chosen), NEIGHBORS, progress)
    point = pl.DataFrame({ROW: chosen}).with_row_index("point")
    placed = matched.join(point, on=ROW, how="inner", maintain_order="left")
    at, page_rows = placed["point"].to_numpy(), placed["page_row"].to_numpy().astype(np.int64)
    # A neighbor is a text; the page displays the first row that has it.
    first_row = np.full(len(chosen), -1, np.int64)
    first_row[at[::-1]] = page_rows[::-1]
    missing = ((0, 0), (0, NEIGHBORS - nearest.rows.shape[1]))
    neighbors = np.pad(first_row[nearest.rows], missing, constant_values=-1)
    similarity = np.pad(nearest.similarity.astype(np.float32), missing)
    return TextMap(page_rows, projection.points[at], neighbors[at], similarity[at], str(path))


def _of_points(rows: pl.DataFrame, path: Path, progress: Progress) -> TextMap:
    """The points of a map that is there already, by the split and the id, or row number, of each row."""
    points = read_table(path).select(
        pl.col(SPLIT).cast(pl.String), name=pl.col("id").cast(pl.String), x=pl.col("x"), y=pl.col("y")
    )
    names = pl.coalesce(ID, pl.col(ROW_IN_SPLIT).cast(pl.String))
    named = rows.select(SPLIT, name=names).with_row_index("page_row")
    first = points.unique([SPLIT, "name"], keep="first", maintain_order=True)
    matched = named.join(first, on=[SPLIT, "name"], how="inner", maintain_order="left")
    if not matched.height:
        raise _no_rows(path)
    none = np.full((matched.height, NEIGHBORS), -1, np.int64)
    return TextMap(
        matched["page_row"].to_numpy().astype(np.int64),
        matched.select("x", "y").to_numpy().astype(np.float32),
        none,
        np.zeros(none.shape, np.float32),
        str(path),
    )


def _no_rows(path: Path) -> InputError:
    return InputError(
        f"{path}: has none of the rows of this data set",
        hint="compute the features of this data set (the command features)",
    )


def _say_missing(path: Path, rows: int, progress: Progress) -> None:
    if rows:
        progress.say(f"{path}: {counted(rows, 'row', 'have', ',')} no vector there and are not on the map")
