"""Which row goes to which split: by quotas, by groups, by hash, or in folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokkit.data.dataset import SPLITS, TEST, TRAIN, VALIDATION, Dataset
from tokkit.data.splitting import folds, hashed, quotas, together
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.data.splitting.spread import spread
from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LARGE_UNIT = 0.05
"""Share of the rows from which on it is said that so many stay together."""


def assign(
    dataset: Dataset, split_name: str, plan: SplitOptions, progress: Progress = SILENT
) -> dict[str, list[int]]:
    """Row numbers, ascending, for train, validation and test; a split of size 0 is left out. Of folds, for
    ``test`` if any and then ``fold-1/train``, ``fold-1/validation`` and so on.

    Each class gives its share, rounded so that the splits have the rows asked for (fewer only where copies
    of a text do not fit, or a class would be left without a text in train). Its distinct texts are drawn
    in a seeded order. A text with two labels counts for its first one. Groups meet the shares as well as
    they allow; a stable split meets them on average.
    """
    return assign_units(dataset, split_name, plan, units_of(dataset, split_name, plan, progress), progress)


def units_of(dataset: Dataset, split_name: str, plan: SplitOptions, progress: Progress) -> NDArray[np.int64]:
    """The unit of each row, (rows,), as `together.units`; what was asked for beside copies is said."""
    import numpy as np

    units = together.units(
        dataset, split_name, group_column=plan.group_column, near=plan.near, progress=progress
    )
    if plan.group_column is not None or plan.near:
        kept = together.sizes(units)
        progress.say(f"{kept['rows']} rows stay together in {kept['sets']} sets of two or more")
        if kept["largest"] > max(_LARGE_UNIT * len(units), 2):
            row = int(np.bincount(units).argmax())
            progress.say(
                f"{kept['largest']} of {len(units)} rows are one set, that of row {row + 1}: "
                "what a chain of copies, groups or near duplicates connects is not parted"
            )
    return units


def assign_units(
    dataset: Dataset, split_name: str, plan: SplitOptions, units: NDArray[np.int64], progress: Progress
) -> dict[str, list[int]]:
    """As `assign`, of units that are known."""
    import numpy as np

    wanted = plan.rows_wanted(len(units))
    classes = _class_numbers(dataset, split_name)
    rng = np.random.default_rng(plan.seed)
    draws = _draws(dataset, split_name, plan, units) if plan.stable else None
    if draws is not None:
        parts = _by_share(draws[:, 0], plan)
        progress.say("--stable: the shares hold on average, for all classes alike")
    elif plan.group_column is not None:
        parts = _by_group(units, classes, wanted, rng, progress)
    else:
        parts = quotas.parts(units, classes, wanted, rng)
    left = np.ones(len(units), bool)
    left[np.concatenate(list(parts.values()))] = False
    rest = np.flatnonzero(left)
    chosen = {TRAIN: rest, **parts}
    found = {name: chosen[name].tolist() for name in SPLITS if name == TRAIN or wanted[name] > 0}
    _check_none_is_empty(dataset.source, found, units)
    if plan.folds is None:
        return found
    numbers = folds.fold_numbers(
        units[rest], classes[rest], plan.folds, None if draws is None else draws[rest, 1], rng, progress
    )
    of_folds = folds.as_splits(rest, numbers, plan.folds)
    _check_none_is_empty(dataset.source, of_folds, units[rest])
    return {**({TEST: found[TEST]} if TEST in found else {}), **of_folds}


def _by_group(
    units: NDArray[np.int64],
    classes: NDArray[np.int64],
    wanted: dict[str, int],
    rng: np.random.Generator,
    progress: Progress,
) -> dict[str, NDArray[np.int64]]:
    import numpy as np

    rows = {TRAIN: len(units) - sum(wanted.values()), **{name: n for name, n in wanted.items() if n}}
    part = spread(units, classes, list(rows.values()), rng, progress, keep_in=0)
    found = {name: np.flatnonzero(part == number) for number, name in enumerate(rows)}
    return {name: found.get(name, np.array([], np.int64)) for name in quotas.PARTS}


def _by_share(draws: NDArray[np.float64], plan: SplitOptions) -> dict[str, NDArray[np.int64]]:
    """Test takes the lowest draws, so that another share of validation moves no row in or out of it."""
    import numpy as np

    amounts = plan.amounts()
    test = draws < amounts[TEST]
    validation = ~test & (draws < amounts[TEST] + amounts[VALIDATION])
    return {VALIDATION: np.flatnonzero(validation), TEST: np.flatnonzero(test)}


def _draws(
    dataset: Dataset, split_name: str, plan: SplitOptions, units: NDArray[np.int64]
) -> NDArray[np.float64]:
    keys = dataset.contents(split_name)
    if plan.group_column is not None:
        import polars as pl

        groups = together.group_values(dataset, dataset.split(split_name), plan.group_column)
        keys = pl.select(pl.coalesce(groups.cast(pl.String), keys)).to_series()
    return hashed.draws(units, keys.to_list(), plan.seed)


def _class_numbers(dataset: Dataset, split_name: str) -> NDArray[np.int64]:
    """(rows,) class numbers from 0, in code point order, rows without label first."""
    import numpy as np

    if dataset.label_column is None:
        return np.zeros(dataset.split(split_name).frame.height, np.int64)
    labels = dataset.labels(split_name)
    return np.asarray(labels.fill_null("").rank("dense").to_numpy(), np.int64) - 1


def _check_none_is_empty(source: str, found: dict[str, list[int]], units: NDArray[np.int64]) -> None:
    import numpy as np

    for name, rows in found.items():
        if not rows:
            sets = len(np.unique(units))
            raise InputError(
                f"{source}: too small to split: no row is left for {name} "
                f"({sets} sets of rows that stay together)",
                hint="take fewer folds: --folds 2"
                if "/" in name
                else "take a larger share: --validation 0.3, or 0 for none",
            )
