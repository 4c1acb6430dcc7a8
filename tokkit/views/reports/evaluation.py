"""Reports of `evaluate`: scores by class and length, calibration, worst rows; several models compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from statistics import fmean, pstdev
from types import MappingProxyType
from typing import Any

from tokkit.errors import counted
from tokkit.views.histogram import Histogram
from tokkit.views.html import Part
from tokkit.views.names import score_name
from tokkit.views.reliability_plot import reliability_drawing
from tokkit.views.tables import Headline, Result, Shaded, Table, facts, marked, skipped
from tokkit.views.text import p_value, shorten

# Characters of a text that are displayed.
_TERMINAL_CHARACTERS, _PAGE_CHARACTERS = 160, 1000
# Classes up to which a terminal displays the confusion matrix, and of more, confusions that are listed; pages
# and pictures always have the matrix.
_WIDEST_MATRIX = 20
_CONFUSIONS = 20
# Temperatures from here on lie at the bound of the search, e^3.
_HOTTEST = 20.0

_SELECTED = {"validation": "on the validation rows", "train": "on the training rows"}
_SELECTED_ON_TEST = "on these rows, which is selection on the test set"

# Heading of a baseline's scores, by its ``kind``.
BASELINES = {
    "probe": "probe baseline",
    "bag-of-words": "TF-IDF baseline",
    "linear-tagger": "linear tagger",
}

# The kind of a model of a folder of folds.
_FOLD = "fold"
_OVER_FOLDS: Mapping[str, Callable[[list[float]], float]] = {
    **{"mean": fmean, "std": pstdev, "lowest": min, "highest": max}
}
# Scores that are tiles on a page, in this order.
_HEADLINES = ("span_f1", "macro_f1", "micro_f1", "accuracy", "r2", "mae", "loss")

# What a test is called, and the score it is about.
_TESTS = {"mcnemar": ("McNemar", "accuracy"), "exchange": ("exchanged rows", "span F1")}


def evaluation(result: Result) -> list[Table]:
    """One model's scores for a terminal; of tags, the confusion is that of entity types."""
    confusion = result.get("type_confusion") or result.get("confusion")
    return tables_of(_parts(result, _TERMINAL_CHARACTERS, confusion))


def tables_of(parts: Sequence[Part]) -> list[Table]:
    """The parts that a terminal can display."""
    return [part for part in parts if isinstance(part, Table)]


def page_parts(result: Result, lengths: Mapping[str, Mapping[int, int]] = MappingProxyType({})) -> list[Part]:
    """One or several models for a page: with pictures, and more of each text.

    lengths   model -> length of a row in its tokens -> rows, where known
    """
    # One model is the result itself; several are listed under "models".
    if "models" not in result:
        return _with_lengths(_parts(result, _PAGE_CHARACTERS), *lengths.values())
    parts: list[Part] = [*comparison(result), *_folds(result["models"])]
    for name, scores in result["models"].items():
        # The models of folds differ by chance: their scores are in the tables above, their mean is displayed.
        if scores["kind"] != _FOLD:
            first, *rest = _parts(scores, _PAGE_CHARACTERS)
            first = replace(first, title=f"{name}: {first.title}")
            parts += _with_lengths([first, *rest], *([lengths[name]] if name in lengths else []))
    return parts


def _with_lengths(parts: Sequence[Part], *lengths: Mapping[int, int]) -> list[Part]:
    """The parts with the lengths of the rows below the scores."""
    pictures = [Histogram("Lengths of the rows", "tokens", rows) for rows in lengths]
    return [*parts[:1], *pictures, *parts[1:]]


def _folds(models: Mapping[str, Result]) -> list[Table]:
    """Mean, standard deviation and range of the scores of the models of one folder of folds."""
    folders: dict[str, list[Result]] = {}
    for name, scores in models.items():
        if scores["kind"] == _FOLD:
            folders.setdefault(str(PurePath(name).parent), []).append(scores)
    tables = []
    for folder, folds in folders.items():
        values = {
            name: [fold[name] for fold in folds] for name, x in folds[0].items() if isinstance(x, float)
        }
        rows = [(score_name(name), fmean(x), pstdev(x), min(x), max(x)) for name, x in values.items()]
        title = f"{folder}: scores of its {counted(len(folds), 'model')}"
        tables.append(Table(title, ("", *_OVER_FOLDS), rows))
    return tables


