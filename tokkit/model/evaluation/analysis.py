"""Everything that is told of one model's answers: scores and how sure they are, worst rows, label issues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.evaluation.by_length import scores_by_length
from tokkit.model.evaluation.intervals import intervals, resampled_scores
from tokkit.model.evaluation.scoring import Scored
from tokkit.model.folder.report import prediction_table, worst_rows
from tokkit.model.metrics import calibration
from tokkit.model.metrics.label_issues import LabelIssues, find_label_issues
from tokkit.model.options.evaluate_options import EvaluateOptions
from tokkit.model.tasks.decisions import Decisions
from tokkit.model.tasks.row_sums import RowSums, bootstrap, row_sums
from tokkit.progress import Progress, stage

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Evaluation:
    """metrics  as design says, and what is told here
    table    a row a text, as `prediction_table` gives
    drawn    score -> its values in the bootstrap samples
    sums     what the score that tells models apart follows from, of a task that does not decide row by row
    issues   rows whose label is likely wrong, the likeliest first; None where none were asked for
    """

    scored: Scored
    metrics: dict[str, Any]
    table: pl.DataFrame
    drawn: dict[str, NDArray[np.float64]]
    sums: RowSums | None = None
    issues: pl.DataFrame | None = None


def analyse(scored: Scored, rows: Rows, spec: EvaluateOptions, progress: Progress) -> Evaluation:
    """All of it, for the rows that were scored; what does not apply to the task is left out."""
    decided, losses = scored.decisions, scored.losses
    table = prediction_table(
        *(scored.task, rows, scored.labels, scored.logits, scored.targets),
        decided=scored.decided,
        folds=scored.folds,
    )
    drawn, sums = {}, None
    if not scored.task.by_row:
        sums = row_sums(scored.task, scored.labels, scored.task.metric, table)
    if spec.resamples and scored.task.by_row:
        drawn = resampled_scores(losses, decided, spec.resamples, spec.seed, progress)
    elif spec.resamples:
        drawn = _by_sums(scored, table, spec, progress)
    metrics: dict[str, Any] = dict(scored.scores)
    if decided is not None and "calibration" in metrics:
        metrics["calibration"] = {
            **metrics["calibration"],
            **scored.temperature,
            "bins": _bins(scored, decided),
        }
    if drawn:
        metrics["intervals"] = intervals(drawn)
    metrics["lengths"] = scores_by_length(scored.lengths, losses, decided)
    metrics["worst"] = worst_rows(table, spec.worst)
    if not spec.label_issues:
        return Evaluation(scored, metrics, table, drawn, sums)
    found = _find_issues(scored)
    issues = _issue_table(table, scored.labels, found)
    metrics["label_issues"] = _told_of_issues(found, issues, scored.labels, spec.worst)
    return Evaluation(scored, metrics, table, drawn, sums, issues)


def _by_sums(
    scored: Scored, table: pl.DataFrame, spec: EvaluateOptions, progress: Progress
) -> dict[str, NDArray[np.float64]]:
    """Score -> its values in bootstrap samples of the rows, where a row has many answers."""
    found = {name: row_sums(scored.task, scored.labels, name, table) for name in scored.task.shown}
    known = {name: sums for name, sums in found.items() if sums is not None}
    with stage(progress, "resampling", spec.resamples, "samples"):
        return dict(
            zip(known, bootstrap(list(known.values()), spec.resamples, spec.seed, progress), strict=True)
        )


def _bins(scored: Scored, decided: Decisions) -> list[dict[str, Any]]:
    shares = scored.task.shares(scored.logits)
    return calibration.reliability(*calibration.confidences(shares, decided.truth, _exclusive(scored)))


def _exclusive(scored: Scored) -> bool:
    """Whether a row is of one class only."""
    return scored.decisions is not None and bool(scored.targets.values.ndim == 1)


def _find_issues(scored: Scored) -> LabelIssues:
    if not _exclusive(scored):
        raise InputError(
            f"--label-issues: {scored.name} answers {scored.task.name}; "
            "issues are found where a row has one label"
        )
    return find_label_issues(scored.task.shares(scored.logits), scored.targets.values)


def _issue_table(table: pl.DataFrame, labels: tuple[str, ...], found: LabelIssues) -> pl.DataFrame:
    """The rows' id, text, label, the label suggested, and the margin between the two."""
    import polars as pl

    kept = [name for name in ("id", "text", "pair", "label", "fold") if name in table.columns]
    return table[found.rows].select(
        *kept,
        pl.Series("suggested", [labels[i] for i in found.suggested], dtype=pl.String),
        pl.Series("margin", found.margins.round(6), dtype=pl.Float64),
    )


def _told_of_issues(
    found: LabelIssues, issues: pl.DataFrame, labels: tuple[str, ...], shown: int
) -> dict[str, Any]:
    """How many, the estimated rows of each given label that belong to it, and the likeliest issues."""
    import numpy as np

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
    return {"count": len(issues), "classes": classes, "rows": issues.head(shown).to_dicts()}
