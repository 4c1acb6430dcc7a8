"""Which rows may not be parted: copies of a text, rows of a group, near duplicates.

Such rows are one unit. A unit is named by the number of its first row, so that adding rows at the end
renames none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokkit.data.dataset import Dataset, Split
from tokkit.data.duplicates import near_duplicates
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.progress import SILENT, Progress
from tokkit.sources import columns

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Units = NDArray[np.int64]
    """(rows,) the first row of the unit that each row belongs to."""


def units(
    dataset: Dataset,
    split: str,
    *,
    group_column: str | None = None,
    near: bool = False,
    progress: Progress = SILENT,
) -> Units:
    """The unit of each row, (rows,): copies of a text, and what else is asked for.

    A row without text has no copies, one without a group is in none. What belongs together by any of these
    belongs together in a chain too: two authors who wrote the same text are one unit.

    Raises `InputError` for a column that is not there or holds lists, `UsageError` for the text or label.
    """
    contents = dataset.contents(split)
    found = copies(contents)
    if group_column is not None:
        groups = group_values(dataset, dataset.split(split), group_column)
        if without := groups.null_count():
            progress.say(f"{without} rows have no {group_column}: each is a group of its own")
        found = _chained(found, copies(groups))
    if near:
        found = _chained(found, _near(contents, progress))
    return found


def copies(values: pl.Series) -> Units:
    """The first row that holds the same value, (rows,); of a missing value, the row itself.

    >>> copies(pl.Series(["a", "b", None, "a", None]))
    array([0, 1, 2, 0, 4])
    """
    import numpy as np
    import polars as pl

    row, value = pl.col("row"), pl.col("value")
    first = pl.when(value.is_null()).then(row).otherwise(row.first().over("value"))
    found = pl.DataFrame({"value": values}).with_row_index("row").select(first).to_series()
    return np.asarray(found.to_numpy(), dtype=np.int64)


def sizes(found: Units) -> dict[str, int]:
    """``{"sets", "rows", "largest"}``: units of two rows or more, the rows in them, and in the largest."""
    import numpy as np

    rows = np.bincount(found)
    several = rows[rows > 1]
    return {"sets": len(several), "rows": int(several.sum()), "largest": int(rows.max())}


def group_values(dataset: Dataset, split: Split, name: str) -> pl.Series:
    """The values of a column that names groups, by its name or its number."""
    frame = split.original
    if columns.values(frame, name) is None and name.isdecimal() and int(name) < frame.width:
        name = frame.columns[int(name)]
    values = columns.values(frame, name)
    taken = {dataset.text_column: "text", dataset.pair_column: "second text", dataset.label_column: "label"}
    others = [each for each in frame.columns if each not in taken]
    hint = (
        f"name one: --group-column {others[0]}" if others else "leave it out: only text and label are there"
    )
    if values is None:
        raise InputError(
            f'{split.where}: no column "{name}"{did_you_mean(name, frame.columns)}; '
            f"it has: {', '.join(frame.columns)}",
            hint=hint,
        )
    if name in taken:
        raise UsageError(
            f"--group-column {name}: is the {taken[name]} column, and a group is something else, "
            "such as an author",
            hint=hint,
        )
    if values.dtype.is_nested():
        raise InputError(f'{split.where}: column "{name}" holds lists or objects, not a group a row', hint)
    return values


def _near(contents: pl.Series, progress: Progress) -> Units:
    import numpy as np

    rows = contents.is_not_null().arg_true().to_numpy()
    found = np.arange(contents.len())
    clusters = near_duplicates.clusters(contents.drop_nulls().to_list(), progress=progress)
    _, first = np.unique(clusters, return_index=True)
    found[rows] = rows[first[clusters]]
    return found


def _chained(one: Units, other: Units) -> Units:
    """The units of rows that a chain of units of either kind connects."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.arange(len(one))
    ends = np.concatenate([one, other])
    graph = coo_array((np.ones(len(ends), np.int8), (np.tile(rows, 2), ends)), shape=(len(one), len(one)))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    found: Units = first[component].astype(np.int64)
    return found
