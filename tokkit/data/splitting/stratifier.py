"""The one stratifier: the rows of every split and fold, for `split` and for cross-validation; groups of rows.

Rows of a group stay in one split or fold: copies of a text, equal group values, near duplicates. A group is
named by the number of its first row, so rows appended to a data set rename no group. By default each class
meets its share exactly (`allocation`), with a group column as well as the groups allow. With ``stable`` a
hash of the text decides: that meets the shares on average and moves no row when others are added.
"""

from __future__ import annotations

import hashlib
import shlex

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import (
    ONE,
    SPLITS,
    TAGS,
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    Split,
    class_names,
    no_column,
)
from tokkit.data.duplicates.groups import equal_rows, near_rows
from tokkit.data.splitting.allocation import allocate_quotas, allocate_shares
from tokkit.data.splitting.label_sets import allocate_label_sets
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.data.tag_schemes import TagScheme, is_outside
from tokkit.errors import InputError, UsageError, counted
from tokkit.progress import SILENT, Progress
from tokkit.sources import columns

# (rows,) the number of the first row of each row's group.
RowGroups = NDArray[np.int64]

# Share of all rows above which the size of one group is reported.
_LARGE_GROUP = 0.05


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
    groups: RowGroups = equal_rows(contents).to_numpy()
    if group_column is not None:
        values = group_values(dataset, dataset.split(split_name), group_column)
        if missing := values.null_count():
            progress.say(f"{counted(missing, 'row', 'have')} no {group_column}: each is a group of its own")
        groups = _chained(groups, equal_rows(values).to_numpy())
    if near:
        groups = _chained(groups, near_rows(contents, progress).to_numpy())
    if group_column is not None or near:
        _say_sizes(groups, progress)
    return groups


def group_sizes(groups: RowGroups) -> dict[str, int]:
    """``{"sets", "rows", "largest"}``: groups of two rows or more, the rows in them, and in the largest."""
    rows = np.bincount(groups)
    several = rows[rows > 1]
    return {"sets": len(several), "rows": int(several.sum()), "largest": int(rows.max())}


def group_values(dataset: Dataset, split: Split, name: str) -> pl.Series:
    """The values of the group column, which is given by its name or its number."""
    name = split.column_named(name)
    values = columns.values(split.original, name)
    roles = {dataset.text_column: "text", dataset.pair_column: "second text", dataset.label_column: "label"}
    others = [column for column in split.original.columns if column not in roles]
    hint = (
        f"name one:\n--group-column {shlex.quote(others[0])}"
        if others
        else "leave it out: only text and label are there"
    )
    if values is None:
        raise no_column(split.where, name, split.original.columns, hint)
    if name in roles:
        raise UsageError(
            f"--group-column {name}: is the {roles[name]} column; name another, such as the author", hint=hint
        )
    if values.dtype.is_nested():
        raise InputError(f'{split.where}: column "{name}" holds lists or objects, not group names', hint)
    return values


