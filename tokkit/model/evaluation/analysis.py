"""From a model's predictions to what an evaluation reports: intervals, lengths, worst rows, label issues."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tokkit.data.dataset import Rows
from tokkit.data.tag_schemes import TagScheme
from tokkit.data.tag_spans import spans_of
from tokkit.errors import InputError
from tokkit.model.evaluation.scoring import ScoredModel
from tokkit.model.folder.predictions import prediction_table, row_sums, rows_by_loss
from tokkit.model.metrics.calibration import confidences, reliability
from tokkit.model.metrics.classification import scores_by_length
from tokkit.model.metrics.label_issues import find_label_issues, is_little_better
from tokkit.model.metrics.named_scores import is_error, score_named
from tokkit.model.metrics.significance import PairedScores, bootstrap, decision_sums, intervals
from tokkit.model.options.inference_options import EvaluateOptions
from tokkit.progress import Progress


@dataclass(frozen=True)
class Evaluation:
    """metrics  the scores and everything else that is reported, as JSON
    table    one row per text, as `prediction_table` gives it
    paired   what the model is compared with others by; None where there is no test for its task
    issues   rows whose label is likely wrong, the likeliest first; None where not requested
    """

    model: ScoredModel
    metrics: dict[str, Any]
    table: pl.DataFrame
    paired: PairedScores | None
    issues: pl.DataFrame | None = None


@dataclass(frozen=True)
class EvaluateResult:
    """evaluations  model -> its evaluation, in the order they were named; of a folder of folds each of its
                 models, then their mean under the folder's name
    left_out     reason -> rows that could not be scored
    where        source of the rows: ``reviews/test.csv``
    split        of the data set; None for out-of-fold predictions
    comparisons  every other model with the best: differences with intervals, and the paired test
    metric       the score that models are compared by, where it is not their task's own
    inputs       the files, and the folders of models, that were read
    """

    evaluations: dict[str, Evaluation]
    left_out: dict[str, int] = field(default_factory=dict)
    where: str = ""
    split: str | None = None
    comparisons: list[dict[str, Any]] = field(default_factory=list)
    metric: str | None = None
    inputs: list[Path] = field(default_factory=list)

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """Model -> its scores."""
        return {name: evaluation.metrics for name, evaluation in self.evaluations.items()}

    @property
    def token_lengths(self) -> dict[str, dict[int, int]]:
        """Model -> tokens of a row as the model reads it -> rows."""
        lengths = {name: evaluation.model.lengths.tolist() for name, evaluation in self.evaluations.items()}
        return {name: dict(sorted(Counter(of_rows).items())) for name, of_rows in lengths.items()}

    @property
    def best_by(self) -> str:
        """The score that models are compared by: the one requested, else their task's, such as macro F1."""
        return self.metric or next(iter(self.evaluations.values())).model.task.metric

    @property
    def best(self) -> str:
        """The model with the best of that score on these rows; the first of equals.

        Raises `UsageError` for a score that a model does not have.
        """
        scores = {name: score_named(metrics, self.best_by) for name, metrics in self.metrics.items()}
        sign = -1 if is_error(self.best_by) else 1
        # A score without a value, which is NaN, is never the best.
        return max(scores, key=lambda name: -math.inf if math.isnan(scores[name]) else sign * scores[name])

    @property
    def comparison(self) -> dict[str, Any]:
        return {"best": self.best, "best_by": self.best_by, "comparisons": self.comparisons}

    def as_dict(self) -> dict[str, Any]:
        rows = {"left_out": self.left_out, "where": self.where, "split": self.split}
        if len(self.evaluations) == 1:
            return {**next(iter(self.metrics.values())), **rows}
        return {"models": self.metrics, **self.comparison, **rows}


