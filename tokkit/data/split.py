"""Splitting a data set so that every class is in every split and no text is in two of them."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data import save
from tokkit.data.dataset import SPLITS, TEST, TRAIN, VALIDATION, Dataset, sort_labels
from tokkit.data.load import DatasetOptions, load_dataset
from tokkit.errors import InputError, UsageError
from tokkit.options import LARGEST_SEED, Options, merged_pair, option
from tokkit.progress import SILENT, Progress

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SplitPlan(Options):
    """How much goes where: a share below 1, or a number of rows."""

    validation: float = option(
        0.1, "share of the rows, or their number from 1 on", minimum=0, metavar="SHARE|N"
    )
    test: float = option(0.1, "share of the rows, or their number from 1 on", minimum=0, metavar="SHARE|N")
    seed: int = option(42, "seed of the drawing", minimum=0, maximum=LARGEST_SEED)


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
    plan, options = merged_pair(SplitPlan, plan, DatasetOptions, options, settings)
    files.check_output(Path(out), force=force, kind="folder")
    loaded = load_dataset(dataset, options, progress)
    if len(loaded.splits) > 1:
        raise InputError(
            f"{loaded.source}: is split already: {', '.join(loaded.splits)}",
            hint=f"name the file to split: tokkit split {shlex.quote(str(loaded.files[0]))} -o OUT",
        )
    source = next(iter(loaded.splits.values()))
    assigned = assign(loaded, source.name, plan)
    with files.folder(Path(out), force=force, inputs=loaded.files) as staging:
        suffix = save.suffix_for(source.files[0], source.format)
        for name, rows in assigned.items():
            save.write(source.original[rows], staging / f"{name}{suffix}", source.format)
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

    Each class gives its share, rounded so that the splits have the rows asked for (fewer only where copies
    of a text do not fit, or a class would be left without a text in train). Its distinct texts are drawn
    in a seeded order. A text with two labels counts for its first one.
    """
    import numpy as np

    frame = dataset.split(split_name).frame
    wanted = _rows_wanted(plan, frame.height)
    groups = _groups(dataset, split_name)
    rng = np.random.default_rng(plan.seed)
    classes = [groups[label] for label in sorted(groups, key=lambda label: (label is not None, label or ""))]
    quotas: dict[str, list[int]] = {}
    free = [len(texts) - 1 for texts in classes]
    rows = [sum(map(len, texts.values())) for texts in classes]
    for name, spare in ((VALIDATION, 3), (TEST, 2)):
        quotas[name] = _apportion(rows, free, wanted[name], spare)
        free = [most - quota for most, quota in zip(free, quotas[name], strict=True)]
    chosen: dict[str, list[int]] = {name: [] for name in SPLITS}
    for number, texts in enumerate(classes):
        mine = {name: quota[number] for name, quota in quotas.items()}
        _draw(list(texts.values()), mine, rng, chosen)
    names = [name for name in SPLITS if name == TRAIN or wanted[name] > 0]
    for name in names:
        if not chosen[name]:
            raise InputError(
                f"{dataset.source}: too small to split: no row is left for {name}",
                hint="take a larger share: --validation 0.3, or 0 for none",
            )
    return {name: sorted(chosen[name]) for name in names}


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


def _apportion(rows: Sequence[int], free: Sequence[int], wanted: int, spare: int) -> list[int]:
    """Rows that each class gives of ``wanted`` in all: its share, rounded by the largest remainders.

    rows   rows of each class
    free   most rows it can give, so that a text of it stays in train

    A class too small to give a row, but with ``spare`` texts to give, gives one in place of one of the class
    that gives most: four texts or more are in all three splits.
    """
    exact = [wanted * n / sum(rows) for n in rows]
    quotas = [min(int(share), most) for share, most in zip(exact, free, strict=True)]
    while sum(quotas) < wanted:
        open_classes = [i for i in range(len(rows)) if quotas[i] < free[i]]
        if not open_classes:
            break
        open_classes.sort(key=lambda i: quotas[i] - exact[i])
        for i in open_classes[: wanted - sum(quotas)]:
            quotas[i] += 1
    for i, most in enumerate(free):
        largest = max(range(len(quotas)), key=lambda i: quotas[i])
        if wanted and quotas[i] == 0 and most >= spare and quotas[largest] > 1:
            quotas[i], quotas[largest] = 1, quotas[largest] - 1
    return quotas


def _draw(
    copies: Sequence[list[int]],
    quotas: Mapping[str, int],
    rng: np.random.Generator,
    chosen: dict[str, list[int]],
) -> None:
    """Shares out the texts of one class in a random order; ``copies`` holds the rows of each.

    A text with more copies than a split still has room for goes to the next one.
    """
    left = [copies[number] for number in rng.permutation(len(copies))]
    for name, room in quotas.items():
        passed: list[list[int]] = []
        for position, rows in enumerate(left, 1):
            if len(rows) <= room and (passed or position < len(left)):
                chosen[name] += rows
                room -= len(rows)
            else:
                passed.append(rows)
        left = passed
    for rows in left:
        chosen[TRAIN] += rows


def _rows_wanted(plan: SplitPlan, rows: int) -> dict[str, int]:
    """Rows of validation and test; a share that is not 0 gives one row at least."""
    wanted = {}
    for name, value in ((VALIDATION, plan.validation), (TEST, plan.test)):
        if not math.isfinite(value) or (value > 1 and value != int(value)):
            raise UsageError(f"--{name} {value:g}: neither a share below 1 nor a whole number of rows")
        wanted[name] = int(value) if value >= 1 else max(round(value * rows), 1 if value else 0)
    if sum(wanted.values()) >= rows:
        raise UsageError(
            f"--validation {plan.validation:g} and --test {plan.test:g} "
            f"leave none of the {rows} rows to train on",
            hint="take less: --validation 0.1 --test 0.1",
        )
    return wanted


def _class_counts(dataset: Dataset, split_name: str, rows: Sequence[int]) -> dict[str, int]:
    if dataset.label_column is None:
        return {}
    counts = Counter(dataset.labels(split_name)[rows].drop_nulls().to_list())
    return {label: counts[label] for label in sort_labels(counts)}
