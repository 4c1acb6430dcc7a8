"""Splitting a data set so that every class is in every split and no text is in two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data import save
from tokkit.data.dataset import (
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    DatasetOptions,
    load_dataset,
    sort_labels,
)
from tokkit.errors import InputError, UsageError
from tokkit.options import Options, merged, option
from tokkit.progress import SILENT, Progress
from tokkit.sources import tables

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SplitPlan(Options):
    """How much goes where: a share below 1, or a number of rows."""

    validation: float = option(
        0.1, "share of the rows, or their number from 1 on", minimum=0, metavar="SHARE|N"
    )
    test: float = option(0.1, "share of the rows, or their number from 1 on", minimum=0, metavar="SHARE|N")
    seed: int = option(42, "seed of the drawing", minimum=0)


@dataclass(frozen=True)
class SplitResult:
    """Rows per split, rows per split and label, and the folder written."""

    splits: dict[str, int]
    classes: dict[str, dict[str, int]]
    output: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def split(
    dataset: str | Path,
    out: str | Path,
    plan: SplitPlan | None = None,
    *,
    options: DatasetOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> SplitResult:
    """Writes the folder ``out`` with train, validation and test files in the format of the source.

    Stratified by label; all copies of one text go to the same split, so that nothing leaks. Rows keep
    their order. Every row is kept, those without text or label too.

    Raises `InputError` for a data set that is split already or too small, `UsageError` for shares that
    leave nothing to train on.
    """
    plan = merged(SplitPlan, plan, settings)
    options = options or DatasetOptions()
    loaded = load_dataset(dataset, options, progress)
    if len(loaded.splits) > 1:
        raise InputError(
            f"{loaded.source}: is split already: {', '.join(loaded.splits)}",
            hint=f"name the file to split: tokkit split {loaded.files[0]} -o {out}",
        )
    source = next(iter(loaded.splits.values()))
    assigned = assign(loaded, source.name, plan)
    with files.folder(Path(out), force=force, inputs=loaded.files) as staging:
        suffix = tables.full_suffix(source.files[0]) or ".csv"
        for name, rows in assigned.items():
            save.write(source.frame[rows], staging / f"{name}{suffix}", source.format)
        result = SplitResult(
            splits={name: len(rows) for name, rows in assigned.items()},
            classes={name: _class_counts(loaded, source.name, rows) for name, rows in assigned.items()},
            output=str(out),
        )
        files.write_receipt(
            staging,
            command="split",
            settings={**asdict(plan), **asdict(options)},
            inputs=source.files,
            packages=("polars", "numpy"),
            result={"splits": result.splits, "classes": result.classes},
            run={"output": str(out)},
        )
    return result


def assign(dataset: Dataset, split_name: str, plan: SplitPlan) -> dict[str, list[int]]:
    """Row numbers, ascending, for train, validation and test; a split of size 0 is left out.

    Per class, its distinct texts are drawn in a seeded order until the share of its rows is reached; a
    class of two texts or more keeps one in train. A text with two labels counts for its first one.
    """
    import numpy as np

    frame = dataset.split(split_name).frame
    shares = _shares(plan, frame.height)
    groups = _groups(dataset, split_name)
    rng = np.random.default_rng(plan.seed)
    chosen: dict[str, list[int]] = {name: [] for name in SPLITS}
    for label in sorted(groups, key=lambda label: (label is not None, label or "")):
        _draw(list(groups[label].values()), shares, rng, chosen)
    wanted = [name for name in SPLITS if name == TRAIN or shares[name] > 0]
    for name in wanted:
        if not chosen[name]:
            raise InputError(
                f"{dataset.source}: too small to split: no row is left for {name}",
                hint="take a larger share: --validation 0.3, or 0 for none",
            )
    return {name: sorted(chosen[name]) for name in wanted}


def _groups(dataset: Dataset, split_name: str) -> dict[str | None, dict[Any, list[int]]]:
    """label -> text -> rows: all copies of a text under the first label it stands with."""
    texts = dataset.texts(split_name).to_list()
    labels = dataset.labels(split_name).to_list() if dataset.label_column else [None] * len(texts)
    first_label: dict[Any, str | None] = {}
    groups: dict[str | None, dict[Any, list[int]]] = {}
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        key = text if text is not None else ("missing", row)
        first = first_label.setdefault(key, label)
        groups.setdefault(first, {}).setdefault(key, []).append(row)
    return groups


def _draw(
    copies: Sequence[list[int]],
    shares: Mapping[str, float],
    rng: np.random.Generator,
    chosen: dict[str, list[int]],
) -> None:
    """Shares out the texts of one class; ``copies`` holds the rows of each."""
    rows = sum(map(len, copies))
    order = iter(rng.permutation(len(copies)))
    left = len(copies)
    for name in (VALIDATION, TEST):
        target = round(rows * shares[name])
        if shares[name] > 0 and target == 0 and left > len(SPLITS):
            target = 1
        taken = 0
        while taken < target and left > 1:
            drawn = copies[next(order)]
            left -= 1
            taken += len(drawn)
            chosen[name] += drawn
    for number in order:
        chosen[TRAIN] += copies[number]


def _shares(plan: SplitPlan, rows: int) -> dict[str, float]:
    """Shares of all rows; a plan of 1 or more is a number of rows."""
    shares = {
        name: value if value < 1 else value / rows
        for name, value in ((VALIDATION, plan.validation), (TEST, plan.test))
    }
    if sum(shares.values()) >= 1:
        raise UsageError(
            f"--validation {plan.validation:g} and --test {plan.test:g} "
            f"leave none of the {rows} rows to train on"
        )
    return {**shares, TRAIN: 1 - sum(shares.values())}


def _class_counts(dataset: Dataset, split_name: str, rows: Sequence[int]) -> dict[str, int]:
    if dataset.label_column is None:
        return {}
    labels = [label for label in dataset.labels(split_name)[rows].to_list() if label is not None]
    return {label: labels.count(label) for label in sort_labels(labels)}
