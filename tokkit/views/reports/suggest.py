"""The table of tokens worth adding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.tables import Table

Result = Mapping[str, Any]


def suggestions(result: Result) -> list[Table]:
    """The tokens with what they save, the words they change, and what all of them together do."""
    found = result["suggestions"]
    unknown = any(each["unknown_removed"] for each in found)
    columns = ("token", "words", "split into now", "tokens saved", *(("unknown removed",) if unknown else ()))
    rows = [
        (
            *(each["token"], each["count"], " ".join(each["pieces_now"]), each["tokens_saved"]),
            *((each["unknown_removed"],) if unknown else ()),
        )
        for each in found
    ]
    tables = [Table("Tokens worth adding, each with those above it", columns, rows)] if rows else []
    changes = [
        (each["token"], change["word"], " ".join(change["before"]), " ".join(change["after"]))
        for each in found
        for change in each["changes"]
    ]
    if changes:
        tables.append(Table("Other words that change", ("token", "word", "now", "with it"), changes))
    tokens, after = result["tokens"], result["tokens_after"]
    together: list[tuple[str, Any]] = [
        ("words", f"{result['words']:,}, {result['distinct_words']:,} distinct"),
        ("tokens now", f"{tokens:,}"),
        ("tokens with all of them", f"{after:,} ({result['saved_share']:.1%} fewer)"),
        ("unknown tokens now", f"{result['unknown']:,}"),
        ("unknown tokens with all of them", f"{result['unknown_after']:,}"),
    ]
    if result["output"]:
        together.append(("written to", result["output"]))
    title = f"{len(found)} tokens together" if found else "No word is worth a token by these rules"
    return [*tables, Table(title, ("", "value"), together)]