def headlines(result: Result) -> list[Headline]:
    """Of one model the scores that matter with their intervals; of several the best."""
    if "models" in result:
        return _best(result)
    rows = Headline("rows", f"{result['rows']:,}", result.get("where", ""))
    intervals, majority = result.get("intervals", {}), result["majority"]
    others = [*baseline_columns(result.get("baseline", {})).items(), ("majority class", majority)]
    scores = []
    for name in filter(lambda name: isinstance(result.get(name), float), _HEADLINES):
        details = [f"95 % CI {_interval(intervals[name])}"] if name in intervals else []
        details += [f"{other} {measured[name]:.4f}" for other, measured in others if name in measured]
        scores.append(Headline(score_name(name), f"{result[name]:.4f}", "; ".join(details)))
    ece = result.get("calibration", {}).get("ece")
    calibration = [] if ece is None else [Headline("ECE", f"{ece:.4f}", "expected calibration error")]
    return [rows, *scores, *calibration, *(Headline(s, "", "", "warning") for s in predicts_only(result))]


def _best(result: Result) -> list[Headline]:
    models, score = result["models"], result["best_by"]
    best = models[result["best"]]
    interval = _interval(best.get("intervals", {}).get(score))
    detail = f"95 % CI {interval}" if interval else ""
    return [
        Headline("rows", f"{best['rows']:,}", result["where"]),
        Headline("models", f"{len(models)}"),
        Headline("best", result["best"], _SELECTED.get(result["split"], _SELECTED_ON_TEST)),
        Headline(f"its {score_name(score)}", f"{_named(best, score):.4f}", detail),
    ]


def comparison(result: Result) -> list[Table]:
    """Several models on the same rows, the best marked, and whether the others differ from it."""
    score = result["best_by"]
    # The metric of the task may be one of the first two.
    names = dict.fromkeys(("loss", "accuracy", score))
    models = result["models"].values()
    columns = [name for name in names if any(_named(scores, name) is not None for scores in models)]
    rows = [
        (
            *(name, "*" if name == result["best"] else "", scores["kind"]),
            *(_named(scores, column) for column in columns),
            _interval(scores.get("intervals", {}).get(score)),
            scores.get("validation", {}).get(score),
        )
        for name, scores in result["models"].items()
    ]
    selected = _SELECTED.get(result["split"], _SELECTED_ON_TEST)
    title = f"Best by {score_name(score)} {selected}: {result['best']}"
    interval, validation = f"95 % CI of {score_name(score)}", f"validation {score_name(score)}"
    headings = ("model", "", "kind", *map(score_name, columns), interval, validation)
    tables = [Table(title, headings, rows)]
    if result["comparisons"]:
        tables.append(_differences(result["comparisons"]))
    return tables + skipped(result)


def _named(scores: Result, name: str) -> float | None:
    """A score by its name, also of one class: classes.LABEL.f1, whose label may have dots."""
    group, _, rest = name.partition(".")
    label, _, last = rest.rpartition(".")
    inner = scores.get(group, {}).get(label, {}) if label else scores.get(group, {}) if rest else scores
    return inner.get(last or name) if isinstance(inner, Mapping) else None


def predicts_only(scores: Result) -> list[str]:
    """Says so where all predictions are the same; empty where they differ.

    >>> predicts_only({"predicts_only": "joy"}), predicts_only({"predicts_only": ""}), predicts_only({})
    (['predicts only "joy"'], ['predicts no label for any row'], [])
    """
    if (label := scores.get("predicts_only")) is None:
        return []
    return [f'predicts only "{label}"' if label else "predicts no label for any row"]