def _say_sizes(groups: RowGroups, progress: Progress) -> None:
    sizes = group_sizes(groups)
    progress.say(f"{sizes['rows']} rows stay together in {counted(sizes['sets'], 'set')} of two or more")
    if sizes["largest"] > max(_LARGE_GROUP * len(groups), 2):
        row = int(np.bincount(groups).argmax())
        progress.say(
            f"{sizes['largest']} of {len(groups)} rows are one set, that of row {row + 1}: "
            "rows connected by a chain of copies, groups or near duplicates are not divided"
        )


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
    return np.asarray(first[component], np.int64)


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
    label_sets = None
    if classes is None and dataset.label_column is not None and dataset.label_kind != ONE:
        label_sets = _label_sets(dataset, split_name)
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
    elif label_sets is not None:
        part = allocate_label_sets(groups, label_sets, sizes, rng, progress, complete_part=0)
    elif options.group_column is not None:
        # a part of 0 rows has no target to divide by
        used = np.flatnonzero(sizes)
        wanted_rows = [sizes[i] for i in used]
        part = used[allocate_shares(groups, classes, wanted_rows, rng, progress, complete_part=0)]
    else:
        part = allocate_quotas(groups, classes, sizes[1:], rng)
    rows = {name: np.flatnonzero(part == i) for i, name in enumerate(SPLITS) if name == TRAIN or wanted[name]}
    _check_splits(dataset.source, rows, groups)
    if options.folds is None:
        return {name: numbers.tolist() for name, numbers in rows.items()}
    rest = rows[TRAIN]
    if hashes is not None:
        fold = (hashes[rest, 1] * options.folds).astype(np.int64)
        check_folds(fold, options.folds, groups[rest], dataset.source)
    elif label_sets is not None:
        even = [len(rest) // options.folds + (i < len(rest) % options.folds) for i in range(options.folds)]
        sets = [label_sets[row] for row in rest]
        fold = allocate_label_sets(groups[rest], sets, even, rng, progress)
        check_folds(fold, options.folds, groups[rest], dataset.source)
    else:
        fold = stratified_folds(
            groups[rest], classes[rest], options.folds, rng=rng, source=dataset.source, progress=progress
        )
    splits = {TEST: rows[TEST].tolist()} if TEST in rows else {}
    for number in range(options.folds):
        splits[f"fold-{number + 1}/{TRAIN}"] = rest[fold != number].tolist()
        splits[f"fold-{number + 1}/{VALIDATION}"] = rest[fold == number].tolist()
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
    # As if each group were a fold: with fewer of them, there would be folds of size 0 to allocate to.
    check_folds(np.unique(groups, return_inverse=True)[1], n_folds, groups, source)
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
    noun = "row" if n_groups == len(groups) else "set"
    what = counted(n_groups, noun) + (" of rows that stay together" if noun == "set" else "")
    are = "is" if n_groups == 1 else "are"
    fewer = min(n_groups, n_folds - 1)
    raise InputError(
        f"{source}: {what} {are} too few for {n_folds} folds: fold {empty[0] + 1} has no row",
        hint=f"fewer folds:\n--folds {fewer}" if fewer > 1 else "collect more rows",
    )


def class_numbers(dataset: Dataset, split_name: str) -> NDArray[np.int64]:
    """(rows,) class numbers from 0, in code point order, rows without label first; all 0 without labels."""
    if dataset.label_column is None:
        return np.zeros(dataset.split(split_name).frame.height, np.int64)
    labels = dataset.labels(split_name)
    return np.asarray(labels.fill_null("").rank("dense").to_numpy(), np.int64) - 1


def _label_sets(dataset: Dataset, split_name: str) -> list[list[int]]:
    """The classes of each row, by number from 0 in the order of names; of tags, the types of entities."""
    labels = dataset.labels(split_name).fill_null("").to_list()
    of_label = {label: class_names(label, dataset.label_kind) for label in set(labels)}
    if dataset.label_kind == TAGS:
        # B-ORG and I-ORG are one class to be spread; every row has O
        scheme = TagScheme.of(tag for tags in of_label.values() for tag in tags)
        of_label = {
            label: list(dict.fromkeys(scheme.split(tag)[1] for tag in tags if not is_outside(tag)))
            for label, tags in of_label.items()
        }
    numbers = {name: i for i, name in enumerate(sorted({n for names in of_label.values() for n in names}))}
    return [[numbers[name] for name in of_label[label]] for label in labels]


def _check_splits(source: str, rows: dict[str, NDArray[np.int64]], groups: RowGroups) -> None:
    for name, numbers in rows.items():
        if not len(numbers):
            raise InputError(
                f"{source}: too small to split: no row is left for {name} "
                f"({counted(len(np.unique(groups)), 'set')} of rows that stay together)",
                hint="take a larger share, or collect more rows",
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
    """Two numbers in [0, 1) for each row, (rows, 2): one decides its split, one its fold.

    BLAKE2b of the text of the first row of its group, or of the group value, or of the row number where that
    is missing, keyed with the seed: the same on every machine.
    """
    texts = dataset.contents(split_name)
    if options.group_column is not None:
        values = group_values(dataset, dataset.split(split_name), options.group_column)
        texts = pl.select(pl.coalesce(values.cast(pl.String), texts)).to_series()
    firsts, group = np.unique(groups, return_inverse=True)
    keys = texts.to_list()
    # keyed, so that another seed gives unrelated splits of the same texts
    salt = options.seed.to_bytes(8, "little")
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
