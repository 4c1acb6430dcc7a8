"""Reports of `finetune`: one model, cross-validation, and settings compared on the same folds."""

from __future__ import annotations

from tokkit.errors import counted
from tokkit.views.names import score_name
from tokkit.views.reports.evaluation import BASELINES, evaluation
from tokkit.views.tables import Result, Table, facts
from tokkit.views.text import p_value, with_interval

# Scores that are displayed of each fold, where the task has them.
_FOLD_SCORES = ("loss", "accuracy", "macro_f1", "span_f1")


def finetuning(result: Result) -> list[Table]:
    """One model, and its scores on the validation split."""
    epochs = f"{result['epochs']} (best: {result['best_epoch']})"
    return [_training(result, result["model"], epochs), *evaluation(result["metrics"])]


def cross_validation(result: Result) -> list[Table]:
    """Each fold, their mean and standard deviation, and the scores of all rows out of fold."""
    folds, out_of_fold = result["folds"], result["out_of_fold"]
    # A fold may lack a class, and with it a score that others have.
    names = [name for name in _FOLD_SCORES if all(name in fold["metrics"] for fold in folds)]
    rows = [
        (number, fold["metrics"]["rows"], fold["best_epoch"], *(fold["metrics"][name] for name in names))
        for number, fold in enumerate(folds, 1)
    ]
    rows.append(("mean", None, None, *(result["mean"][name] for name in names)))
    rows.append(("standard deviation", None, None, *(result["deviation"][name] for name in names)))
    if baseline := result["mean"].get("baseline", {}):
        heading = BASELINES[folds[0]["metrics"]["baseline"]["kind"]]
        rows.append((f"{heading}, mean", None, None, *(baseline.get(name) for name in names)))
    rows.append(("all rows, out of fold", out_of_fold["rows"], None, *(out_of_fold[name] for name in names)))
    columns = ("fold", "rows", "best epoch", *map(score_name, names))
    models = f"{result['model']}/fold-1 to fold-{len(folds)}"
    return [
        _training(result, models, f"{result['epochs']:g}"),
        Table(counted(len(folds), "fold"), columns, rows),
        *evaluation(out_of_fold),
    ]


def _training(result: Result, models: str, epochs: str) -> Table:
    rows = [
        ("model", models),
        ("epochs", epochs),
        ("steps", f"{result['steps']:,}"),
        ("time", f"{result['seconds']:.1f} s, {result['rows_per_second']:.0f} rows/s"),
        ("padding", f"{result['padding_share']:.1%} of the tokens computed"),
    ]
    return facts("Fine-tuned", rows)


def settings_compared(result: Result) -> list[Table]:
    """Every combination, best first, and whether it differs from the best significantly."""
    metric = result["metric"]
    rows = [_cells(combination, metric) for combination in result["combinations"]]
    score, folds = f"{score_name(metric)} out of fold", "mean ± std over folds"
    columns = ("settings", score, folds, "difference from the best", "p (Holm)", "differs")
    return [Table(f"{verdict(result)}; {result['folds']} folds of {result['rows']:,} rows", columns, rows)]


def _cells(combination: Result, metric: str) -> tuple[str | None, ...]:
    bounds, is_best = combination["difference_interval"], combination["p_value"] is None
    return (
        _named(combination["settings"]),
        with_interval(combination["score"], combination["interval"]),
        _over_folds(combination, metric),
        with_interval(combination["difference"], bounds, "+.3f") if bounds else None,
        p_value(combination["p_value"]),
        "best" if is_best else "yes" if combination["distinguishable"] else "no",
    )


def verdict(result: Result) -> str:
    """A sentence: which combination is best, and from which it is not distinguishable."""
    best, unsure = _named(result["best"]), result["indistinguishable"]
    if len(unsure) == len(result["combinations"]) - 1:
        return f"{best} scores best, but is not distinguishable from any other"
    if unsure:
        return f"{best} scores best, but is not distinguishable from {'; '.join(map(_named, unsure))}"
    return f"{best} is best"


def _named(settings: Result) -> str:
    """``head=mean gamma=2 alpha=none``"""
    written = {
        key: "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        for key, value in settings.items()
    }
    return " ".join(f"{key}={value}" for key, value in written.items())


def _over_folds(combination: Result, metric: str) -> str | None:
    mean, deviation = combination["mean"], combination["deviation"]
    # A metric may be nested: classes.joy.f1.
    for part in metric.split("."):
        if part not in mean or part not in deviation:
            return None
        mean, deviation = mean[part], deviation[part]
    return f"{mean:.3f} ± {deviation:.3f}"
