"""What training and counting tell."""

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


def _stages(result: Result) -> list[Table]:
    """Where time and memory went, for what tells."""
    rows = [
        (taken["stage"], taken["seconds"], _size(taken["peak_memory"]) if taken["peak_memory"] else None)
        for taken in result.get("stages", ())
    ]
    return [Table("Where it went", ("stage", "seconds", "most memory so far"), rows)] if rows else []


def _size(amount: int) -> str:
    return f"{amount / 1e6:.1f} MB" if amount >= 1e6 else f"{amount / 1e3:.1f} kB"