def analyze(model: ScoredModel, rows: Rows, options: EvaluateOptions, progress: Progress) -> Evaluation:
    """Everything about one model; what does not apply to its task is left out."""
    decisions, losses, task = model.decisions, model.losses, model.task
    table = prediction_table(
        task, rows, model.labels, model.logits, model.targets, decided=model.decided, folds=model.folds
    )
    # Tags are scored from the table, where a row has many predictions; all others from arrays.
    sums = decision_sums(losses, decisions)
    if not task.by_row:
        by_name = {name: row_sums(task, model.labels, name, table) for name in task.headline}
        sums = {name: score for name, score in by_name.items() if score is not None}
    samples = bootstrap(sums, options.resamples, options.seed, progress)
    metrics: dict[str, Any] = dict(model.scores)
    if decisions is not None and "calibration" in metrics:
        shares = task.probabilities(model.logits)
        bins = reliability(*confidences(shares, decisions.truth, model.exclusive))
        metrics["calibration"] = {**metrics["calibration"], **model.temperature, "bins": bins}
    if samples:
        metrics["intervals"] = intervals(samples)
    metrics["lengths"] = scores_by_length(model.lengths, losses, decisions)
    with_tokens = table.with_columns(tokens=pl.Series(rows.tokens)) if rows.tokens else table
    metrics["worst"] = _with_spans(model, rows_by_loss(with_tokens, options.worst, highest=True))
    if options.best:
        # Not "best", which names the best of several models.
        metrics["best_rows"] = _with_spans(model, rows_by_loss(with_tokens, options.best, highest=False))
    # McNemar's test needs rows that are either correct or not. Without such rows the task's own metric is
    # tested by exchanging rows; numbers have no test.
    paired = None
    if decisions is not None:
        paired = PairedScores(decisions.correct, samples)
    elif not task.by_row:
        paired = PairedScores(None, samples, sums[task.metric])
    issues = None
    if options.label_issues:
        issues, metrics["label_issues"] = _label_issues(model, table, options.worst, progress)
    return Evaluation(model, metrics, table, paired, issues)


def _with_spans(model: ScoredModel, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows; those with tokens have the ``spans`` of their ``label`` and of what is ``predicted``."""
    scheme = TagScheme.of(model.labels)
    for row in rows:
        if "tokens" in row:
            row["spans"] = {
                name: [asdict(span) for span in spans_of(model.task.names(row[name]), scheme)]
                for name in ("label", "predicted")
            }
    return rows


def _label_issues(
    model: ScoredModel, table: pl.DataFrame, limit: int, progress: Progress
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The rows' id, text and label, the label suggested, and the margin between the two; and a summary.

    The summary has the number of issues, their expected precision, by class the share of wrong labels as
    estimated, and the likeliest issues. A model that is little better than the majority class ranks the rows,
    without an estimate.
    """
    if not model.exclusive:
        raise InputError(
            f"--label-issues: {model.name} is a {model.task.name} model; "
            "label issues are found where each row has one label"
        )
    result = find_label_issues(model.task.probabilities(model.logits), model.targets.values)
    issues = table[result.rows].select(
        *(name for name in ("id", "text", "pair", "label", "fold") if name in table.columns),
        pl.Series("suggested", [model.labels[i] for i in result.suggested], dtype=pl.String),
        pl.Series("margin", result.margins.round(6), dtype=pl.Float64),
    )
    accuracy, majority = model.scores["accuracy"], model.scores["majority"]
    weak = is_little_better(accuracy, majority["accuracy"])
    if weak:
        progress.say(
            f"--label-issues: accuracy {accuracy:.4f} of {model.name} is not far above "
            f'{majority["accuracy"]:.4f} of always "{majority["label"]}": '
            "its rows are ranked, but none is likely an error"
        )
    # Row i of the joint is where the rows labeled i belong, as estimated: its diagonal is correct.
    given, own = result.joint.sum(axis=1), np.diag(result.joint)
    classes = {
        label: {
            "rows": round(given[i]),
            "issues": int((issues["label"] == label).sum()),
            "estimated_wrong": None if weak else round(float(1 - own[i] / given[i]), 6),
        }
        for i, label in enumerate(model.labels)
        if given[i]
    }
    return issues, {
        "count": len(issues),
        "expected_precision": None if weak else round(result.precision, 6),
        "classes": classes,
        "rows": issues.head(limit).to_dicts(),
    }
