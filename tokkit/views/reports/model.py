"""What is told of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.tables import Table

Result = Mapping[str, Any]


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
