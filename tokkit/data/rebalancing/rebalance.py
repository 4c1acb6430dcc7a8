"""Rebalancing a training split: only that one, only after splitting, and without what leaks.

Resampled first and split then, copies of one row land on both sides and every score is a lie.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.dataset import SPLITS, TRAIN, Dataset
from tokkit.data.loading.load import DatasetOptions, read_dataset
from tokkit.data.rebalancing import samplers
from tokkit.data.rebalancing.balance import class_counts
from tokkit.data.rebalancing.drawing import drawn_rows
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.rebalancing.siblings import Siblings, leaking_rows, siblings_of
from tokkit.data.rebalancing.weights import SIDECAR, class_weights
from tokkit.errors import InputError, UsageError
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress


@dataclass(frozen=True)
class RebalanceResult:
    """Rows per label before and after, all rows written, weights per label, rows left out by reason.

    before        of all training rows with a label
    strategy      the one used; None where only targets, cap, floor, ratio or temper say what is drawn
    compared_by   what rows were compared by, where the strategy does: TF-IDF, or the file of vectors
    output        None where nothing was written
    """

    before: dict[str, int]
    after: dict[str, int]
    rows: int
    weights: dict[str, float]
    left_out: dict[str, int]
    strategy: str | None
    compared_by: str | None
    dry_run: bool
    output: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def rebalance(
    dataset: str | Path,
    out: str | Path | None = None,
    plan: RebalanceOptions | None = None,
    *,
    options: DatasetOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> RebalanceResult:
    """Writes the training split rebalanced, shuffled, with its class weights beside it.

    A file gives a file, with ``OUT.weights.json`` and ``OUT.tokkit.json``; a folder gives a folder whose
    other splits are those of the source, with ``weights.json`` in it. Rows without text or label are left
    out and counted. Every row written is a row of the source. A dry run does all of it but write.

    Raises `InputError` for a file that is a validation or test split, one class only, labels that do not
    exist, more rows than a sampler can compare, and a sampler that leaves nothing of a class; `UsageError`
    for targets that contradict the strategy.
    """
    plan, options = apply_to_both(RebalanceOptions, plan, DatasetOptions, options, settings)
    if plan.dry_run:
        out = None
    elif out is None:
        raise UsageError("nowhere to write to", hint="name it: -o OUT, or look first: --dry-run")
    else:
        plan.check_name(Path(out))
        files.check_output(Path(out), force=force)
    loaded = read_dataset(dataset, options, progress)
    if TRAIN not in loaded.splits:
        raise InputError(
            f"{loaded.source}: is a {next(iter(loaded.splits))} split; "
            "resampling it would falsify every score",
            hint="rebalance the training split only",
        )
    siblings = siblings_of(loaded, options, progress)
    positions, left_out = _usable_rows(loaded, siblings, plan, progress)
    drawn, compared_by = drawn_rows(loaded, positions, plan, progress)
    after = class_counts(loaded.labels(TRAIN)[drawn].to_list())
    result = RebalanceResult(
        before=class_counts(loaded.labels(TRAIN).drop_nulls().to_list()),
        after=after,
        rows=len(drawn),
        weights=class_weights(after, plan.weights, plan.beta),
        left_out=left_out,
        strategy=plan.strategy if plan.strategy or plan.draws else samplers.OVERSAMPLE,
        compared_by=compared_by,
        dry_run=plan.dry_run,
        output=None if out is None else str(out),
    )
    if out is not None:
        read = [*loaded.files, *(file for _, sibling in siblings for file in sibling.files)]
        if plan.vectors is not None:
            read.append(Path(plan.vectors))
        _publish(loaded, drawn, Path(out), result, plan, options, force, read)
    return result


def _usable_rows(
    loaded: Dataset, siblings: Siblings, plan: RebalanceOptions, progress: Progress
) -> tuple[list[int], dict[str, int]]:
    """Rows of the training split that are complete and, as the plan says, leak into no sibling."""
    rows = loaded.complete(TRAIN)
    left_out = dict(rows.left_out)
    leaking = leaking_rows(loaded, siblings) & set(rows.positions)
    others = " or ".join(dict.fromkeys(name for name, _ in siblings))
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
    drawn: Sequence[int],
    out: Path,
    result: RebalanceResult,
    plan: RebalanceOptions,
    options: DatasetOptions,
    force: bool,
    read: Sequence[Path],
) -> None:
    receipt: dict[str, Any] = {
        "command": "rebalance",
        "settings": {
            **asdict(plan),
            **asdict(options),
            "vectors": None if plan.vectors is None else Path(plan.vectors).name,
        },
        "inputs": list(dict.fromkeys(read)),
        "packages": ("imbalanced-learn", "numpy", "polars", "scikit-learn"),
        "result": {name: value for name, value in result.as_dict().items() if name != "output"},
        "run": {"output": str(out)},
    }
    weights = json.dumps(result.weights, ensure_ascii=False, indent=2) + "\n"
    train = loaded.splits[TRAIN]
    frame = train.original[list(drawn)]
    if plan.is_file(loaded):
        with files.files(out, f".{SIDECAR}", ".tokkit.json", force=force, inputs=read) as staging:
            plan.write_file(frame, staging / out.name, train)
            (staging / f"{out.name}.{SIDECAR}").write_text(weights, encoding="utf-8")
            files.write_receipt(staging / out.name, **receipt)
        return
    with files.folder(out, force=force, inputs=read) as staging:
        splits = {name: loaded.splits[name].original for name in SPLITS if name in loaded.splits}
        plan.write_splits({**splits, TRAIN: frame}, staging, loaded)
        (staging / SIDECAR).write_text(weights, encoding="utf-8")
        files.write_receipt(staging, **receipt)
