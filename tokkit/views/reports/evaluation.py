"""What is told of a model's answers: scores by class and length, calibration, worst rows; models compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokkit.views.html import Part
from tokkit.views.reliability_plot import reliability_drawing
from tokkit.views.tables import Shaded, Table

Result = Mapping[str, Any]

_ON_A_TERMINAL, _ON_A_PAGE = 160, 1000
"""Characters of a text that are shown."""
_WIDEST_MATRIX = 20
"""Classes up to which the confusion matrix stands on a terminal; a page and the pictures have it whole."""


def evaluation(result: Result) -> list[Table]:
    """One model's scores, as a terminal shows them."""
    few = len(result.get("confusion", {}).get("labels", ())) <= _WIDEST_MATRIX
    shown = result if few else {**result, "confusion": {}}
    return [table for table in _parts(shown, _ON_A_TERMINAL) if isinstance(table, Table)]


def page_parts(result: Result) -> list[Part]:
    """The same for a page, of one model or of several: pictures too, and more of each text."""
    if "models" not in result:
        return _parts(result, _ON_A_PAGE)
    parts: list[Part] = [*comparison(result)]
    for name, scores in result["models"].items():
        first, *rest = _parts(scores, _ON_A_PAGE)
        parts += [
            Table(f"{name}: {first.title}", first.columns, first.rows) if isinstance(first, Table) else first
        ]
        parts += rest
    return parts


def comparison(result: Result) -> list[Table]:
    """Several models on the same rows, the best marked, and whether the others differ from it."""
    score = result["best_by"]
    columns = [
        name for name in ("loss", "accuracy", score) if any(name in m for m in result["models"].values())
    ]
    columns = list(dict.fromkeys(columns))
    rows = [
        (
            "*" if name == result["best"] else "",
            *(name, scores["kind"]),
            *(scores.get(each) for each in columns),
            _interval(scores.get("intervals", {}).get(score)),
            scores.get("validation", {}).get(score),
        )
        for name, scores in result["models"].items()
    ]
    title = f"Best by {in_words(score)} {_PICKED.get(result['split'], _ON_TEST)}: {result['best']}"
    heads = ("", "model", "kind", *map(in_words, columns), f"95 % of {in_words(score)}", "in validation")
    tables = [Table(title, heads, rows)]
    if result["comparisons"]:
        tables.append(_differences(result["comparisons"]))
    return tables + _left_out(result)


_PICKED = {"validation": "on the validation rows", "train": "on the training rows"}
_ON_TEST = "on these rows, which is selection on the test set"

BASELINES = {"probe": "probe of frozen states", "bag-of-words": "bag of words"}
"""What a fine-tuned model is shown beside, by its ``kind``."""


def in_words(score: str) -> str:
    """
    >>> in_words("macro_f1")
    'macro F1'
    """
    words = score.replace("_", " ").replace("f1", "F1")
    return {"ece": "ECE", "r2": "R²", "mae": "mean absolute error"}.get(words, words)


def _parts(result: Result, longest: int) -> list[Part]:
    parts: list[Part] = [_overall(result)]
    if "classes" in result:
        parts.append(_classes(result["classes"]))
    if result.get("confusion"):
        parts.append(_confusion(result["confusion"]))
    parts += _calibration(result)
    parts += _thresholds(result)
    if result.get("lengths"):
        parts.append(_lengths(result["lengths"]))
    if result.get("label_issues"):
        parts += _issues(result["label_issues"], longest)
    if result.get("worst"):
        parts.append(_rows_table("Rows with the highest loss", result["worst"], longest))
    return [*parts, *_left_out(result)]


def _overall(result: Result) -> Table:
    """Every score, beside the interval it lies in and what costs less."""
    majority, baseline = result["majority"], result.get("baseline")
    intervals = result.get("intervals", {})
    scores = [name for name, value in result.items() if isinstance(value, float)]
    rows = [
        (
            in_words(name),
            result[name],
            *((_interval(intervals.get(name)),) if intervals else ()),
            *((baseline.get(name),) if baseline else ()),
            majority.get(name),
        )
        for name in scores
    ]
    columns = (
        *("", "model", *(("95 %",) if intervals else ())),
        *((BASELINES[baseline["kind"]],) if baseline else ()),
        f'always "{majority["label"]}"',
    )
    return Table(f"{result['rows']:,} rows", columns, rows)


