"""Rebalancing a training split: only that one, only after splitting, and without what leaks.

Resampled first and split then, copies of one row land on both sides and every score is a lie.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data import duplicates, save
from tokkit.data.balance import BalancePlan, balanced_weights, class_counts, class_targets, resample
from tokkit.data.dataset import SPLITS, TRAIN, Dataset, Split, split_named
from tokkit.data.load import DatasetOptions, load_dataset
from tokkit.errors import InputError
from tokkit.options import merged_pair
from tokkit.progress import SILENT, Progress
from tokkit.sources import paths


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
    plan, options = merged_pair(BalancePlan, plan, DatasetOptions, options, settings)
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
    labels = loaded.labels(TRAIN)[positions].to_list()
    targets = class_targets(labels, plan)
    drawn = [positions[i] for i in resample(labels, targets, plan.seed)]
    after = class_counts(loaded.labels(TRAIN)[drawn].to_list())
    result = RebalanceResult(
        before=class_counts(loaded.labels(TRAIN).drop_nulls().to_list()),
        after=after,
        rows=len(drawn),
        weights=balanced_weights(after),
        left_out=left_out,
        output=str(out),
    )
    _publish(loaded, train.original[drawn], Path(out), result, plan, options, force, read)
    return result


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
        "inputs": list(dict.fromkeys(read)),
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
