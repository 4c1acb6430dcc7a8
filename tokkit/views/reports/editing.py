"""Tables of tokenizers that were wrapped, extended or trimmed, and of tokens worth adding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokkit.errors import counted
from tokkit.views.tables import Result, Table, facts

# Proofs, and names of tokens on one line, that are displayed.
_PROOFS, _TOKENS = 20, 5


def wrapped(result: Result) -> list[Table]:
    """The folder, its content, and what was verified."""
    length = result["max_length"]
    table = facts(
        "Wrapped",
        [
            ("tokenizer", result["tokenizer"]),
            ("vocabulary", counted(result["vocab_size"], "token", style=",")),
            ("longest input", None if length is None else counted(length, "token", style=",")),
            ("inputs", ", ".join(result["input_names"])),
            ("same ids on", counted(result["proven_on"], "text", style=",")),
            ("equally likely ids on", counted(result["ties"], "text", style=",") if result["ties"] else None),
            ("class rebuild", result["class_rebuild"]["found"]),
            ("sha256", result["sha256"]),
        ],
    )
    special = list(result["special"].items())
    return [table, Table("Special tokens", ("role", "token"), special)] if special else [table]


def added(result: Result) -> list[Table]:
    """What `add-tokens` added, the proof of each, and what else is tokenized differently now."""
    unused = result["unused_rows_taken"]
    table = facts(
        "Tokenizer",
        [
            ("tokenizer", result["tokenizer"]),
            ("vocabulary", counted(result["vocab_size"], "token", style=",")),
            ("added", f"{len(result['added']):,}"),
            ("already there", _some(result["already_present"])),
            ("on the way to them", _some(result["intermediate"])),
            *_embedding_rows(result),
            ("new rows start from", result["init"] or None),
            ("rows that were unused", f"{unused:,} set anew" if unused else None),
        ],
    )
    proofs = [
        (proof["token"], result["ids"][proof["token"]], proof["text"], " ".join(proof["tokens"]))
        for proof in result["proof"][:_PROOFS]
    ]
    title = f"Proof{_of(len(proofs), len(result['proof']))}"
    proof_table = Table(title, ("token", "id", "text", "is cut into"), proofs)
    return [table, *([proof_table] if proofs else []), *_effects(result)]


def trimmed(result: Result) -> list[Table]:
    """What `trim` left."""
    before, after = result["vocab_size_before"], result["vocab_size_after"]
    texts = counted(result["texts"], "text", style=",")
    rows = [
        ("tokenizer", result["tokenizer"]),
        ("vocabulary", f"{after:,} of {before:,} tokens"),
        (
            "corpus",
            f"{texts}, {result['texts_changed']:,} tokenized differently",
        ),
        ("its tokens", f"{result['tokens_before']:,} before, {result['tokens_after']:,} after"),
        *_embedding_rows(result),
    ]
    if result["model"]:
        parameters = f"{result['parameters_before']:,} before, {result['parameters_after']:,} after"
        rows.append(("parameters", parameters))
    return [facts("Tokenizer", [*rows, ("ids, old and new", result["id_map"])])]


def suggestions(result: Result) -> list[Table]:
    """The tokens with what they save, the words they change, and what all of them together do."""
    suggested = result["suggestions"]
    unknown = ("unknown removed",) if any(token["unknown_removed"] for token in suggested) else ()
    rows = [
        (
            *(token["token"], token["count"], " ".join(token["pieces_now"]), token["tokens_saved"]),
            *((token["unknown_removed"],) if unknown else ()),
        )
        for token in suggested
    ]
    columns = ("token", "words", "split into now", "tokens saved", *unknown)
    changes = [
        (token["token"], change["word"], " ".join(change["before"]), " ".join(change["after"]))
        for token in suggested
        for change in token["changes"]
    ]
    tables = [
        Table("Tokens worth adding, each with those above it", columns, rows),
        Table("Other words that change", ("token", "word", "now", "with it"), changes),
    ]
    totals = [
        ("words", f"{result['words']:,}, {result['distinct_words']:,} distinct"),
        ("tokens now", f"{result['tokens']:,}"),
        ("tokens with all of them", f"{result['tokens_after']:,} ({_fewer(result['saved_share'])})"),
        ("unknown tokens now", f"{result['unknown']:,}"),
        ("unknown tokens with all of them", f"{result['unknown_after']:,}"),
        ("written to", result["output"] or None),
    ]
    tokens = counted(len(suggested), "token") + (" together" if len(suggested) > 1 else "")
    title = tokens if suggested else "No word is worth a token by these rules"
    return [*(table for table in tables if table.rows), facts(title, totals)]


def _fewer(share: float) -> str:
    rounded = f"{abs(share):.1%}"
    return "as many" if rounded == "0.0%" else f"{rounded} {'fewer' if share > 0 else 'more'}"


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
    words = [
        (effect["word"], effect["count"], " ".join(effect["before"]), " ".join(effect["after"]))
        for effect in result["effects"]
    ]
    title = f"Words tokenized differently{_of(len(words), sample['changed'])}"
    changed = Table(title, ("word", "count", "before", "after"), words)
    return [facts("On the sample", rows), *([changed] if words else [])]


def _of(listed: int, total: int) -> str:
    return f" ({listed} of {total:,})" if listed < total else ""


def _some(tokens: Sequence[Any]) -> str:
    rest = len(tokens) - _TOKENS
    return ", ".join(tokens[:_TOKENS]) + (f" and {rest:,} more" if rest > 0 else "") or "none"
