"""Splitting a data set so that every class is in every split and no text is in two of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit.data import output
from tokkit.data.dataset import first_names, sort_labels
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.data.splitting.stratifier import assign_rows, group_sizes, row_groups
from tokkit.errors import InputError
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress


@dataclass(frozen=True)
class SplitResult:
    """Rows per split, rows per split and label, and the folder written.

    splits           of folds, ``fold-1/train``, ``fold-1/validation`` and so on
    kept_together    as `group_sizes`: ``{"sets", "rows", "largest"}``
    """

    splits: dict[str, int]
    classes: dict[str, dict[str, int]]
    kept_together: dict[str, int]
    output: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def split(
    dataset: str | Path,
    out: str | Path,
    options: SplitOptions | None = None,
    *,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> SplitResult:
    """Writes the folder ``out`` with train, validation and test files, in the format of the source or the one
    requested.

    Stratified by label, of rows with several labels or tags by each of them. All copies of one text go to the
    same split, so that nothing leaks, and so do, if requested, the rows of a group and near duplicates. Rows
    keep their order, and all are written, those without text or label too.

    With ``folds`` there are folders ``fold-1`` to ``fold-K`` with train and validation each, every row in
    exactly one validation split. A test split, if requested, is written once for all folds, ``out/test``: it
    is for the final evaluation, and a copy in each fold would invite choosing among the folds by it.

    Raises `InputError` for a data set that is split already or too small, `UsageError` for shares that
    leave nothing to train on.
    """
    options, read_options = apply_to_both(SplitOptions, options, DatasetOptions, read_options, settings)
    # options that contradict each other are errors before the data set is read
    options.amounts()
    output.check_output(out, options, force=force, kind="folder", source=dataset)
    loaded = read_dataset(dataset, read_options, progress)
    if len(loaded.splits) > 1:
        raise InputError(
            f"{loaded.source}: is split already: {', '.join(loaded.splits)}",
            hint=f"name the file to split, here {loaded.files[0]}",
        )
    source = next(iter(loaded.splits.values()))
    # also part of the result, so they are computed here once
    groups = row_groups(
        loaded, source.name, group_column=options.group_column, near=options.near, progress=progress
    )
    assigned = assign_rows(loaded, source.name, options, progress, groups=groups)
    classes: dict[str, dict[str, int]] = {name: {} for name in assigned}
    if loaded.label_column is not None:
        labels = loaded.labels(source.name)
        classes = {name: loaded.class_counts(labels[rows]) for name, rows in assigned.items()}
    _say_missing(classes, loaded.source, progress)
    result = SplitResult(
        splits={name: len(rows) for name, rows in assigned.items()},
        classes=classes,
        kept_together=group_sizes(groups),
        output=str(out),
    )
    output.publish(
        {name: source.original[rows] for name, rows in assigned.items()},
        Path(out),
        loaded,
        options,
        command="split",
        sources={"dataset": dataset},
        read_options=read_options,
        result=result.as_dict(),
        packages=("polars", "numpy"),
        force=force,
        progress=progress,
        as_folder=True,
    )
    return result


def _say_missing(classes: dict[str, dict[str, int]], source: str, progress: Progress) -> None:
    """Reports the classes that each split lacks and others have."""
    labels = sort_labels(label for counts in classes.values() for label in counts)
    for name, counts in classes.items():
        if missing := [label for label in labels if label not in counts]:
            rare = f"{len(missing)} of {len(labels)} classes, too rare: {first_names(missing)}"
            progress.say(f"{source}: {name} lacks {rare}")