def _parts(result: Result, longest: int, confusion: Result | None = None) -> list[Part]:
    """Everything about one model.

    longest    characters of a text
    confusion  to be displayed instead of that of the classes; a large one as a list, for a terminal
    """
    parts: list[Part] = [_overall(result)]
    if "classes" in result:
        parts.append(_classes(result["classes"]))
    parts += _calibration(result)
    if confusion:
        matrix = _confusion(confusion, "type_confusion" in result)
        wide = len(confusion["labels"]) > _WIDEST_MATRIX
        parts.append(matrix.narrow if wide and matrix.narrow else matrix)
    elif result.get("confusion"):
        parts.append(_confusion(result["confusion"]))
    parts += _thresholds(result)
    if result.get("lengths"):
        parts.append(_lengths(result["lengths"]))
    if result.get("label_issues"):
        parts += _issues(result["label_issues"], longest)
    for name, which in (("worst", "highest"), ("best_rows", "lowest")):
        if result.get(name):
            parts.append(_rows_table(f"Rows with the {which} loss", result[name], longest))
    return [*parts, *skipped(result)]


def _overall(result: Result) -> Table:
    """Every score with its interval, and those of the baseline and the majority class."""
    majority, baseline = result["majority"], result.get("baseline", {})
    # Scores are the floats at the top level; counts are ints, tables are mappings.
    columns: dict[str, Result] = {"model": {k: v for k, v in result.items() if isinstance(v, float)}}
    if intervals := result.get("intervals"):
        columns["95 % CI"] = {name: _interval(bounds) for name, bounds in intervals.items()}
    columns |= baseline_columns(baseline)
    label = majority["label"]
    columns[f'majority class ("{label}")' if "classes" in result else f"mean ({label})"] = majority
    rows = [
        (score_name(name), *(scores.get(name) for scores in columns.values())) for name in columns["model"]
    ]
    tags = ""
    if "scheme" in result:
        tags = f", {counted(result['tokens'], 'token', style=',')}, tagging scheme {result['scheme']}"
    title = "; ".join([f"{counted(result['rows'], 'row', style=',')}{tags}", *predicts_only(result)])
    return Table(title, ("", *columns), rows)


def baseline_columns(baseline: Result) -> dict[str, Result]:
    """Heading -> scores of a baseline, and of the simpler one that comes with it; empty without one."""
    if not baseline:
        return {}
    simpler = {"majority tag per word": baseline["word_majority"]} if "word_majority" in baseline else {}
    return {BASELINES[baseline["kind"]]: baseline, **simpler}


def _interval(bounds: Sequence[float] | None) -> str | None:
    return None if bounds is None else f"{bounds[0]:.4f} to {bounds[1]:.4f}"


def _classes(classes: Mapping[str, Result]) -> Table:
    scores = list(next(iter(classes.values()), {}))
    headings = ["rows" if score == "support" else score_name(score) for score in scores]
    rows = [(label, *of_label.values()) for label, of_label in classes.items()]
    return Table("Classes", ("label", *headings), rows)


def _confusion(confusion: Result, of_types: bool = False) -> Table:
    labels, matrix = confusion["labels"], confusion["matrix"]
    rows = [
        (label, *(Shaded(n, n / max(sum(counts), 1)) for n in counts))
        for label, counts in zip(labels, matrix, strict=True)
    ]
    title = "Confusion of tokens by entity type" if of_types else "Confusion"
    return Table(f"{title} (rows: true, columns: predicted)", ("", *labels), rows, _confused(confusion))


def _confused(confusion: Result) -> Table:
    """The most frequent confusions, a line each, where the matrix is too wide."""
    labels, matrix = confusion["labels"], confusion["matrix"]
    pairs = [
        (label, other, n, f"{n / sum(counts):.1%}")
        for label, counts in zip(labels, matrix, strict=True)
        for other, n in zip(labels, counts, strict=True)
        if n and other != label
    ]
    pairs.sort(key=lambda pair: -pair[2])
    title = f"Most frequent confusions, of {len(pairs):,}"
    return Table(title, ("true", "predicted", "count", "of the true"), pairs[:_CONFUSIONS])


