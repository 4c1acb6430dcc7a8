"""What is told of folds, and of settings compared on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokkit.views.reports.evaluation import BASELINES, evaluation
from tokkit.views.tables import Table

Result = Mapping[str, Any]

_SCORES = {"loss": "loss", "accuracy": "accuracy", "macro_f1": "macro F1", "span_f1": "span F1"}
"""Scores that are shown of each fold, where the task has them."""


def cross_validation(result: Result) -> list[Table]:
    """Each fold, their mean and deviation, and the scores of all rows by models that have not seen them."""
    shown = [name for name in _SCORES if all(name in fold["metrics"] for fold in result["folds"])]
    rows = [
        (number, fold["metrics"]["rows"], fold["best_epoch"], *(fold["metrics"][name] for name in shown))
        for number, fold in enumerate(result["folds"], 1)
    ]
    rows += [
        (called, None, None, *(result[key][name] for name in shown))
        for key, called in (("mean", "mean"), ("deviation", "deviation"))
    ]
    out_of_fold, beside = result["out_of_fold"], result["mean"].get("baseline", {})
    if beside:
        kind = BASELINES[result["folds"][0]["metrics"]["baseline"]["kind"]]
        rows.append((f"{kind}, mean", None, None, *(beside.get(name) for name in shown)))
    rows.append(("all, out of fold", out_of_fold["rows"], None, *(out_of_fold[name] for name in shown)))
    columns = ("fold", "rows", "best epoch", *(_SCORES[name] for name in shown))
    told = [
        ("models", f"{result['model']}/fold-1 to fold-{len(result['folds'])}"),
        ("epochs", f"{result['epochs']:g}"),
        ("steps", f"{result['steps']:,}"),
        ("time", f"{result['seconds']:.1f} s, {result['rows_per_second']:.0f} rows/s"),
        ("padding", f"{result['padding_share']:.1%} of the tokens computed"),
    ]
    title = f"{len(result['folds'])} folds"
    return [
        Table("Fine-tuned", ("", "value"), told),
        Table(title, columns, rows),
        *evaluation(out_of_fold),
    ]


def settings_compared(result: Result) -> list[Table]:
    """Every combination, best first, and whether its difference to the best may be chance."""
    rows = [
        (
            *(" ".join(f"{key}={_written(value)}" for key, value in each["settings"].items()),),
            *(_with_interval(each["score"], each["interval"]), _spread(each, result["metric"])),
            _difference(each),
            _p_value(each["p_value"]),
            "best" if each["p_value"] is None else "yes" if each["distinguishable"] else "no",
        )
        for each in result["combinations"]
    ]
    metric = _SCORES.get(result["metric"], result["metric"])
    columns = (
        *("settings", f"{metric} out of fold", "over the folds", "difference to the best"),
        *("p (Holm)", "differs"),
    )
    return [Table(f"{verdict(result)}; {result['folds']} folds of {result['rows']:,} rows", columns, rows)]


def verdict(result: Result) -> str:
    """In words, which is best and whether that may be chance."""
    best = _named([result["best"]])
    unsure = result["indistinguishable"]
    if len(unsure) == len(result["combinations"]) - 1:
        return f"{best} scores best, but is not distinguishable from any other"
    if unsure:
        return f"{best} scores best, but is not distinguishable from {_named(unsure)}"
    return f"{best} is best"


def _named(settings: Sequence[Result]) -> str:
    return "; ".join(" ".join(f"{key}={_written(value)}" for key, value in each.items()) for each in settings)


def _written(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _with_interval(value: float, bounds: Sequence[float] | None) -> str:
    return f"{value:.3f} [{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else f"{value:.3f}"


def _spread(each: Result, metric: str) -> str | None:
    mean, deviation = each["mean"], each["deviation"]
    for part in metric.split("."):
        if part not in mean or part not in deviation:
            return None
        mean, deviation = mean[part], deviation[part]
    return f"{mean:.3f} ± {deviation:.3f}"


def _difference(each: Result) -> str | None:
    if each["difference_interval"] is None:
        return None
    low, high = each["difference_interval"]
    return f"{each['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"


def _p_value(value: float | None) -> str | None:
    return None if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
