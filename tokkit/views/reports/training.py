"""Reports of the `train-*` commands, of `count` and `merge-counts`."""

from __future__ import annotations

from tokkit.errors import counted
from tokkit.views.reports.dry_run import dry_run
from tokkit.views.tables import Result, Table, facts
from tokkit.views.text import in_bytes


def trained(result: Result) -> list[Table]:
    """The tokenizer, or what training it would take."""
    return dry_run(result) if "dry_run" in result else training(result)


def training(result: Result) -> list[Table]:
    """The tokenizer, and the time and memory of each stage."""
    words = f"{counted(result['words'], 'word', style=',')}, {result['distinct_words']:,} distinct"
    rows = [
        ("tokenizer", result["tokenizer"]),
        ("vocabulary", counted(result["vocab_size"], "token", style=",")),
        ("corpus", f"{words}, {in_bytes(result['bytes'])}"),
        ("time", f"{result['seconds']:.1f} s"),
        ("sha256", result["sha256"]),
    ]
    tables = [facts("Tokenizer", rows)]
    # Several sizes of one training: the largest is the tokenizer above, the others are nested in it.
    if result.get("sizes"):
        sizes = [(size["tokenizer"], size["vocab_size"], size["sha256"]) for size in result["sizes"]]
        tables.append(Table("Nested vocabularies", ("tokenizer", "tokens", "sha256"), sizes))
    return [*tables, *_stages(result)]


def counts(result: Result) -> list[Table]:
    """The counts, and the time and memory of each stage."""
    rows = [
        ("counts", result["counts"]),
        ("corpus", in_bytes(result["bytes"])),
        (f"{result['unit']}s", f"{result['pieces']:,}, {result['distinct_pieces']:,} distinct"),
        ("time", f"{result['seconds']:.1f} s"),
        ("fingerprint", result["fingerprint"]),
    ]
    return [facts("Counts", rows), *_stages(result)]


def _stages(result: Result) -> list[Table]:
    """Time and memory by stage, where they were measured."""
    rows = [
        (stage["stage"], stage["seconds"], in_bytes(stage["peak_memory"]) if stage["peak_memory"] else None)
        for stage in result.get("stages", ())
    ]
    return [Table("Stages", ("stage", "seconds", "peak memory so far"), rows)] if rows else []
