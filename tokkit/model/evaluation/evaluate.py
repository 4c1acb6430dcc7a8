"""`evaluate`: the scores of one or several classifiers on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data.dataset import TEST, VALIDATION, Dataset, Rows
from tokkit.data.loading.load import DatasetOptions, load_dataset
from tokkit.errors import InputError, UsageError
from tokkit.model import folder, labelled
from tokkit.model.evaluation import report
from tokkit.model.evaluation.metrics import evaluate_logits, row_losses
from tokkit.model.inference import InferenceOptions, budget_for, choose_device, predict_logits, use_threads
from tokkit.options import merged_pair
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import encode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class EvaluateResult:
    """metrics    model -> its scores, as design says
    left_out   reason -> rows that could not be scored
    """

    metrics: dict[str, dict[str, Any]]
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """The model with the highest macro F1; the first of equals."""
        return max(self.metrics, key=lambda name: self.metrics[name]["macro_f1"])

    def as_dict(self) -> dict[str, Any]:
        if len(self.metrics) == 1:
            return {**next(iter(self.metrics.values())), "left_out": self.left_out}
        return {"models": self.metrics, "best": self.best, "left_out": self.left_out}


def evaluate(
    models: str | Path | Sequence[str | Path],
    dataset: str | Path,
    out: str | Path | None = None,
    *,
    split: str | None = None,
    options: DatasetOptions | None = None,
    inference: InferenceOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> EvaluateResult:
    """Accuracy, F1, loss and calibration of every model on the rows of one split.

    Without ``split`` a data set of several gives its test split, else its validation split, and it is
    said. With ``out``, a folder with the figures, the predictions and the confusion matrix as a picture
    (several models: one folder each).

    ``settings`` are fields of `InferenceOptions` and `DatasetOptions`.

    Raises `InputError` for a label no model knows, and for a model without a trained head.
    """
    names = [str(models)] if isinstance(models, str | Path) else [str(model) for model in models]
    if not names:
        raise UsageError("name a model folder and a data set: tokkit evaluate model/ test.csv")
    use_threads(threads)
    inference, options = merged_pair(InferenceOptions, inference, DatasetOptions, options, settings)
    out_path = Path(out) if out is not None else None
    if out_path is not None:
        files.check_output(out_path, force=force, kind="folder")
    loaded = load_dataset(dataset, options, progress)
    rows = _rows(loaded, split, progress)
    if out_path is not None:
        files.check_output(out_path, force=force, inputs=loaded.files, kind="folder")
    scored = {name: _score(name, rows, loaded, inference, threads, progress) for name in names}
    result = EvaluateResult({name: one.metrics for name, one in scored.items()}, rows.left_out)
    if out_path is not None:
        asked = {"split": split, **asdict(options), **asdict(inference)}
        _publish(out_path, scored, rows, loaded, result, asked, force)
    return result


@dataclass(frozen=True)
class _Scored:
    metrics: dict[str, Any]
    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    labels: tuple[str, ...]


def _rows(dataset: Dataset, split: str | None, progress: Progress) -> Rows:
    dataset.require_labels()
    chosen = split or next((name for name in (TEST, VALIDATION) if name in dataset.splits), None)
    chosen = chosen or next(iter(dataset.splits))
    if split is None and len(dataset.splits) > 1:
        progress.say(f"{dataset.source}: the {chosen} split is evaluated (--split)")
    rows = dataset.complete(chosen)
    for reason, n in rows.left_out.items():
        progress.say(f"{n} rows left out: {reason}")
    if not rows.texts:
        raise InputError(f"{dataset.source}: no row of {chosen} has both text and label")
    return rows


def _score(
    name: str,
    rows: Rows,
    dataset: Dataset,
    inference: InferenceOptions,
    threads: int | None,
    progress: Progress,
) -> _Scored:
    classifier = folder.load_classifier(name, progress)
    truth = labelled.targets(rows, classifier.labels, dataset.source)
    device = choose_device(inference.device)
    encoded = encode(
        rows.texts, classifier.tokenizer, classifier.max_length, threads=threads, progress=progress
    )
    budget = budget_for(device, inference.tokens_per_batch)
    logits = predict_logits(classifier, encoded, device, budget, progress)
    return _Scored(evaluate_logits(logits, truth, classifier.labels), logits, truth, classifier.labels)


def _publish(
    out: Path,
    scored: dict[str, _Scored],
    rows: Rows,
    dataset: Dataset,
    result: EvaluateResult,
    asked: dict[str, Any],
    force: bool,
) -> None:
    from tokkit.views import plots

    local = [Path(name) for name in scored if Path(name).exists()]
    with files.folder(out, force=force, inputs=[*dataset.files, *local]) as staging:
        for number, (name, one) in enumerate(scored.items(), 1):
            place = staging if len(scored) == 1 else staging / f"model-{number}"
            place.mkdir(exist_ok=True)
            which = {} if len(scored) == 1 else {"model": Path(name).name}
            report.write_json(place / "metrics.json", {**which, **one.metrics})
            matrix = one.metrics["confusion"]["matrix"]
            (place / "confusion.png").write_bytes(plots.confusion_matrix(one.labels, matrix, "png"))
            losses = row_losses(one.logits, one.targets)
            report.prediction_table(
                rows.texts, rows.labels, one.logits, one.labels, losses, rows.positions
            ).write_parquet(place / "predictions.parquet")
        files.write_receipt(
            staging,
            command="evaluate",
            settings=asked,
            inputs=[*dataset.files, *local],
            packages=("numpy", "scikit-learn", "tokenizers", "torch", "transformers"),
            result={"metrics": list(result.metrics.values()), "left_out": result.left_out},
            run={"models": list(scored)},
        )
