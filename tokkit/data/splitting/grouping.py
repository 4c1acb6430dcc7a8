"""Groups of rows that stay in one split or fold: copies of a text, equal group values, near duplicates.

A group is named by the number of its first row, so rows appended to a data set rename no group.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import Dataset, Split
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.progress import SILENT, Progress
from tokkit.sources import columns

RowGroups = NDArray[np.int64]
"""(rows,) the number of the first row of each row's group."""

_LARGE_GROUP = 0.05
"""Share of all rows above which the size of one group is reported."""


def row_groups(
    dataset: Dataset,
    split_name: str,
    *,
    group_column: str | None = None,
    near: bool = False,
    progress: Progress = SILENT,
) -> RowGroups:
    """The group of each row, (rows,): copies of a text and, if requested, group values and near duplicates.

    A row without text has no copies, a row without group value is a group of its own. Groups chain: two
    authors who wrote the same text are one group.

    Raises `InputError` for a group column that is missing or holds lists, `UsageError` for the text or label
    column.
    """
    contents = dataset.contents(split_name)
    groups = equal_rows(contents)
    if group_column is not None:
        values = group_values(dataset, dataset.split(split_name), group_column)
        if missing := values.null_count():
            progress.say(f"{missing} rows have no {group_column}: each is a group of its own")
        groups = _chained(groups, equal_rows(values))
    if near:
        groups = _chained(groups, _near_rows(contents, progress))
    if group_column is not None or near:
        _say_sizes(groups, progress)
    return groups


def equal_rows(values: pl.Series) -> RowGroups:
    """The first row with the same value, (rows,); for a missing value, the row itself.

    >>> equal_rows(pl.Series(["a", "b", None, "a", None]))
    array([0, 1, 2, 0, 4])
    """
    row, value = pl.col("row"), pl.col("value")
    first = pl.when(value.is_null()).then(row).otherwise(row.first().over("value"))
    rows = pl.DataFrame({"value": values}).with_row_index("row").select(first).to_series()
    return np.asarray(rows.to_numpy(), dtype=np.int64)


def group_sizes(groups: RowGroups) -> dict[str, int]:
    """``{"sets", "rows", "largest"}``: groups of two rows or more, the rows in them, and in the largest."""
    rows = np.bincount(groups)
    several = rows[rows > 1]
    return {"sets": len(several), "rows": int(several.sum()), "largest": int(rows.max())}


def group_values(dataset: Dataset, split: Split, name: str) -> pl.Series:
    """The values of the group column, which is given by its name or its number."""
    frame = split.original
    # a column that is called "0" wins over column number 0
    if columns.values(frame, name) is None and name.isdecimal() and int(name) < frame.width:
        name = frame.columns[int(name)]
    values = columns.values(frame, name)
    roles = {dataset.text_column: "text", dataset.pair_column: "second text", dataset.label_column: "label"}
    others = [column for column in frame.columns if column not in roles]
    hint = (
        f"name one: --group-column {others[0]}" if others else "leave it out: only text and label are there"
    )
    if values is None:
        raise InputError(
            f'{split.where}: no column "{name}"{did_you_mean(name, frame.columns)}; '
            f"it has: {', '.join(frame.columns)}",
            hint=hint,
        )
    if name in roles:
        raise UsageError(
            f"--group-column {name}: is the {roles[name]} column; name another, such as the author", hint=hint
        )
    if values.dtype.is_nested():
        raise InputError(f'{split.where}: column "{name}" holds lists or objects, not group names', hint)
    return values


def _say_sizes(groups: RowGroups, progress: Progress) -> None:
    sizes = group_sizes(groups)
    progress.say(f"{sizes['rows']} rows stay together in {sizes['sets']} sets of two or more")
    if sizes["largest"] > max(_LARGE_GROUP * len(groups), 2):
        row = int(np.bincount(groups).argmax())
        progress.say(
            f"{sizes['largest']} of {len(groups)} rows are one set, that of row {row + 1}: "
            "rows connected by a chain of copies, groups or near duplicates are not divided"
        )


def _near_rows(contents: pl.Series, progress: Progress) -> RowGroups:
    # only --near needs Numba, whose import takes longer than splitting 10,000 rows
    from tokkit.data.duplicates import near_duplicates

    rows = contents.is_not_null().arg_true().to_numpy()
    clusters = near_duplicates.clusters(contents.drop_nulls().to_list(), progress=progress)
    _, first = np.unique(clusters, return_index=True)
    groups = np.arange(contents.len())
    groups[rows] = rows[first[clusters]]
    return groups


def _chained(groups: RowGroups, others: RowGroups) -> RowGroups:
    """The groups of rows that any chain of groups of either kind connects."""
    # loaded here: a split without groups does not need SciPy
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # rows are nodes; each has an edge to the first row of both its groups
    rows = np.arange(len(groups))
    ends = np.concatenate([groups, others])
    graph = coo_array((np.ones(len(ends), np.int8), (np.tile(rows, 2), ends)), shape=(len(rows), len(rows)))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    chained: RowGroups = first[component].astype(np.int64)
    return chained
