"""Over- and under-sampling a training split to the class counts one wants, and class weights.

The samplers of imbalanced-learn draw row numbers, then rows are selected: texts are copied or left
out, never made up. Only a training split is touched, after splitting: resampled first, copies of one
row land on both sides and every score is a lie.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data import duplicates, save
from tokkit.data.dataset import (
    SPLITS,
    TRAIN,
    Dataset,
    DatasetOptions,
    Split,
    load_dataset,
    sort_labels,
    split_named,
)
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.options import Options, merged, option
from tokkit.progress import SILENT, Progress
from tokkit.sources import paths

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OVERSAMPLE, UNDERSAMPLE, WEIGHTS = "oversample", "undersample", "weights"


@dataclass(frozen=True)
class BalancePlan(Options):
    """What every class shall count afterwards."""

    strategy: str | None = option(
        None,
        "raise all classes to the largest, cut all to the smallest, or leave the rows and only weigh classes",
        choices=(OVERSAMPLE, UNDERSAMPLE, WEIGHTS),
        shown_default="oversample, unless targets, a cap or a floor are given",
    )
    target: tuple[str, ...] = option((), "rows of one class; repeatable", metavar="LABEL=N")
    max_per_class: int | None = option(None, "cut larger classes to N rows", minimum=1, metavar="N")
    min_per_class: int | None = option(None, "raise smaller classes to N rows", minimum=1, metavar="N")
    leaks: str = option(
        "drop", "training rows whose text stands in another split", choices=("drop", "refuse", "keep")
    )
    seed: int = option(42, "seed of sampling and shuffling", minimum=0)


@dataclass(frozen=True)
class RebalanceResult:
    """Rows per label before and after, all rows written, weights per label, rows left out by reason."""

    before: dict[str, int]
    after: dict[str, int]
    rows: int
    weights: dict[str, float]
    left_out: dict[str, int]
    output: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def rebalance(
    dataset: str | Path,
    out: str | Path,
    plan: BalancePlan | None = None,
    *,
    options: DatasetOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> RebalanceResult:
    """Writes the training split rebalanced, shuffled, with its class weights beside it.

    A file gives a file, with ``OUT.weights.json`` and ``OUT.tokkit.json``; a folder gives a folder whose
    other splits are those of the source, with ``weights.json`` in it. Rows without text or label are left
    out and counted.

    Raises `InputError` for a file that is a validation or test split, one class only, labels that do not
    exist; `UsageError` for targets that contradict the strategy.
    """
    plan = merged(BalancePlan, plan, settings)
    options = options or DatasetOptions()
    files.check_output(Path(out), force=force)
    loaded = load_dataset(dataset, options, progress)
    if TRAIN not in loaded.splits:
        raise InputError(
            f"{loaded.source}: is a {next(iter(loaded.splits))} split; "
            "resampling it would falsify every score",
            hint="rebalance the training split only",
        )
    siblings = _siblings(loaded, options, progress)
    positions, left_out = _usable_rows(loaded, siblings, plan, progress)
    read = [*loaded.files, *(file for _, sibling in siblings for file in sibling.files)]
    train = loaded.splits[TRAIN]
    labels = [str(label) for label in loaded.labels(TRAIN)[positions].to_list()]
    targets = class_targets(labels, plan)
    drawn = [positions[i] for i in resample(labels, targets, plan.seed)]
    after = _counts([str(label) for label in loaded.labels(TRAIN)[drawn].to_list()])
    result = RebalanceResult(
        before=_counts(label for label in loaded.labels(TRAIN).to_list() if label is not None),
        after=after,
        rows=len(drawn),
        weights=balanced_weights(after),
        left_out=left_out,
        output=str(out),
    )
    _publish(loaded, train.original[drawn], Path(out), result, plan, options, force, read)
    return result


def class_targets(labels: Sequence[str], plan: BalancePlan) -> dict[str, int]:
    """Rows every class shall have: the strategy's, then cap and floor, then the targets named.

    >>> class_targets(["a", "a", "a", "b"], BalancePlan(strategy="oversample", max_per_class=2))
    {'a': 2, 'b': 2}
    """
    counts = _counts(labels)
    if len(counts) < 2:
        only = next(iter(counts), "none")
        raise InputError(
            f'one class only ("{only}"): there is nothing to balance',
            hint="look at the labels: tokkit stats, or name another --label-column",
        )
    named = _named_targets(plan.target, counts)
    strategy = plan.strategy
    if strategy == WEIGHTS and (named or plan.max_per_class or plan.min_per_class):
        raise UsageError(
            "--strategy weights leaves the rows as they are: no target, cap or floor goes with it",
            hint="leave --strategy out to draw rows to the targets",
        )
    if strategy is None and not (named or plan.max_per_class or plan.min_per_class):
        strategy = OVERSAMPLE
    goal = {OVERSAMPLE: max(counts.values()), UNDERSAMPLE: min(counts.values())}.get(strategy or "")
    goals = {} if named else {label: goal for label in counts if goal is not None}
    cap, floor = (
        plan.max_per_class or max(max(counts.values()), plan.min_per_class or 0),
        plan.min_per_class or 0,
    )
    if floor > cap:
        raise UsageError(
            f"--min-per-class {floor} is above --max-per-class {cap}", hint="take a floor below the cap"
        )
    targets = {label: min(max(goals.get(label, n), floor), cap) for label, n in counts.items()} | named
    for label, wanted in named.items():
        _check_direction(label, counts[label], wanted, strategy)
    return targets


def resample(labels: Sequence[str], targets: Mapping[str, int], seed: int) -> list[int]:
    """Row numbers that hold every class as often as its target, shuffled.

    Under-sampled without, over-sampled with repetition (every row first once) by imbalanced-learn's
    random samplers, on the row numbers.
    """
    import numpy as np
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    names = sort_labels(labels)
    number = {label: i for i, label in enumerate(names)}
    classes = np.array([number[label] for label in labels])
    rows = np.arange(len(labels)).reshape(-1, 1)
    counts = np.bincount(classes)
    fewer = {i: targets[name] for i, name in enumerate(names) if targets[name] < counts[i]}
    more = {i: targets[name] for i, name in enumerate(names) if targets[name] > counts[i]}
    if fewer:
        rows, classes = RandomUnderSampler(sampling_strategy=fewer, random_state=seed).fit_resample(
            rows, classes
        )
    if more:
        rows, classes = RandomOverSampler(sampling_strategy=more, random_state=seed).fit_resample(
            rows, classes
        )
    drawn: NDArray[np.int64] = rows.ravel()
    if fewer or more:
        np.random.default_rng(seed).shuffle(drawn)
    return [int(row) for row in drawn]


def balanced_weights(counts: Mapping[str, int]) -> dict[str, float]:
    """Weight of every class, rows / (classes x rows of the class), as scikit-learn's ``balanced``."""
    rows = sum(counts.values())
    return {label: round(rows / (len(counts) * n), 6) for label, n in counts.items()}


