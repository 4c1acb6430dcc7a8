"""Tables of what is found in a data set, or of a tokenizer on its model and data, by `stats` and `doctor`."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from tokkit.views.tables import Bar, Result, Severity, Table, marked
from tokkit.views.text import shorten

_COPIES = {"exact": "exact duplicates", "normalized": "normalized duplicates", "near": "near duplicates"}
_MARKS = ("html", "controls", "mojibake")
# What examples show, by their key, and the characters of a text and a label.
_EXAMPLE_OF = {"leaks": "leak", "conflicts": "conflict", "duplicates": "duplicate"}
_EXAMPLE, _EXAMPLE_LABEL = 120, 24
_QUANTILES = ("mean", "std", "min", "p50", "p90", "p95", "p99", "max")
# Columns of the bars where there is one split, and where there are several.
_BAR, _NARROW_BAR = 20, 8
# Share below which a language is counted among the others.
_RARE = 0.005
_OTHERS = "others"
# Languages that have a column of their own where each class has a line.
_LANGUAGES = 4
# Labels of a configuration that are displayed.
_LABELS = 5
# Lines of a table of classes or columns; of more, those of the most rows, or the first.
_LINES = 1000


def stats(result: Result) -> list[Table]:
    """Everything `stats` found, one table an aspect."""
    # Findings come last, because the end of the output is what a terminal displays.
    return [*details(result), *examples(result), *entities(result), *findings(result)]


def details(result: Result) -> list[Table]:
    """All figures of `stats`."""
    splits: Mapping[str, Result] = result["splits"]
    tables = [_rows_table(splits)]
    if result["label_kind"] == "tags":
        keys = ("tags", "entities")
        tables += [
            _counts_table(key.title(), key, splits) for key in keys if any(s[key] for s in splits.values())
        ]
    elif any(split["classes"] for split in splits.values()):
        several = result["label_kind"] == "several"
        title = "Classes, in shares of all rows" if several else "Classes"
        tables.append(_counts_table(title, "classes", splits, of_rows=several))
    tables += [_columns_table(splits), _scripts_table(splits), *languages(result)]
    if any(split[mark] for split in splits.values() for mark in _MARKS):
        marks = [(name, *(split[mark] for mark in _MARKS)) for name, split in splits.items()]
        tables.append(Table("Rows to clean", ("split", *_MARKS), marks))
    tables += _length_tables(splits)
    if recommended := result["recommended_max_length"]:
        shares = [f"{recommended[key]:.2%}" for key in ("truncated", "tokens_lost", "padding")]
        columns = ["--max-length", "rows truncated", "tokens lost", "padding if all rows have that length"]
        tables.append(Table("Recommended maximum length", columns, [(recommended["tokens"], *shares)]))
    if leaks := result["across"]["leaks"]:
        tables.append(Table("Texts in two splits", ("splits", "rows of the second"), list(leaks.items())))
    return tables


def examples(result: Result) -> list[Table]:
    """Two texts of each kind of finding, with two of their rows."""
    rows = [
        (_EXAMPLE_OF[kind], shorten(example["text"], _EXAMPLE), ", ".join(map(_position, example["rows"])))
        for kind in _EXAMPLE_OF
        for example in result["examples"][kind]
    ]
    return [Table("Examples", ("", "text", "rows"), rows)] if rows else []


def entities(result: Result) -> list[Table]:
    """Some tagged rows with their entities."""
    tagged = result["examples"].get("entities", ())
    kinds = sorted({span["type"] for row in tagged for span in row["spans"]})
    rows = [(row["split"], row["row"], marked(row["tokens"], row["spans"], kinds)) for row in tagged]
    return [Table("First rows with entities", ("split", "row", "text"), rows)] if rows else []


def _position(row: Result) -> str:
    label = "" if row["label"] is None else f" ({shorten(row['label'], _EXAMPLE_LABEL)})"
    return f"{row['split']} {row['row']:,}{label}"


def findings(result: Result) -> list[Table]:
    """A table of the findings, and the commands that fix them; none where there are none."""
    rows, commands = [], dict[str, None]()
    for finding in result["findings"]:
        fix, *lines = finding["fix"].split("\n")
        severity = Severity(finding["severity"])
        rows.append([severity, finding["rule"], finding["message"], fix.removesuffix(":")])
        commands.update(dict.fromkeys(lines))
    tables = [Table("Findings", ("severity", "rule", "finding", "fix"), rows)] if rows else []
    # A command in a cell would be folded, and could not be pasted.
    return [*tables, *([Table("Fixes", ("command",), [[line] for line in commands])] if commands else [])]


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


def _counts_table(title: str, key: str, splits: Mapping[str, Result], of_rows: bool = False) -> Table:
    """How many rows, tokens or entities have each name, and which share that is.

    of_rows   whether shares are of all rows, which may have several names
    """
    labels = dict.fromkeys(label for split in splits.values() for label in split[key])
    rows_of = Counter[str]()
    for split in splits.values():
        rows_of.update(split[key])
    # as many rows, but another order of reading, are the same classes
    wanted = set(heapq.nsmallest(_LINES, labels, key=lambda label: (-rows_of[label], label)))
    listed = [label for label in labels if label in wanted]
    totals = {
        name: max(split["rows"] if of_rows else sum(split[key].values()), 1) for name, split in splits.items()
    }
    bar = _BAR if len(splits) == 1 else _NARROW_BAR

    def cells(counts: Iterable[int]) -> list[Any]:
        pairs = zip(counts, totals.values(), strict=True)
        return [cell for rows, total in pairs for cell in (rows, Bar(rows / total, bar))]

    rows = [(label, *cells(split[key].get(label, 0) for split in splits.values())) for label in listed]
    if left_out := len(labels) - len(listed):
        listed_rows = [sum(split[key].get(label, 0) for label in listed) for split in splits.values()]
        others = (sum(split[key].values()) - n for split, n in zip(splits.values(), listed_rows, strict=True))
        rows.append((f"... {left_out:,} more", *cells(others)))
    columns = [column for name in splits for column in (name, f"{name} %")]
    return Table(title, ("label", *columns), rows)


def _columns_table(splits: Mapping[str, Result]) -> Table:
    rows: list[tuple[Any, ...]] = []
    for name, split in splits.items():
        for column, content in islice(split["columns"].items(), _LINES):
            looks_like = "an id" if content["looks_like_id"] else ""
            rows.append((name, column, content["missing"], content["distinct"], looks_like))
        if len(split["columns"]) > _LINES:
            rows.append((name, f"... {len(split['columns']) - _LINES:,} more", None, None, ""))
    return Table("Columns", ("split", "column", "missing", "distinct", "looks like"), rows)


def _scripts_table(splits: Mapping[str, Result]) -> Table:
    rows = [
        (name, script, n, Bar(n / max(sum(split["scripts"].values()), 1), _BAR))
        for name, split in splits.items()
        for script, n in split["scripts"].items()
    ]
    return Table("Scripts", ("split", "script", "rows", "share"), rows)


def languages(result: Result) -> list[Table]:
    """The languages of the sampled rows, per split and per class, where they were requested."""
    splits: Mapping[str, Result] = result["splits"]
    by_split = {name: split["languages"] for name, split in splits.items() if split["languages"]}
    if not by_split:
        return []
    is_part = any(by_split[name]["sampled"] < sum(splits[name]["scripts"].values()) for name in by_split)
    sampled = " of sampled rows" if is_part else ""
    counts = [
        (name, language, n, Bar(n / max(languages["sampled"], 1), _BAR))
        for name, languages in by_split.items()
        for language, n in _frequent(languages["rows"], languages["sampled"]).items()
    ]
    tables = [Table(f"Languages{sampled}", ("split", "language", "rows", "share"), counts)]
    names = list(dict.fromkeys(language for _, language, _, _ in counts if language != _OTHERS))[:_LANGUAGES]
    rows = [
        (name, label, *_shares(by_language, names))
        for name, languages in by_split.items()
        for label, by_language in languages["by_class"].items()
    ]
    if rows:
        tables.append(Table(f"Languages by class{sampled}", ("split", "label", *names, _OTHERS), rows))
    return tables


def _frequent(counts: Mapping[str, int], total: int) -> dict[str, int]:
    """The same counts, those of rare languages as one."""
    frequent = {language: n for language, n in counts.items() if n >= _RARE * total}
    rest = total - sum(frequent.values())
    return {**frequent, _OTHERS: rest} if rest else frequent


def _shares(counts: Mapping[str, int], languages: Sequence[str]) -> list[str]:
    total = max(sum(counts.values()), 1)
    shares = [counts.get(language, 0) / total for language in languages]
    return [f"{share:.1%}" for share in (*shares, 1 - sum(shares))]


def _length_tables(splits: Mapping[str, Result]) -> list[Table]:
    """Lengths and truncation, of each split and of each of its classes."""
    rows = [
        (name, unit, *_quantiles(summary))
        for name, split in splits.items()
        for unit, summary in split["lengths"].items()
    ]
    tables = [Table("Lengths", ("split", "unit", *_QUANTILES), rows)]
    lengths = {name: split["lengths"] for name, split in splits.items()}
    by_class = [
        (name, label, of_label)
        for name, split in splits.items()
        for label, of_label in split["by_class"].items()
    ]
    if by_class:
        unit = "tokens" if all("tokens" in of_split for of_split in lengths.values()) else "words"
        rows = [(name, label, *_quantiles(of_label[unit])) for name, label, of_label in by_class]
        tables.append(Table(f"Lengths by class, in {unit}", ("split", "label", *_QUANTILES), rows))
    if any("tokens" in of_split for of_split in lengths.values()):
        # The limits depend on the tokenizer only, so those of the first split are those of all.
        limits = [f"> {limit}" for limit in next(iter(lengths.values()))["tokens"]["truncated"]]
        rows = [
            (name, *_truncated(of_split), f"{of_split['tokens']['unknown_rate']:.2%}")
            for name, of_split in lengths.items()
        ]
        title = "Rows truncated at max length in tokens, and unknown tokens"
        tables.append(Table(title, ("split", *limits, "unknown"), rows))
        if by_class:
            rows = [(name, label, *_truncated(of_label)) for name, label, of_label in by_class]
            tables.append(Table("Rows truncated at max length by class", ("split", "label", *limits), rows))
    return tables


def _quantiles(summary: Result) -> list[float | int | None]:
    values = [summary[quantile] for quantile in _QUANTILES]
    return [round(value, 1) if isinstance(value, float) else value for value in values]


def _truncated(lengths: Result) -> list[str]:
    return [f"{share:.2%}" for share in lengths["tokens"]["truncated"].values()]


def doctor(result: Result) -> list[Table]:
    """Findings, or that there are none; the model's configuration; the tokenizer on the data."""
    tables = findings(result) or [
        Table("Findings", ("rules checked", "findings"), [(len(result["checked"]), 0)])
    ]
    if result["config"]:
        rows = [(f["field"], _value(f["value"]), f["may_change"], f["why"]) for f in result["config"]]
        columns = ("field", "value", "may change", "why")
        title = f"Configuration of {result['model']}"
        narrow = Table(title, columns[:2], [row[:2] for row in rows])
        tables.append(Table(title, columns, rows, narrow))
    if result["measured"]:
        tables.append(_measured(result["measured"]))
    if result["skipped"]:
        reasons: dict[str, list[str]] = {}
        for rule, why in result["skipped"].items():
            reasons.setdefault(why, []).append(rule)
        left_out = [(why, ", ".join(names)) for why, names in reasons.items()]
        tables.append(Table("Not checked", ("because", "rules"), left_out))
    return tables


def _measured(measured: Result) -> Table:
    groups = [("all", "", measured)]
    for kind in ("split", "class", "script"):
        groups += [(kind, name, figures) for name, figures in measured[f"by_{kind}"].items()]
    limit = measured["limit"]
    title = "The tokenizer on the data" + (f"; truncated: longer than {limit} tokens" if limit else "")
    counts, ratios = ("texts", "words", "tokens"), ("tokens per word", "per character")
    columns = ("of", "name", *counts, "unknown", *ratios, "truncated")
    rows = [
        (
            *(kind, name, *(figures[count] for count in counts), f"{figures['unknown_rate']:.2%}"),
            *(round(figures["fertility"], 2), round(figures["tokens_per_character"], 2)),
            None if figures["truncated"] is None else f"{figures['truncated']:.2%}",
        )
        for kind, name, figures in groups
    ]
    return Table(title, columns, rows)


def _value(value: Any) -> str | int | float | None:
    if isinstance(value, dict):
        names = [str(label) for label in value.values()]
        return ", ".join(names[:_LABELS]) + (", ..." if len(names) > _LABELS else "")
    # as in the file: 1e-12 is no 0.0
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)
