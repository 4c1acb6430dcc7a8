"""What `evaluate -o` writes: figures, tables and pictures of every model, and the receipt.

metrics.json               everything that was told
predictions.parquet        a row a text, in the order of the data set
classification_report.csv  precision, recall, F1 and rows of each class
label_issues.csv           rows whose label is likely wrong, where they were asked for
confusion.png, confusion_normalized.png, reliability.png
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.model.evaluation.analysis import Evaluation
from tokkit.model.folder.report import write_json

_PACKAGES = ("numpy", "polars", "scikit-learn", "scipy", "tokenizers", "torch", "transformers")


def publish(
    out: Path,
    evaluations: Mapping[str, Evaluation],
    inputs: Sequence[Path],
    settings: Mapping[str, Any],
    left_out: Mapping[str, int],
    comparison: Mapping[str, Any],
    force: bool,
) -> None:
    """The folder ``out``: one model's files, or of several a folder each, and `comparison.json`.

    comparison  what tells several models apart; in it, as in the receipt, they are called by their folders
    """
    called = {name: f"model-{number}" for number, name in enumerate(evaluations, 1)}
    with files.folder(out, force=force, inputs=inputs) as staging:
        if len(evaluations) > 1:
            write_json(staging / "comparison.json", _renamed(comparison, called))
        for name, one in evaluations.items():
            place = staging if len(evaluations) == 1 else staging / called[name]
            place.mkdir(exist_ok=True)
            which = {} if len(evaluations) == 1 else {"model": Path(name).name}
            write_json(place / "metrics.json", {**which, **one.metrics})
            _write_tables(place, one)
            _write_pictures(place, one)
        files.write_receipt(
            staging,
            command="evaluate",
            settings=settings,
            inputs=inputs,
            packages=_PACKAGES,
            result={"metrics": [one.metrics for one in evaluations.values()], "left_out": left_out},
            run={"models": list(evaluations)},
        )


def _renamed(value: Any, called: Mapping[str, str]) -> Any:
    """The value with the models called otherwise, wherever one is named."""
    if isinstance(value, Mapping):
        return {key: _renamed(each, called) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, called) for each in value]
    return called.get(value, value) if isinstance(value, str) else value


def _write_tables(place: Path, one: Evaluation) -> None:
    import polars as pl

    one.table.write_parquet(place / "predictions.parquet")
    if "classes" in one.metrics:
        classes = one.metrics["classes"]
        pl.DataFrame([{"label": label, **scores} for label, scores in classes.items()]).write_csv(
            place / "classification_report.csv"
        )
    if one.issues is not None:
        one.issues.write_csv(place / "label_issues.csv")


def _write_pictures(place: Path, one: Evaluation) -> None:
    from tokkit.views.confusion_plot import confusion_matrix
    from tokkit.views.reliability_plot import reliability

    if "confusion" in one.metrics:
        labels, matrix = one.metrics["confusion"]["labels"], one.metrics["confusion"]["matrix"]
        (place / "confusion.png").write_bytes(confusion_matrix(labels, matrix, "png"))
        normalized = confusion_matrix(labels, matrix, "png", normalized=True)
        (place / "confusion_normalized.png").write_bytes(normalized)
    if bins := one.metrics.get("calibration", {}).get("bins"):
        (place / "reliability.png").write_bytes(reliability(bins, "png"))