def _temperature(value: float) -> float | str:
    # What `fit_temperature` gives where no minimum lies between its bounds.
    if value == 1:
        return "none: the answers are right however certain they are"
    return value if value < _HOTTEST else "none: equal probabilities would have the lowest loss"


def _calibration(result: Result) -> list[Part]:
    calibration = result.get("calibration")
    if not calibration:
        return []
    values = {
        "expected calibration error (ECE)": calibration["ece"],
        "best temperature for these rows": _temperature(calibration["temperature"]),
        "temperature applied, fitted in training": calibration.get("applied"),
        "ECE without it": calibration.get("ece_before"),
        "loss without it": calibration.get("loss_before"),
    }
    table = facts("Calibration", values.items())
    bins = calibration.get("bins")
    return [table, reliability_drawing("Reliability: accuracy by confidence", bins)] if bins else [table]


def _thresholds(result: Result) -> list[Table]:
    titles = {
        "thresholds_applied": "Thresholds applied, with their F1 on the validation rows they were tuned on",
        "thresholds": "Thresholds with the best F1 on these rows, for use on others",
    }
    tables = []
    for name, title in titles.items():
        if tuned := result.get(name):
            rows = [(label, t["threshold"], t["f1"], t["f1_at_half"]) for label, t in tuned.items()]
            tables.append(Table(title, ("label", "threshold", "F1", "F1 at one half"), rows))
    return tables


def _lengths(lengths: Sequence[Result]) -> Table:
    scores = [name for name in ("loss", "accuracy", "macro_f1") if name in lengths[0]]
    rows = [
        (f"{bucket['from']} to {bucket['to']}", bucket["rows"], *(bucket[score] for score in scores))
        for bucket in lengths
    ]
    return Table("By length", ("tokens", "rows", *map(score_name, scores)), rows)


def _issues(issues: Result, longest: int) -> list[Table]:
    classes = [
        (label, counts["rows"], counts["issues"], _percent(counts["estimated_wrong"]))
        for label, counts in issues["classes"].items()
    ]
    precision = issues["expected_precision"]
    # A model that knows little accuses no row.
    title = f"Rows whose label the model doubts most: {issues['count']:,}"
    if precision is not None:
        title = f"Likely label errors: {issues['count']:,}, expected precision {precision:.0%}"
    tables = [Table(title, ("label", "rows", "issues", "estimated wrong"), classes)]
    return tables + ([_rows_table("Most doubtful labels", issues["rows"], longest)] if issues["rows"] else [])


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _rows_table(title: str, rows: Sequence[Result], longest: int) -> Table:
    columns = [name for name in rows[0] if name not in ("id", "tokens", "spans")]
    if "spans" in rows[0]:
        # The entities are marked in the text: once for the label, once for what is predicted.
        columns.remove("text")
    spans = [span for row in rows for of_row in row.get("spans", {}).values() for span in of_row]
    kinds = sorted({span["type"] for span in spans})

    def cell(row: Result, name: str) -> Any:
        if name in row.get("spans", {}):
            return marked(row["tokens"], row["spans"][name], kinds)
        return shorten(row[name], longest) if name in ("text", "pair") else row[name]

    return Table(title, columns, [[cell(row, name) for name in columns] for row in rows])


def _differences(comparisons: Sequence[Result]) -> Table:
    scores = list(comparisons[0]["intervals"])
    rows = [
        (
            compared["model"],
            *(_interval(compared["intervals"][score]) for score in scores),
            *(p_value(compared[which], 4) for which in ("p_value", "p_adjusted")),
        )
        for compared in comparisons
    ]
    test, tested = _TESTS[comparisons[0]["test"]]
    columns = ("model", *map(score_name, scores), f"p ({test})", "p (Holm)")
    return Table(f"Differences from the best, 95 % CI, and the test of {tested}", columns, rows)
