"""The one stratifier: the rows of every split and fold, for `split` and for cross-validation.

Groups (`grouping`) are never divided. By default each class meets its share exactly (`allocation`), with a
group column as well as the groups allow. With ``stable`` a hash of the text decides: that meets the shares on
average and moves no row when others are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import SPLITS, TEST, TRAIN, VALIDATION, Dataset
from tokkit.data.splitting.allocation import allocate_quotas, allocate_shares
from tokkit.data.splitting.grouping import RowGroups, group_values, row_groups
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress


def assign_rows(
    dataset: Dataset,
    split_name: str,
    options: SplitOptions,
    progress: Progress = SILENT,
    *,
    groups: RowGroups | None = None,
    classes: NDArray[np.int64] | None = None,
) -> dict[str, list[int]]:
    """Row numbers, ascending, of train, validation and test; a split of size 0 is left out.

    With folds, of ``test`` if any and then ``fold-1/train``, ``fold-1/validation`` and so on.

    groups    (rows,) as `row_groups` returns them; computed where None
    classes   (rows,) class numbers from 0 to stratify by; those of the label column where None

    Each class gives its share, rounded so that the splits have the number of rows requested (fewer only where
    copies of a text do not fit, or train would lose a class). A text with two labels counts for the first.

    Raises `InputError` where a split or fold stays empty.
    """
    if groups is None:
        groups = row_groups(
            dataset, split_name, group_column=options.group_column, near=options.near, progress=progress
        )
    wanted = options.rows_wanted(len(groups))
    if classes is None:
        classes = class_numbers(dataset, split_name)
    # one generator for test and then folds, whose rows depend on its state
    rng = np.random.default_rng(options.seed)
    hashes = _row_hashes(dataset, split_name, options, groups) if options.stable else None
    # part 0 is train, 1 validation, 2 test
    sizes = [len(groups) - sum(wanted.values()), wanted[VALIDATION], wanted[TEST]]
    if hashes is not None:
        part = _parts_by_hash(hashes[:, 0], options)
        progress.say("--stable: the shares hold on average, for all classes alike")
    elif options.group_column is not None:
        # a part of 0 rows has no target to divide by
        used = np.flatnonzero(sizes)
        part = used[
            allocate_shares(groups, classes, [sizes[i] for i in used], rng, progress, complete_part=0)
        ]
    else:
        part = allocate_quotas(groups, classes, sizes[1:], rng)
    rows = {
        name: np.flatnonzero(part == number)
        for number, name in enumerate(SPLITS)
        if name == TRAIN or wanted[name] > 0
    }
    _check_splits(dataset.source, rows, groups)
    if options.folds is None:
        return {name: numbers.tolist() for name, numbers in rows.items()}
    rest = rows[TRAIN]
    if hashes is not None:
        fold = (hashes[rest, 1] * options.folds).astype(np.int64)
        check_folds(fold, options.folds, groups[rest], dataset.source)
    else:
        fold = stratified_folds(
            groups[rest], classes[rest], options.folds, rng=rng, source=dataset.source, progress=progress
        )
    test = {TEST: rows[TEST].tolist()} if TEST in rows else {}
    return {**test, **_fold_splits(rest, fold, options.folds)}


def _fold_splits(rows: NDArray[np.int64], fold: NDArray[np.int64], n_folds: int) -> dict[str, list[int]]:
    """``{"fold-1/train": rows, "fold-1/validation": rows, ...}`` of the rows and the fold of each."""
    splits = {}
    for number in range(n_folds):
        splits[f"fold-{number + 1}/{TRAIN}"] = rows[fold != number].tolist()
        splits[f"fold-{number + 1}/{VALIDATION}"] = rows[fold == number].tolist()
    return splits


def stratified_folds(
    groups: NDArray[np.int64],
    classes: NDArray[np.int64],
    n_folds: int,
    *,
    rng: np.random.Generator,
    source: str,
    progress: Progress = SILENT,
) -> NDArray[np.int64]:
    """The fold that each row is validated in, (rows,) int64 from 0: stratified, groups not divided.

    groups    (rows,) any number that names the group of each row
    classes   (rows,) class numbers from 0
    source    what an error names

    Raises `InputError` where a fold stays empty.
    """
    rows = len(groups)
    sizes = [rows // n_folds + (number < rows % n_folds) for number in range(n_folds)]
    # not quotas: folds must be even in every class at once
    fold = allocate_shares(groups, classes, sizes, rng, progress)
    check_folds(fold, n_folds, groups, source)
    return fold


def check_folds(fold: NDArray[np.int64], n_folds: int, groups: NDArray[np.int64], source: str) -> None:
    """Raises `InputError` for a fold without rows, and names how many folds there could be.

    fold, groups   (rows,) as in `stratified_folds`
    """
    empty = np.setdiff1d(np.arange(n_folds), fold)
    if not len(empty):
        return
    n_groups = len(np.unique(groups))
    what = "rows" if n_groups == len(groups) else "sets of rows that stay together"
    fewer = min(n_groups, n_folds - 1)
    raise InputError(
        f"{source}: {n_groups} {what} are too few for {n_folds} folds: fold {empty[0] + 1} has no row",
        hint=f"--folds {fewer}" if fewer > 1 else "collect more rows",
    )


def class_numbers(dataset: Dataset, split_name: str) -> NDArray[np.int64]:
    """(rows,) class numbers from 0, in code point order, rows without label first; all 0 without labels."""
    if dataset.label_column is None:
        return np.zeros(dataset.split(split_name).frame.height, np.int64)
    labels = dataset.labels(split_name)
    return np.asarray(labels.fill_null("").rank("dense").to_numpy(), np.int64) - 1


def _check_splits(source: str, rows: dict[str, NDArray[np.int64]], groups: RowGroups) -> None:
    for name, numbers in rows.items():
        if not len(numbers):
            raise InputError(
                f"{source}: too small to split: no row is left for {name} "
                f"({len(np.unique(groups))} sets of rows that stay together)",
                hint="take a larger share: --validation 0.3, or 0 for none",
            )


# Stable splits -------------------------------------------------------------------------------------------


def _parts_by_hash(hashes: NDArray[np.float64], options: SplitOptions) -> NDArray[np.int64]:
    """Test has the lowest hashes, so that another share of validation moves no row into or out of it."""
    amounts = options.amounts()
    in_test = hashes < amounts[TEST]
    in_validation = ~in_test & (hashes < amounts[TEST] + amounts[VALIDATION])
    return np.select([in_validation, in_test], [1, 2], 0)


def _row_hashes(
    dataset: Dataset, split_name: str, options: SplitOptions, groups: RowGroups
) -> NDArray[np.float64]:
    keys = dataset.contents(split_name)
    if options.group_column is not None:
        values = group_values(dataset, dataset.split(split_name), options.group_column)
        keys = pl.select(pl.coalesce(values.cast(pl.String), keys)).to_series()
    return row_hashes(groups, keys.to_list(), options.seed)


def row_hashes(groups: RowGroups, keys: Sequence[str | None], seed: int) -> NDArray[np.float64]:
    """Two numbers in [0, 1) for each row, (rows, 2): one decides its split, one its fold.

    groups   (rows,) all rows of a group have the numbers of its first row
    keys     the text of each row, or its group value; the row number replaces None

    BLAKE2b of the key, keyed with the seed: the same on every machine.
    """
    firsts, group = np.unique(groups, return_inverse=True)
    # keyed, so that another seed gives unrelated splits of the same texts
    salt = seed.to_bytes(8, "little")
    digests = b"".join(_digest(keys[row], row, salt) for row in firsts.tolist())
    numbers = np.frombuffer(digests, dtype="<u8").reshape(-1, 2)
    # the upper 53 bits: every float64 below 1 that a division by 2^53 gives is exact
    hashes: NDArray[np.float64] = (numbers >> np.uint64(11)) / float(1 << 53)
    return hashes[group]


def _digest(key: str | None, row: int, salt: bytes) -> bytes:
    """16 bytes; ``person`` separates the text "3" from row 3 without text."""
    content, person = (str(row), b"row") if key is None else (key, b"text")
    data = content.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16, key=salt, person=person).digest()
