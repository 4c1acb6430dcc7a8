"""The rows models are evaluated on, and whether a model has seen them before."""

from __future__ import annotations

import shlex

from tokkit import files
from tokkit.data.dataset import TEST, TRAIN, VALIDATION, Dataset, Rows, Split
from tokkit.errors import InputError
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.options.evaluate_options import EvaluateOptions
from tokkit.progress import Progress


def choose_split(dataset: Dataset, asked: str | None, progress: Progress) -> str:
    """The split asked for, else the test split, else the validation split, else the first; it is said."""
    dataset.require_labels()
    chosen = asked or next((name for name in (TEST, VALIDATION) if name in dataset.splits), None)
    chosen = chosen or next(iter(dataset.splits))
    if asked is None and len(dataset.splits) > 1:
        progress.say(f"{dataset.source}: the {chosen} split is evaluated (--split)")
    return chosen


def rows_of(dataset: Dataset, split: str, progress: Progress) -> Rows:
    """The rows that have all they need; raises `InputError` where there are none."""
    rows = dataset.complete(split)
    for reason, n in rows.left_out.items():
        progress.say(f"{n} rows left out: {reason}")
    if not rows.texts:
        raise InputError(f"{dataset.source}: no row of {split} has both text and label")
    return rows


def say_seen(name: str, rows: Rows, split: Split, spec: EvaluateOptions, progress: Progress) -> None:
    """Says where the model was trained on these rows, or its temperature or thresholds fitted on some."""
    model = ModelReceipt.read(name)
    if split.name == TRAIN and model.inputs & {files.sha256_of(path) for path in split.files}:
        progress.say(f"{name} was trained on these rows, so that its scores flatter it")
        if spec.label_issues:
            folds = f"tokkit evaluate {shlex.quote(name)} --label-issues, without the rows"
            trained = "tokkit finetune --folds 5 -o folds/, then tokkit evaluate folds/ --label-issues"
            progress.say(
                "a model agrees with wrong labels that it has learned; better: "
                + (folds if model.folds else trained)
            )
    asked = {"temperature": spec.calibrated, "thresholds": spec.tuned_thresholds}
    fitted = " and ".join(what for what, wanted in asked.items() if wanted)
    held_out = model.held_out_texts() if fitted else frozenset()
    same = sum(text in held_out for text in rows.texts)
    if same:
        progress.say(
            f"{same:,} of the {len(rows.texts):,} rows are among those that the {fitted} of {name} "
            "were fitted on, which flatters the scores"
        )
