"""`evaluate`: the scores of one or several classifiers on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.dataset import Rows
from tokkit.data.loading.load import DatasetOptions, read_dataset
from tokkit.errors import InputError, UsageError
from tokkit.model.evaluation import analysis, evaluated_rows, publish, scoring
from tokkit.model.evaluation.analysis import Evaluation
from tokkit.model.evaluation.out_of_fold import read_out_of_fold
from tokkit.model.evaluation.scoring import Scored
from tokkit.model.evaluation.significance import Answered, against_the_best
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.network.inference import use_threads
from tokkit.model.options.evaluate_options import EvaluateOptions
from tokkit.options import merged_pair
from tokkit.progress import SILENT, Progress


@dataclass(frozen=True)
class EvaluateResult:
    """evaluations  model -> what was found, in the order they were named; of a folder of folds each of its
                 models, then their mean under the folder's name
    left_out     reason -> rows that could not be scored
    where        the rows: ``reviews/test.csv``
    split        which of the data set; None of out-of-fold predictions
    comparisons  every other model against the best: differences with intervals, and the paired test
    """

    evaluations: dict[str, Evaluation]
    left_out: dict[str, int] = field(default_factory=dict)
    where: str = ""
    split: str | None = None
    comparisons: list[dict[str, Any]] = field(default_factory=list)

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """Model -> its scores, as design says."""
        return {name: one.metrics for name, one in self.evaluations.items()}

    @property
    def best_by(self) -> str:
        """The score that tells the models apart: their task's metric, such as macro F1."""
        return _best_by(self.evaluations)

    @property
    def best(self) -> str:
        """The model with the highest of that score on these very rows; the first of equals."""
        return _best(self.evaluations)

    def as_dict(self) -> dict[str, Any]:
        told = {"left_out": self.left_out, "where": self.where, "split": self.split}
        if len(self.evaluations) == 1:
            return {**next(iter(self.metrics.values())), **told}
        return {
            "models": self.metrics,
            "best": self.best,
            "best_by": self.best_by,
            "comparisons": self.comparisons,
            **told,
        }


def evaluate(
    models: str | Path | Sequence[str | Path],
    dataset: str | Path | None = None,
    out: str | Path | None = None,
    spec: EvaluateOptions | None = None,
    *,
    split: str | None = None,
    options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> EvaluateResult:
    """Accuracy, F1, loss, calibration, intervals and worst rows of every model on the rows of one split.

    Without ``split`` a data set of several gives its test split, else its validation split, and it is
    said. A folder of folds gives each of its models and their mean; with no ``dataset``, the scores of its
    out-of-fold predictions. With ``out``, a folder with the figures, the predictions and pictures (several
    models: one folder each).

    ``settings`` are fields of `EvaluateOptions` and `DatasetOptions`.

    Raises `InputError` for a label no model knows, and for a model without a trained head.
    """
    names = [str(models)] if isinstance(models, str | Path) else [str(model) for model in models]
    if not names:
        raise UsageError("name a model folder and a data set: tokkit evaluate model/ test.csv")
    use_threads(threads)
    spec, options = merged_pair(EvaluateOptions, spec, DatasetOptions, options, settings)
    out_path = Path(out) if out is not None else None
    if out_path is not None:
        files.check_output(out_path, force=force, kind="folder")
    chosen = None
    if dataset is None:
        rows, scored, inputs, where = _out_of_fold(names, spec, threads, progress)
    else:
        loaded = read_dataset(dataset, options, progress, lists=True)
        if out_path is not None:
            files.check_output(out_path, force=force, inputs=loaded.files, kind="folder")
        chosen = evaluated_rows.choose_split(loaded, split, progress)
        rows = evaluated_rows.rows_of(loaded, chosen, progress)
        inputs, where = loaded.files, loaded.split(chosen).where
        scored = []
        for name in names:
            scored += _score(name, rows, where, spec, threads, progress)
            evaluated_rows.say_seen(name, rows, loaded.split(chosen), spec, progress)
    _check_one_task(scored)
    evaluations = {one.name: analysis.analyse(one, rows, spec, progress) for one in scored}
    result = EvaluateResult(evaluations, rows.left_out, where, chosen, _compared(evaluations, spec, progress))
    if out_path is not None:
        read = [*inputs, *(Path(name) for name in names if Path(name).exists())]
        asked = {"split": split, **asdict(options), **asdict(spec)}
        comparison = {"best": result.best, "best_by": result.best_by, "comparisons": result.comparisons}
        publish.publish(out_path, evaluations, read, asked, rows.left_out, comparison, force)
    return result


def _out_of_fold(
    names: Sequence[str], spec: EvaluateOptions, threads: int | None, progress: Progress
) -> tuple[Rows, list[Scored], list[Path], str]:
    folds = ModelReceipt.read(names[0]).members() if len(names) == 1 else []
    if not folds:
        raise UsageError(
            f"{names[-1]}: name the rows to evaluate on; only of a folder of folds there are some without",
            hint=f"tokkit evaluate {names[-1]} DATASET",
        )
    rows, scored = read_out_of_fold(names[0], folds[0], spec, threads, progress)
    progress.say(f"{names[0]}: its {len(rows.texts):,} out-of-fold predictions are evaluated")
    return rows, [scored], [], f"{names[0]} (out-of-fold)"


def _score(
    name: str, rows: Rows, where: str, spec: EvaluateOptions, threads: int | None, progress: Progress
) -> list[Scored]:
    """A model's answers; of a folder of folds those of each, and of their mean under the folder's name."""
    folds = ModelReceipt.read(name).members()
    if not folds:
        return [scoring.score_model(name, scoring.MODEL, rows, where, spec, threads, progress)]
    each = [
        scoring.score_model(str(fold), scoring.FOLD, rows, where, spec, threads, progress) for fold in folds
    ]
    return [*each, scoring.score_ensemble(name, each, spec)]


def _check_one_task(scored: Sequence[Scored]) -> None:
    first = scored[0]
    for other in scored:
        if other.task is not first.task:
            raise InputError(
                f"{first.name} answers {first.task.name}, {other.name} {other.task.name}: "
                "no score tells them apart",
                hint="evaluate them one by one",
            )


def _compared(
    evaluations: dict[str, Evaluation], spec: EvaluateOptions, progress: Progress
) -> list[dict[str, Any]]:
    """Every model against the best, where there is a test for it."""
    answered = {}
    for name, one in evaluations.items():
        decided = one.scored.decisions
        if decided is None and one.sums is None:
            return []
        answered[name] = Answered(decided.right if decided else None, one.drawn, one.sums)
    if len(answered) < 2:
        return []
    return against_the_best(answered, _best(evaluations), spec.seed, progress)


def _best_by(evaluations: dict[str, Evaluation]) -> str:
    return next(iter(evaluations.values())).scored.task.metric


def _best(evaluations: dict[str, Evaluation]) -> str:
    score = _best_by(evaluations)
    return max(evaluations, key=lambda name: evaluations[name].metrics[score])
