"""The tables of each result. They are made from the very object that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.tables import Table

Result = Mapping[str, Any]


def training(result: Result) -> list[Table]:
    """What a `train-*` command made, and where its time and memory went."""
    rows = [
        ("tokenizer", result["tokenizer"]),
        ("vocabulary", f"{result['vocab_size']:,} tokens"),
        (
            "corpus",
            f"{result['words']:,} words, {result['distinct_words']:,} distinct, {_size(result['bytes'])}",
        ),
        ("time", f"{result['seconds']:.1f} s"),
        ("sha256", result["sha256"]),
    ]
    tables = [Table("Tokenizer", ("", "value"), rows)]
    if result.get("sizes"):
        sizes = [(made["tokenizer"], made["vocab_size"], made["sha256"]) for made in result["sizes"]]
        tables.append(Table("Nested vocabularies", ("tokenizer", "tokens", "sha256"), sizes))
    return [*tables, *_stages(result)]


def _stages(result: Result) -> list[Table]:
    """Where time and memory went, for what tells."""
    rows = [
        (taken["stage"], taken["seconds"], _size(taken["peak_memory"]) if taken["peak_memory"] else None)
        for taken in result.get("stages", ())
    ]
    return [Table("Where it went", ("stage", "seconds", "most memory so far"), rows)] if rows else []


def counts(result: Result) -> list[Table]:
    """What `count` and `merge-counts` wrote."""
    rows = [
        ("counts", result["counts"]),
        ("corpus", _size(result["bytes"])),
        (f"{result['unit']}s", f"{result['pieces']:,}, {result['distinct_pieces']:,} distinct"),
        ("time", f"{result['seconds']:.1f} s"),
        ("fingerprint", result["fingerprint"]),
    ]
    return [Table("Counts", ("", "value"), rows), *_stages(result)]


def stats(result: Result) -> list[Table]:
    """Everything `stats` found, one table an aspect."""
    splits: Mapping[str, Result] = result["splits"]
    found = [Table("Rows", ("split", *_ROW_COLUMNS), [_split_row(name, s) for name, s in splits.items()])]
    labels = dict.fromkeys(label for split in splits.values() for label in split["classes"])
    if labels:
        columns = [column for name in splits for column in (name, f"{name} %")]
        rows = [(label, *_class_cells(splits, label)) for label in labels]
        found.append(Table("Classes", ("label", *columns), rows))
    found.append(_lengths_table(splits))
    if any(split["by_class"] for split in splits.values()):
        found.append(_lengths_by_class(splits))
    if any("tokens" in split["lengths"] for split in splits.values()):
        found.append(_truncation_table(splits))
    across = result["across"]
    if across["leaks"]:
        found.append(
            Table("Texts in two splits", ("splits", "rows of the second"), list(across["leaks"].items()))
        )
    if result["findings"]:
        rows = [(f["severity"], f["rule"], f["message"], f["fix"]) for f in result["findings"]]
        found.append(Table("Findings", ("severity", "rule", "finding", "what mends it"), rows))
    return found


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
    """Rows per class before and after, and the class weights."""
    rows = [
        (label, n, result["after"].get(label, 0), result["weights"].get(label))
        for label, n in result["before"].items()
    ]
    tables = [Table(f"Written to {result['output']}", ("label", "before", "after", "weight"), rows)]
    if result["left_out"]:
        tables.append(Table("Left out", ("reason", "rows"), list(result["left_out"].items())))
    return tables


def evaluation(result: Result) -> list[Table]:
    """One model's scores: overall beside the majority guess, per class, and the confusion matrix."""
    majority = result["majority"]
    overall = [
        ("accuracy", result["accuracy"], majority["accuracy"]),
        ("macro F1", result["macro_f1"], majority["macro_f1"]),
        ("weighted F1", result["weighted_f1"], majority["weighted_f1"]),
        ("loss", result["loss"], None),
    ]
    classes = [
        (label, c["precision"], c["recall"], c["f1"], c["support"]) for label, c in result["classes"].items()
    ]
    labels = result["confusion"]["labels"]
    matrix = [(label, *counts) for label, counts in zip(labels, result["confusion"]["matrix"], strict=True)]
    guess = f'always "{majority["label"]}"'
    tables = [
        Table(f"{result['rows']:,} rows", ("", "model", guess), overall),
        Table("Classes", ("label", "precision", "recall", "F1", "rows"), classes),
        Table("Confusion (rows: true, columns: predicted)", ("", *labels), matrix),
    ]
    if result.get("left_out"):
        tables.append(Table("Left out", ("reason", "rows"), list(result["left_out"].items())))
    return tables


