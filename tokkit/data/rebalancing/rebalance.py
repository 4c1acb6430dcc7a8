"""Rebalancing a training split: only that one, only after splitting, and without what leaks.

Where rows are resampled before they are split, copies of one row are in several splits and no score is true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit.data import output
from tokkit.data.dataset import ONE, SEVERAL, SPLITS, TRAIN, Dataset, class_counts, split_named
from tokkit.data.duplicates import text_keys
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.rebalancing import samplers
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.rebalancing.row_selection import select_rows
from tokkit.data.rebalancing.weights import SIDECAR, class_weights
from tokkit.errors import InputError, counted
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.sources import paths

# Split name, and the data set that has it.
SiblingSplits = Sequence[tuple[str, Dataset]]


@dataclass(frozen=True)
class RebalanceResult:
    """Rows per label before and after, all rows written, weights per label, rows left out by reason.

    before        of all training rows with a label
    strategy      the one used; None if only targets, cap, floor, ratio or temper decide
    compared_by   what a sampler compared rows by: TF-IDF, or the file of vectors
    output        None if nothing was written
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
    options: RebalanceOptions | None = None,
    *,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> RebalanceResult:
    """Writes the training split rebalanced and shuffled, with its class weights.

    A file gives a file, with ``OUT.weights.json`` and ``OUT.tokkit.json``; a folder gives a folder whose
    other splits are those of the source, with ``weights.json`` in it. Rows without text or label are left
    out and counted. Every row written is a row of the source. A dry run does everything but write.

    Raises `InputError` for a file that is a validation or test split, rows with several labels, one class
    only, labels that do not exist, more rows than a sampler can compare, and a sampler that leaves nothing of
    a class; `UsageError` for targets that contradict the strategy.
    """
    options, read_options = apply_to_both(RebalanceOptions, options, DatasetOptions, read_options, settings)
    output.check_output(out, options, force=force, dry_run=options.dry_run, source=dataset)
    out = None if options.dry_run else out
    loaded = read_dataset(dataset, read_options, progress)
    if TRAIN not in loaded.splits:
        raise InputError(
            f"{loaded.source}: is a {next(iter(loaded.splits))} split; "
            "resampling it would falsify every score",
            hint="rebalance the training split only",
        )
    if loaded.label_kind != ONE:
        what = "several labels" if loaded.label_kind == SEVERAL else "a tag for each token"
        raise InputError(
            f"{loaded.source}: its rows have {what}: repeating or dropping a row for one class changes the "
            "others too, so that no number of rows meets a target",
            hint="weigh the classes instead when fine-tuning (--class-weights)",
        )
    siblings = _sibling_splits(loaded, read_options, progress)
    positions, left_out = _usable_rows(loaded, siblings, options, progress)
    rows, compared_by = select_rows(loaded, positions, options, progress)
    after = class_counts(loaded.labels(TRAIN)[rows].to_list())
    result = RebalanceResult(
        before=class_counts(loaded.labels(TRAIN).drop_nulls().to_list()),
        after=after,
        rows=len(rows),
        weights=class_weights(after, options.weights, options.beta),
        left_out=left_out,
        strategy=options.strategy if options.strategy or options.sets_rows else samplers.OVERSAMPLE,
        compared_by=compared_by,
        dry_run=options.dry_run,
        output=None if out is None else str(out),
    )
    if out is not None:
        vectors = [Path(options.vectors)] if options.vectors is not None else []
        siblings_files = [file for _, sibling in siblings for file in sibling.files]
        weights = json.dumps(result.weights, ensure_ascii=False, indent=2) + "\n"
        others = {name: loaded.splits[name].original for name in SPLITS if name in loaded.splits}
        output.publish(
            {**others, TRAIN: loaded.splits[TRAIN].original[rows]},
            Path(out),
            loaded,
            options,
            command="rebalance",
            sources={"dataset": dataset, "vectors": options.vectors},
            read_options=read_options,
            result=result.as_dict(),
            packages=("imbalanced-learn", "numpy", "polars", "scikit-learn"),
            settings={"vectors": vectors[0].name if vectors else None},
            other_inputs=[*siblings_files, *vectors],
            force=force,
            progress=progress,
            sidecars={SIDECAR: lambda path: path.write_text(weights, encoding="utf-8")},
        )
    return result


def _usable_rows(
    loaded: Dataset, siblings: SiblingSplits, options: RebalanceOptions, progress: Progress
) -> tuple[list[int], dict[str, int]]:
    """Rows of the training split that are complete and, as the options say, leak into no sibling."""
    rows = loaded.complete(TRAIN)
    left_out = dict(rows.left_out)
    leaking = _leaking_rows(loaded, siblings) & set(rows.positions)
    others = " or ".join(dict.fromkeys(name for name, _ in siblings))
    have = counted(len(leaking), "training row", "have")
    if leaking and options.leaks == "refuse":
        raise InputError(
            f"{loaded.source}: {have} a text that is in {others} too",
            hint="leave them out of train:\n--leaks drop",
        )
    if leaking and options.leaks == "keep":
        progress.say(f"{have} a text of {others}; kept, as requested")
        leaking = set()
    elif leaking:
        left_out["in another split"] = len(leaking)
        progress.say(f"skipped {counted(len(leaking), 'training row')}: text in {others} too")
    for reason, n in rows.left_out.items():
        progress.say(f"skipped {counted(n, 'row')}: {reason}")
    return [row for row in rows.positions if row not in leaking], left_out


def _sibling_splits(dataset: Dataset, read_options: DatasetOptions, progress: Progress) -> SiblingSplits:
    """The validation and test splits of the folder, or the files next to a training file that differ from it
    only in the split they name, and in numbers."""
    if len(dataset.splits) > 1:
        return [(name, dataset) for name in dataset.splits if name != TRAIN]
    file = dataset.files[0]
    if dataset.source == paths.STANDARD_INPUT or split_named(file) != TRAIN:
        return []
    # only files named as this one: train.csv next to reviews_test.csv is another data set
    named = [other for other in sorted(file.parent.iterdir()) if split_named(other) not in (None, TRAIN)]
    others = [other for other in named if other.is_file() and _other_words(other) == _other_words(file)]
    if others:
        progress.say(f"{file}: searching its texts in {', '.join(other.name for other in others)} too")
    return [(split_named(other) or "", read_dataset(other, read_options)) for other in others]


def _leaking_rows(dataset: Dataset, siblings: SiblingSplits) -> set[int]:
    """The training rows, by number from 0, whose text is in a sibling split."""
    contents = dataset.contents(TRAIN)
    rows: set[int] = set()
    for name, sibling in siblings:
        rows |= set(text_keys.leaked(sibling.contents(name), contents).arg_true().to_list())
    return rows


def _other_words(path: Path) -> list[str]:
    """The words of a file's name but the split: ``nsmc_train.tsv`` and ``nsmc_valid.tsv`` have the same."""
    words = re.split(r"[^a-z]+", path.name.casefold())
    return [word for word in words if split_named(word) is None]
