"""Rows as points of a plane, near each other where their vectors are (UMAP, McInnes et al. 2018)."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import ONE
from tokkit.errors import InputError, counted
from tokkit.model.features.baseline_rows import ID, LABEL, ROW, SPLIT
from tokkit.model.features.features_file import FeaturesFile
from tokkit.model.options.inference_options import FeaturesOptions
from tokkit.progress import Progress, stage

_TOO_FEW_ROWS = 5


@dataclass(frozen=True)
class Projection:
    """points  (rows, 2) float32
    labels   of each row, None where it does not have exactly one
    of       number of all rows, of which these may be a sample
    rows     id, label and split of each row
    """

    points: NDArray[np.float32]
    labels: Sequence[str | None]
    of: int
    rows: pl.DataFrame

    def parquet(self) -> bytes:
        """A Parquet file of the rows with their coordinates, columns ``x`` and ``y``."""
        x, y = (pl.Series(name, self.points[:, i]) for i, name in enumerate(("x", "y")))
        buffer = io.BytesIO()
        self.rows.with_columns(x, y).write_parquet(buffer)
        return buffer.getvalue()


def check_rows(rows: int, options: FeaturesOptions) -> None:
    """Raises `InputError` for fewer rows than UMAP needs for this number of neighbors."""
    sampled = min(rows, options.map_rows)
    if sampled <= max(options.neighbors, _TOO_FEW_ROWS):
        hint = (
            f"fewer neighbors:\n--neighbors {sampled - 1}"
            if sampled > _TOO_FEW_ROWS + 1
            else f"a map needs more than {_TOO_FEW_ROWS} rows"
        )
        raise InputError(
            f"{counted(sampled, 'row', 'are')} too few for a map with --neighbors {options.neighbors}",
            hint=hint,
        )


def project(
    features: FeaturesFile, rows: pl.DataFrame, options: FeaturesOptions, progress: Progress
) -> Projection:
    """The rows, or a seeded sample of them, scaled to [0, 1] and projected with UMAP.

    rows   those that have vectors, as `feature_rows` gives them

    The same vectors and options give the same points on the same machine.
    """
    total = rows.height
    sample = np.arange(total)
    if total > options.map_rows:
        rng = np.random.default_rng(options.seed)
        sample = np.sort(rng.choice(total, options.map_rows, replace=False))
        progress.say(f"the map shows a random sample of {options.map_rows:,} of {total:,} rows (--map-rows)")
    with stage(progress, "projecting with UMAP"), warnings.catch_warnings():
        # It warns of groups of rows that no neighbor connects, which is no error.
        warnings.simplefilter("ignore")
        # Imported where it is used: compiling takes it seconds.
        from sklearn.preprocessing import MinMaxScaler
        from umap import UMAP

        umap = UMAP(
            n_neighbors=options.neighbors,
            min_dist=options.min_dist,
            metric=options.umap_metric,
            random_state=options.seed,
            # More threads would add up in another order each time.
            n_jobs=1,
        )
        vectors = features.vectors(rows[ROW].to_numpy()[sample])
        scaled = MinMaxScaler().fit_transform(vectors)
        points = umap.fit_transform(scaled).astype(np.float32)
    chosen = rows.select(ID, LABEL, SPLIT)[sample]
    labels = chosen[LABEL].to_list() if features.labels == ONE else [None] * len(sample)
    return Projection(points, labels, total, chosen)