def comparison(result: Result) -> list[Table]:
    """Several models on the same rows, the best marked."""
    rows = [
        (
            "*" if name == result["best"] else "",
            *(name, scores["loss"], scores["accuracy"], scores["macro_f1"]),
        )
        for name, scores in result["models"].items()
    ]
    return [Table(f"Best by macro F1: {result['best']}", ("", "model", "loss", "accuracy", "macro F1"), rows)]


def finetuning(result: Result) -> list[Table]:
    """What `finetune` reached on the validation split."""
    rows = [
        ("model", result["model"]),
        ("epochs", f"{result['epochs']} (best: {result['best_epoch']})"),
        ("steps", f"{result['steps']:,}"),
        ("time", f"{result['seconds']:.1f} s, {result['rows_per_second']:.0f} rows/s"),
        ("padding", f"{result['padding_share']:.1%} of the tokens computed"),
    ]
    return [Table("Fine-tuned", ("", "value"), rows), *evaluation(result["metrics"])]


def predictions(result: Result) -> list[Table]:
    """A row a text: what is predicted, how sure, what is true where that is known."""
    rows = result["predictions"]
    truth = any("true_label" in row for row in rows)
    unit = "%" if result["unit"] == "per cent" else result["unit"]
    columns = ("text", "label", unit, *(("true label",) if truth else ()), "others")
    lines = []
    for row in rows:
        shares = row["probabilities"] or {}
        true = (row.get("true_label") or "",) if truth else ()
        ranked = sorted(shares, key=lambda label: -shares[label])
        others = [label for label in ranked if label != row["label"]][:_OTHERS]
        told = ", ".join(f"{label} {shares[label]:.4g}" for label in others)
        lines.append((row["text"], row["label"], shares.get(row["label"]), *true, told))
    return [Table("Predictions", columns, lines)]


_OTHERS = 2
"""Labels beside the predicted one that are shown."""

_ROW_COLUMNS = ("rows", "missing", "exact copies", "normalized copies", "two labels")


def _split_row(name: str, split: Result) -> tuple[Any, ...]:
    copies = split["duplicates"]
    missing = sum(split["missing"].values())
    return (name, split["rows"], missing, copies["exact"], copies["normalized"], split["conflicting_labels"])


def _class_cells(splits: Mapping[str, Result], label: str) -> list[Any]:
    cells: list[Any] = []
    for split in splits.values():
        n = split["classes"].get(label, 0)
        cells += [n, f"{n / max(sum(split['classes'].values()), 1):.1%}"]
    return cells


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
    limits = next(iter(splits.values()))["lengths"]["tokens"]["truncated"]
    rows = [
        (
            name,
            *(f"{share:.2%}" for share in split["lengths"]["tokens"]["truncated"].values()),
            f"{split['lengths']['tokens']['unknown_rate']:.2%}",
        )
        for name, split in splits.items()
    ]
    columns = ("split", *(f"> {limit}" for limit in limits), "unknown")
    return Table("Rows cut off at a maximum length in tokens, and unknown tokens", columns, rows)


def _tenths(value: float | None) -> float | int | None:
    return round(value, 1) if isinstance(value, float) else value


def _size(amount: int) -> str:
    return f"{amount / 1e6:.1f} MB" if amount >= 1e6 else f"{amount / 1e3:.1f} kB"