def _interval(bounds: Sequence[float] | None) -> str | None:
    return None if bounds is None else f"{bounds[0]:.4f} to {bounds[1]:.4f}"


def _classes(classes: Mapping[str, Result]) -> Table:
    scores = list(next(iter(classes.values()), {}))
    heads = ["rows" if score == "support" else "F1" if score == "f1" else in_words(score) for score in scores]
    rows = [(label, *(each[score] for score in scores)) for label, each in classes.items()]
    return Table("Classes", ("label", *heads), rows)


def _confusion(confusion: Result) -> Table:
    labels, matrix = confusion["labels"], confusion["matrix"]
    rows = [
        (label, *(Shaded(n, n / max(sum(counts), 1)) for n in counts))
        for label, counts in zip(labels, matrix, strict=True)
    ]
    return Table("Confusion (rows: true, columns: predicted)", ("", *labels), rows)


def _calibration(result: Result) -> list[Part]:
    found = result.get("calibration")
    if not found:
        return []
    told = {
        "expected calibration error (ECE)": found["ece"],
        "temperature that would fit these rows": found["temperature"],
        "temperature applied, fitted in training": found.get("applied"),
        "ECE without it": found.get("ece_before"),
        "loss without it": found.get("loss_before"),
    }
    rows = [(name, value) for name, value in told.items() if value is not None]
    table = Table("Calibration", ("", "value"), rows)
    bins = found.get("bins")
    return (
        [table, reliability_drawing("How often it is right where it is how sure", bins)] if bins else [table]
    )


def _thresholds(result: Result) -> list[Table]:
    columns = ("label", "threshold", "F1", "F1 at one half")
    titles = {
        "thresholds_applied": "Thresholds applied, with their F1 on the rows of training they were chosen on",
        "thresholds": "Thresholds with the best F1 on these rows, for use on others",
    }
    return [
        Table(
            title,
            columns,
            [(label, t["threshold"], t["f1"], t["f1_at_half"]) for label, t in result[name].items()],
        )
        for name, title in titles.items()
        if result.get(name)
    ]


def _lengths(lengths: Sequence[Result]) -> Table:
    scores = [name for name in ("loss", "accuracy", "macro_f1") if name in lengths[0]]
    rows = [
        (f"{each['from']} to {each['to']}", each["rows"], *(each[score] for score in scores))
        for each in lengths
    ]
    return Table("By length", ("tokens", "rows", *map(in_words, scores)), rows)


def _issues(issues: Result, longest: int) -> list[Table]:
    classes = [
        (label, each["rows"], each["issues"], f"{each['estimated_wrong']:.1%}")
        for label, each in issues["classes"].items()
    ]
    title = f"Likely label errors: {issues['count']:,}"
    tables = [Table(title, ("label", "rows", "issues", "estimated wrong"), classes)]
    return tables + (
        [_rows_table("The likeliest of them", issues["rows"], longest)] if issues["rows"] else []
    )


def _rows_table(title: str, rows: Sequence[Result], longest: int) -> Table:
    columns = [name for name in rows[0] if name != "id"]
    shown = [
        tuple(_cut(row[name], longest) if name in ("text", "pair") else row[name] for name in columns)
        for row in rows
    ]
    return Table(title, columns, shown)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _differences(comparisons: Sequence[Result]) -> Table:
    scores = list(comparisons[0]["intervals"])
    rows = [
        (
            each["model"],
            *(_interval(each["intervals"][score]) for score in scores),
            *(_p_value(each[which]) for which in ("p_value", "p_adjusted")),
        )
        for each in comparisons
    ]
    test, tested = _TESTS[comparisons[0]["test"]]
    columns = ("model", *map(in_words, scores), f"p ({test})", "p (Holm)")
    return Table(f"Differences from the best, 95 % intervals, and whether {tested} differs", columns, rows)


_TESTS = {"mcnemar": ("McNemar", "accuracy"), "exchange": ("exchanged rows", "span F1")}
"""What a test is called, and the score it is of."""


def _p_value(value: float) -> str:
    return f"{value:.4f}" if value >= _SMALLEST_P else f"< {_SMALLEST_P}"


_SMALLEST_P = 0.0001


def _left_out(result: Result) -> list[Table]:
    left_out = result.get("left_out")
    return [Table("Left out", ("reason", "rows"), list(left_out.items()))] if left_out else []
