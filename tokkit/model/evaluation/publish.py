"""What `evaluate -o` writes: scores, tables and pictures of every model, and the receipt.

metrics.json               everything that is reported
predictions.parquet        one row per text, in the order of the data set
classification_report.csv  precision, recall, F1 and rows of each class
label_issues.csv           rows whose label is likely wrong, where requested
confusion.png, reliability.png
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tokkit import files
from tokkit.model.evaluation.analysis import EvaluateResult, Evaluation
from tokkit.model.folder.predictions import write_json
from tokkit.progress import Progress
from tokkit.views import fonts
from tokkit.views.confusion_plot import confusion_matrix
from tokkit.views.reliability_plot import reliability

_PACKAGES = ("numpy", "polars", "scikit-learn", "scipy", "tokenizers", "torch", "transformers")


def publish(
    out: Path,
    result: EvaluateResult,
    inputs: Sequence[Path],
    settings: Mapping[str, Any],
    *,
    sources: Mapping[str, Any],
    threads: int | None,
    force: bool,
    progress: Progress,
) -> None:
    """Write the folder ``out``: the files of one model, or a folder per model and `comparison.json`."""
    # Results name a model by its folder here, never by a path of this machine: two runs give the same bytes.
    folders = {name: f"model-{number}" for number, name in enumerate(result.evaluations, 1)}
    several = len(folders) > 1
    with files.folder(out, force=force, inputs=inputs) as staging:
        if several:
            write_json(staging / "comparison.json", _renamed(result.comparison, folders))
        for name, evaluation in result.evaluations.items():
            folder = staging / folders[name] if several else staging
            folder.mkdir(exist_ok=True)
            model = {"model": Path(name).name} if several else {}
            write_json(folder / "metrics.json", {**model, **evaluation.metrics})
            _write_tables(folder, evaluation)
            _write_pictures(folder, evaluation)
        labels = [label for scores in result.metrics.values() for label in scores.get("classes", ())]
        if (note := fonts.note_of_missing(list(dict.fromkeys(labels)))) is not None:
            progress.say(f"{out}: {note}")
        files.write_receipt(
            staging,
            command="evaluate",
            settings=settings,
            inputs=inputs,
            packages=_PACKAGES,
            sources=sources,
            result={
                "metrics": list(result.metrics.values()),
                "left_out": result.left_out,
                "evaluated_split": result.split,
            },
            run={"models": list(folders), "threads": threads},
        )


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The value with models renamed wherever one is named."""
    if isinstance(value, Mapping):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _write_tables(folder: Path, evaluation: Evaluation) -> None:
    evaluation.table.write_parquet(folder / "predictions.parquet")
    if "classes" in evaluation.metrics:
        classes = evaluation.metrics["classes"]
        report = pl.DataFrame([{"label": label, **scores} for label, scores in classes.items()])
        report.write_csv(folder / "classification_report.csv")
    if evaluation.issues is not None:
        # All of them; metrics.json has the likeliest, as many as worst rows.
        evaluation.issues.write_csv(folder / "label_issues.csv")


def _write_pictures(folder: Path, evaluation: Evaluation) -> None:
    if "confusion" in evaluation.metrics:
        labels, matrix = evaluation.metrics["confusion"]["labels"], evaluation.metrics["confusion"]["matrix"]
        unit = "rows" if evaluation.model.task.by_row else "tokens"
        (folder / "confusion.png").write_bytes(confusion_matrix(labels, matrix, "png", unit))
    calibration = evaluation.metrics.get("calibration", {})
    if bins := calibration.get("bins"):
        (folder / "reliability.png").write_bytes(reliability(bins, calibration["ece"], "png"))
