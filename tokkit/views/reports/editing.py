"""Tables of tokenizers that were extended or trimmed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.tables import Table

Result = Mapping[str, Any]

_SHOWN = 20


def added(result: Result) -> list[Table]:
    """What `add-tokens` added, the proof of each, and what else is tokenized differently now."""
    rows = [
        ("tokenizer", result["tokenizer"]),
        ("vocabulary", f"{result['vocab_size']:,} tokens"),
        ("added", f"{len(result['added']):,}"),
        ("already there", _some(result["already_present"])),
        ("on the way to them", _some(result["intermediate"])),
        *_embedding_rows(result),
    ]
    if result["init"]:
        rows.append(("new rows start from", result["init"]))
    if result["unused_rows_taken"]:
        rows.append(("rows that were unused", f"{result['unused_rows_taken']:,} set anew"))
    tables = [Table("Tokenizer", ("", "value"), rows)]
    if result["proof"]:
        proofs = [
            (proof["token"], result["ids"][proof["token"]], proof["text"], " ".join(proof["tokens"]))
            for proof in result["proof"][:_SHOWN]
        ]
        title = f"Proof{_of(len(proofs), len(result['proof']))}"
        tables.append(Table(title, ("token", "id", "text", "is cut into"), proofs))
    return [*tables, *_effects(result)]


def trimmed(result: Result) -> list[Table]:
    """What `trim` left."""
    before, after = result["vocab_size_before"], result["vocab_size_after"]
    rows = [
        ("tokenizer", result["tokenizer"]),
        ("vocabulary", f"{after:,} of {before:,} tokens"),
        (
            "corpus",
            f"{result['texts']:,} texts, {result['texts_changed']:,} tokenized differently",
        ),
        ("its tokens", f"{result['tokens_before']:,} before, {result['tokens_after']:,} after"),
        *_embedding_rows(result),
    ]
    if result["model"]:
        rows.append(
            ("parameters", f"{result['parameters_before']:,} before, {result['parameters_after']:,} after")
        )
    return [Table("Tokenizer", ("", "value"), [*rows, ("ids, old and new", result["id_map"])])]


def _embedding_rows(result: Result) -> list[tuple[str, str]]:
    if not result["model"]:
        return []
    before, after = result["embedding_rows_before"], result["embedding_rows_after"]
    return [
        ("model", f"{result['model']} ({result['model_class']})"),
        ("embedding rows", f"{before:,} before, {after:,} after"),
    ]


def _effects(result: Result) -> list[Table]:
    sample = result["sample"]
    rows = [
        ("words", f"{sample['words']:,}, {sample['distinct']:,} distinct"),
        ("tokenized differently", f"{sample['changed']:,} distinct, {sample['other']:,} of them unexpected"),
        ("tokens", f"{sample['tokens_before']:,} before, {sample['tokens_after']:,} after"),
    ]
    tables = [Table("On the sample", ("", "value"), rows)]
    if result["effects"]:
        words = [
            (each["word"], each["count"], " ".join(each["before"]), " ".join(each["after"]))
            for each in result["effects"]
        ]
        title = f"Words tokenized differently{_of(len(words), sample['changed'])}"
        tables.append(Table(title, ("word", "count", "before", "after"), words))
    return tables


def _of(listed: int, total: int) -> str:
    return f" ({listed} of {total:,})" if listed < total else ""


def _some(tokens: list[str]) -> str:
    if not tokens:
        return "none"
    return ", ".join(tokens[:5]) + (f" and {len(tokens) - 5:,} more" if tokens[5:] else "")