def _siblings(loaded: Dataset, options: DatasetOptions, progress: Progress) -> list[tuple[str, Dataset]]:
    """The validation and test splits: of the folder, or the files beside a training file that differ from
    it in the split they name, and in numbers."""
    if len(loaded.splits) > 1:
        return [(name, loaded) for name in loaded.splits if name != TRAIN]
    file = loaded.files[0]
    if loaded.source == paths.STANDARD_INPUT or split_named(file) != TRAIN:
        return []
    beside = [
        other
        for other in sorted(file.parent.iterdir())
        if other.is_file() and split_named(other) not in (None, TRAIN) and _bare(other) == _bare(file)
    ]
    if beside:
        progress.say(f"{file}: looking for its texts in {', '.join(other.name for other in beside)} too")
    return [(split_named(other) or "", load_dataset(other, options)) for other in beside]


def _bare(path: Path) -> list[str]:
    """The words of a file's name but the split: ``nsmc_train.tsv`` and ``nsmc_valid.tsv`` have the same."""
    words = re.split(r"[^a-z]+", path.name.casefold())
    return [word for word in words if split_named(word) is None]


def _usable_rows(
    loaded: Dataset, siblings: Sequence[tuple[str, Dataset]], plan: BalancePlan, progress: Progress
) -> tuple[list[int], dict[str, int]]:
    """Rows of the training split that are complete and, as the plan says, leak into no sibling."""
    rows = loaded.complete(TRAIN)
    left_out = dict(rows.left_out)
    texts = loaded.texts(TRAIN)
    leaking: set[int] = set()
    others = " or ".join(dict.fromkeys(name for name, _ in siblings))
    for name, sibling in siblings:
        shared = duplicates.leaked(sibling.texts(name), texts)
        leaking |= set(shared.arg_true().to_list()) & set(rows.positions)
    if leaking and plan.leaks == "refuse":
        raise InputError(
            f"{loaded.source}: {len(leaking)} training rows hold a text that stands in {others} too",
            hint="--leaks drop leaves them out of train",
        )
    if leaking and plan.leaks == "keep":
        progress.say(f"{len(leaking)} training rows hold a text of {others}; kept, as asked")
    if leaking and plan.leaks == "drop":
        left_out["in another split"] = len(leaking)
        progress.say(f"{len(leaking)} training rows left out: their text stands in {others} too")
    for reason, n in rows.left_out.items():
        progress.say(f"{n} rows left out: {reason}")
    dropped = leaking if plan.leaks == "drop" else set()
    return [row for row in rows.positions if row not in dropped], left_out


