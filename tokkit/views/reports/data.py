"""Tables of data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokkit.views.reports.findings import findings
from tokkit.views.tables import Bar, Table

Result = Mapping[str, Any]


def stats(result: Result) -> list[Table]:
    """Everything `stats` found, one table an aspect."""
    splits: Mapping[str, Result] = result["splits"]
    found = [_rows_table(splits)]
    labels = dict.fromkeys(label for split in splits.values() for label in split["classes"])
    if labels:
        columns = [column for name in splits for column in (name, f"{name} %")]
        rows = [(label, *_class_cells(splits, label)) for label in labels]
        found.append(Table("Classes", ("label", *columns), rows))
    found += [_columns_table(splits), _scripts_table(splits), *_language_tables(splits)]
    if any(split[mark] for split in splits.values() for mark in _MARKS):
        marks = [(name, *(split[mark] for mark in _MARKS)) for name, split in splits.items()]
        found.append(Table("Rows to clean", ("split", *_MARKS), marks))
    found.append(_lengths_table(splits))
    if any(split["by_class"] for split in splits.values()):
        found.append(_lengths_by_class(splits))
    if any("tokens" in split["lengths"] for split in splits.values()):
        found.append(_truncation_table(splits))
        if any(split["by_class"] for split in splits.values()):
            found.append(_truncation_by_class(splits))
    if result["recommended_max_length"]:
        found.append(_recommended_table(result["recommended_max_length"]))
    across = result["across"]
    if across["leaks"]:
        found.append(
            Table("Texts in two splits", ("splits", "rows of the second"), list(across["leaks"].items()))
        )
    # Findings come last, because the end of the output is what a terminal displays.
    return found + findings(result)


def split(result: Result) -> list[Table]:
    """Rows per split and class."""
    labels = dict.fromkeys(label for counts in result["classes"].values() for label in counts)
    columns = ("split", "rows", *labels)
    rows = [
        (name, n, *(result["classes"][name].get(label, 0) for label in labels))
        for name, n in result["splits"].items()
    ]
    return [Table(f"Written to {result['output']}", columns, rows)]


def rebalance(result: Result) -> list[Table]:
    """Rows per class before and after, and the class weights; of a dry run, what they would be."""
    rows = [
        (label, n, result["after"].get(label, 0), result["weights"].get(label))
        for label, n in result["before"].items()
    ]
    title = "Dry run, nothing was written" if result["dry_run"] else f"Written to {result['output']}"
    tables = [Table(title, ("label", "before", "after", "weight"), rows)]
    if result["left_out"]:
        tables.append(Table("Skipped rows", ("reason", "rows"), list(result["left_out"].items())))
    return tables


_COPIES = {"exact": "exact duplicates", "normalized": "normalized duplicates", "near": "near duplicates"}
_MARKS = ("html", "controls", "mojibake")
# Columns of the bars where there is one split, and where there are several.
_BAR, _NARROW_BAR = 20, 8


def _rows_table(splits: Mapping[str, Result]) -> Table:
    known = [kind for kind in _COPIES if any(s["duplicates"][kind] is not None for s in splits.values())]
    rows = [
        (
            *(name, split["rows"], sum(split["missing"].values())),
            *(split["duplicates"][kind] for kind in known),
            split["conflicting_labels"],
        )
        for name, split in splits.items()
    ]
    copies = [_COPIES[kind] for kind in known]
    return Table("Rows", ("split", "rows", "missing", *copies, "conflicting labels"), rows)


def _class_cells(splits: Mapping[str, Result], label: str) -> list[Any]:
    cells: list[Any] = []
    for split in splits.values():
        n = split["classes"].get(label, 0)
        share = n / max(sum(split["classes"].values()), 1)
        cells += [n, Bar(share, _BAR if len(splits) == 1 else _NARROW_BAR)]
    return cells


def _columns_table(splits: Mapping[str, Result]) -> Table:
    rows = [
        (name, column, each["missing"], each["distinct"], "an id" if each["looks_like_id"] else "")
        for name, split in splits.items()
        for column, each in split["columns"].items()
    ]
    return Table("Columns", ("split", "column", "missing", "distinct", "looks like"), rows)


def _scripts_table(splits: Mapping[str, Result]) -> Table:
    rows = [
        (name, script, n, Bar(n / max(sum(split["scripts"].values()), 1), _BAR))
        for name, split in splits.items()
        for script, n in split["scripts"].items()
    ]
    return Table("Scripts", ("split", "script", "rows", "share"), rows)


# Share below which a language is counted among the others.
_FEW = 0.005
_OTHERS = "others"


def _language_tables(splits: Mapping[str, Result]) -> list[Table]:
    """The languages of the sampled rows, per split and per class."""
    by_split = {name: split["languages"] for name, split in splits.items() if split["languages"]}
    if not by_split:
        return []
    sampled = " of sampled rows" if any(_is_part(splits[name]) for name in by_split) else ""
    counts = [
        (name, language, n, Bar(n / max(each["sampled"], 1), _BAR))
        for name, each in by_split.items()
        for language, n in _larger(each["rows"], each["sampled"]).items()
    ]
    tables = [Table(f"Languages{sampled}", ("split", "language", "rows", "share"), counts)]
    languages = list(dict.fromkeys(language for _, language, _, _ in counts if language != _OTHERS))[
        :_COLUMNS
    ]
    rows = [
        (name, label, *_shares(by_language, languages))
        for name, each in by_split.items()
        for label, by_language in each["by_class"].items()
    ]
    if rows:
        tables.append(Table(f"Languages by class{sampled}", ("split", "label", *languages, _OTHERS), rows))
    return tables


# Languages that have a column of their own where each class has a line.
_COLUMNS = 4


def _is_part(split: Result) -> bool:
    return bool(split["languages"]["sampled"] < sum(split["scripts"].values()))


def _larger(counts: Mapping[str, int], total: int) -> dict[str, int]:
    """The same counts, those of few rows together."""
    larger = {language: n for language, n in counts.items() if n >= _FEW * total}
    rest = total - sum(larger.values())
    return {**larger, _OTHERS: rest} if rest else larger


def _shares(counts: Mapping[str, int], languages: Sequence[str]) -> list[str]:
    total = max(sum(counts.values()), 1)
    shares = [counts.get(language, 0) / total for language in languages]
    return [f"{share:.1%}" for share in (*shares, 1 - sum(shares))]


_QUANTILES = ("mean", "std", "min", "p50", "p90", "p95", "p99", "max")


def _lengths_table(splits: Mapping[str, Result]) -> Table:
    rows = [
        (name, unit, *(_tenths(summary[q]) for q in _QUANTILES))
        for name, split in splits.items()
        for unit, summary in split["lengths"].items()
    ]
    return Table("Lengths", ("split", "unit", *_QUANTILES), rows)


def _lengths_by_class(splits: Mapping[str, Result]) -> Table:
    unit = "tokens" if all("tokens" in split["lengths"] for split in splits.values()) else "words"
    rows = [
        (name, label, *(_tenths(lengths[unit][q]) for q in _QUANTILES))
        for name, split in splits.items()
        for label, lengths in split["by_class"].items()
    ]
    return Table(f"Lengths by class, in {unit}", ("split", "label", *_QUANTILES), rows)


def _truncation_table(splits: Mapping[str, Result]) -> Table:
    # The limits depend on the tokenizer only, so those of the first split are those of all.
    limits = next(iter(splits.values()))["lengths"]["tokens"]["truncated"]
    rows = [
        (name, *_truncated(split["lengths"]), f"{split['lengths']['tokens']['unknown_rate']:.2%}")
        for name, split in splits.items()
    ]
    columns = ("split", *(f"> {limit}" for limit in limits), "unknown")
    return Table("Rows truncated at max length in tokens, and unknown tokens", columns, rows)


def _truncation_by_class(splits: Mapping[str, Result]) -> Table:
    limits = next(iter(splits.values()))["lengths"]["tokens"]["truncated"]
    rows = [
        (name, label, *_truncated(lengths))
        for name, split in splits.items()
        for label, lengths in split["by_class"].items()
    ]
    return Table(
        "Rows truncated at max length by class", ("split", "label", *(f"> {limit}" for limit in limits)), rows
    )


def _truncated(lengths: Result) -> list[str]:
    return [f"{share:.2%}" for share in lengths["tokens"]["truncated"].values()]


def _recommended_table(recommended: Result) -> Table:
    shares = [f"{recommended[key]:.2%}" for key in ("truncated", "tokens_lost", "padding")]
    columns = ("--max-length", "rows truncated", "tokens lost", "padding if all rows have that length")
    return Table("Recommended maximum length", columns, [(recommended["tokens"], *shares)])


def _tenths(value: float | None) -> float | int | None:
    return round(value, 1) if isinstance(value, float) else value
