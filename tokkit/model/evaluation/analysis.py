"""From a model's predictions to what an evaluation reports: intervals, lengths, worst rows, label issues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.evaluation.scoring import ScoredModel
from tokkit.model.folder.predictions import prediction_table, row_sums, worst_rows
from tokkit.model.metrics import calibration
from tokkit.model.metrics.classification import Decisions, scores_by_length
from tokkit.model.metrics.label_issues import LabelIssues, find_label_issues
from tokkit.model.metrics.significance import PairedScores, RowSums, bootstrap, decision_sums, intervals
from tokkit.model.options.evaluate_options import EvaluateOptions
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


def analyze(model: ScoredModel, rows: Rows, options: EvaluateOptions, progress: Progress) -> Evaluation:
    """Everything about one model; what does not apply to its task is left out."""
    decisions, losses = model.decisions, model.losses
    table = prediction_table(
        model.task,
        rows,
        model.labels,
        model.logits,
        model.targets,
        decided=model.decided,
        folds=model.folds,
    )
    # Tags are scored from the table, where a row has many predictions; all others from arrays.
    sums = (
        decision_sums(losses, decisions) if model.task.by_row else _sums_of(model, table, model.task.headline)
    )
    samples = bootstrap(sums, options.resamples, options.seed, progress)
    metrics: dict[str, Any] = dict(model.scores)
    if decisions is not None and "calibration" in metrics:
        bins = _reliability(model, decisions)
        metrics["calibration"] = {**metrics["calibration"], **model.temperature, "bins": bins}
    if samples:
        metrics["intervals"] = intervals(samples)
    metrics["lengths"] = scores_by_length(model.lengths, losses, decisions)
    metrics["worst"] = worst_rows(table, options.worst)
    # McNemar's test needs rows that are either correct or not. Without such rows the task's own metric is
    # tested by exchanging rows; numbers have no test.
    paired = None
    if decisions is not None:
        paired = PairedScores(decisions.correct, samples)
    elif not model.task.by_row:
        tested = _sums_of(model, table, [model.task.metric]).get(model.task.metric)
        paired = PairedScores(None, samples, tested) if tested is not None else None
    if not options.label_issues:
        return Evaluation(model, metrics, table, paired)
    found = _find_issues(model)
    issues = _issue_table(table, model.labels, found)
    metrics["label_issues"] = _issue_summary(found, issues, model.labels, options.worst)
    return Evaluation(model, metrics, table, paired, issues)


def _sums_of(model: ScoredModel, table: pl.DataFrame, names: Any) -> dict[str, RowSums]:
    """The scores of these names that are functions of sums over rows."""
    found = {name: row_sums(model.task, model.labels, name, table) for name in names}
    return {name: sums for name, sums in found.items() if sums is not None}


def _reliability(model: ScoredModel, decisions: Decisions) -> list[dict[str, Any]]:
    shares = model.task.probabilities(model.logits)
    confidence, correct = calibration.confidences(shares, decisions.truth, model.exclusive)
    return calibration.reliability(confidence, correct)


def _find_issues(model: ScoredModel) -> LabelIssues:
    if not model.exclusive:
        raise InputError(
            f"--label-issues: {model.name} is a {model.task.name} model; "
            "label issues are found where each row has one label"
        )
    return find_label_issues(model.task.probabilities(model.logits), model.targets.values)


def _issue_table(table: pl.DataFrame, labels: tuple[str, ...], found: LabelIssues) -> pl.DataFrame:
    """The rows' id, text and label, the label suggested, and the margin between the two."""
    kept = [name for name in ("id", "text", "pair", "label", "fold") if name in table.columns]
    return table[found.rows].select(
        *kept,
        pl.Series("suggested", [labels[i] for i in found.suggested], dtype=pl.String),
        pl.Series("margin", found.margins.round(6), dtype=pl.Float64),
    )


def _issue_summary(
    found: LabelIssues, issues: pl.DataFrame, labels: tuple[str, ...], limit: int
) -> dict[str, Any]:
    """The number of issues, by class the share of wrong labels as estimated, and the likeliest issues."""
    # Row i of the joint is where the rows labeled i belong, as estimated: its diagonal is correct.
    given = found.joint.sum(axis=1)
    own = np.diag(found.joint)
    classes = {
        label: {
            "rows": round(given[i]),
            "issues": int((issues["label"] == label).sum()),
            "estimated_wrong": round(float(1 - own[i] / given[i]), 6),
        }
        for i, label in enumerate(labels)
        if given[i]
    }
    return {"count": len(issues), "classes": classes, "rows": issues.head(limit).to_dicts()}