def _named_targets(texts: Sequence[str], counts: Mapping[str, int]) -> dict[str, int]:
    targets: dict[str, int] = {}
    for text in texts:
        label, equals, number = text.rpartition("=")
        if not equals or not number.isdecimal() or int(number) < 1:
            example = f"--target {next(iter(counts))}=500"
            raise UsageError(f'--target: write LABEL=ROWS, not "{text}"', hint=example)
        if targets.get(label, int(number)) != int(number):
            raise UsageError(f'--target: two numbers for "{label}", {targets[label]} and {number}')
        if label not in counts:
            raise UsageError(
                f'--target: no class "{label}"{did_you_mean(label, counts)}; there are: {", ".join(counts)}'
            )
        targets[label] = int(number)
    return targets


def _check_direction(label: str, has: int, wanted: int, strategy: str | None) -> None:
    if strategy == OVERSAMPLE and wanted < has:
        raise UsageError(
            f"--target {label}={wanted}: the class has {has} rows, and oversampling only adds",
            hint="leave --strategy out to go both ways",
        )
    if strategy == UNDERSAMPLE and wanted > has:
        raise UsageError(
            f"--target {label}={wanted}: the class has {has} rows, and undersampling only removes",
            hint="leave --strategy out to go both ways",
        )


def _publish(
    loaded: Dataset,
    frame: Any,
    out: Path,
    result: RebalanceResult,
    plan: BalancePlan,
    options: DatasetOptions,
    force: bool,
    read: Sequence[Path],
) -> None:
    receipt: dict[str, Any] = {
        "command": "rebalance",
        "settings": {**asdict(plan), **asdict(options)},
        "inputs": loaded.files,
        "packages": ("imbalanced-learn", "numpy", "polars"),
        "result": {name: value for name, value in result.as_dict().items() if name != "output"},
        "run": {"output": str(out)},
    }
    weights = json.dumps(result.weights, ensure_ascii=False, indent=2) + "\n"
    train = loaded.splits[TRAIN]
    if len(loaded.splits) == 1 and not Path(loaded.source).is_dir():
        with files.files(out, ".weights.json", ".tokkit.json", force=force, inputs=read) as staging:
            save.write(frame, staging / out.name, save.format_for(out, train.format))
            (staging / f"{out.name}.weights.json").write_text(weights, encoding="utf-8")
            files.write_receipt(staging / out.name, **receipt)
        return
    with files.folder(out, force=force, inputs=read) as staging:
        for name in SPLITS:
            if name in loaded.splits:
                split: Split = loaded.splits[name]
                rows = frame if name == TRAIN else split.original
                ending = save.suffix_for(split.files[0], split.format)
                save.write(rows, staging / f"{name}{ending}", split.format)
        (staging / "weights.json").write_text(weights, encoding="utf-8")
        files.write_receipt(staging, **receipt)


def _counts(labels: Iterable[str]) -> dict[str, int]:
    counts = Counter(labels)
    return {label: counts[label] for label in sort_labels(counts)}
