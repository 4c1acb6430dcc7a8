"""Rows as points of a plane, near to each other where their vectors are."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.model.features.reading import FeaturesFile
from tokkit.model.features.rows import LABEL, ONE
from tokkit.model.options.features_options import FeaturesOptions
from tokkit.progress import Progress, stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Projection:
    """points  (rows, 2) float32
    labels   of each row, None where it has not just one
    of       rows there are, of which these may be a sample
    """

    points: NDArray[np.float32]
    labels: Sequence[str | None]
    of: int


def check_rows(rows: int, spec: FeaturesOptions) -> None:
    """Raises `InputError` for fewer rows than UMAP needs for so many neighbours."""
    drawn = min(rows, spec.map_rows)
    if drawn <= max(spec.neighbors, _FEWEST):
        fewer = f"--neighbors {drawn - 1}" if drawn > _FEWEST + 1 else f"a map needs more than {_FEWEST} rows"
        raise InputError(f"{drawn} rows are too few for a map with --neighbors {spec.neighbors}", hint=fewer)


_FEWEST = 5


def project(features: FeaturesFile, spec: FeaturesOptions, progress: Progress) -> Projection:
    """The rows, or a seeded sample of them, which is said, scaled to [0, 1] and projected with UMAP.

    McInnes et al. 2018. The same vectors and settings give the same points on the same machine.
    """
    import numpy as np
    from sklearn.preprocessing import MinMaxScaler

    total = features.rows.height
    chosen = np.arange(total)
    if total > spec.map_rows:
        drawn = np.random.default_rng(spec.seed).choice(total, spec.map_rows, replace=False)
        chosen = np.sort(drawn)
        progress.say(f"the map shows {spec.map_rows:,} of {total:,} rows, drawn at random (--map-rows)")
    with stage(progress, "projecting with UMAP"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts that no neighbour connects, which is no mistake
        from umap import UMAP

        scaled = MinMaxScaler().fit_transform(features.vectors(chosen))
        umap = UMAP(
            n_neighbors=spec.neighbors,
            min_dist=spec.min_dist,
            metric=spec.umap_metric,
            random_state=spec.seed,
            n_jobs=1,  # more would draw in another order each time
        )
        points = umap.fit_transform(scaled).astype(np.float32)
    labels = features.rows[LABEL].gather(chosen).to_list()
    return Projection(points, labels if features.labels == ONE else [None] * len(chosen), total)
