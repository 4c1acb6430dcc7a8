"""What `wrap` tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.tables import Table


def wrapped(result: Mapping[str, Any]) -> list[Table]:
    """The folder, its content, and what was verified."""
    length = result["max_length"]
    rows = [
        ("tokenizer", result["tokenizer"]),
        ("vocabulary", f"{result['vocab_size']:,} tokens"),
        ("longest input", None if length is None else f"{length:,} tokens"),
        ("inputs", ", ".join(result["input_names"])),
        ("same ids on", f"{result['proven_on']:,} texts"),
        ("class rebuild", result["class_rebuild"]["found"]),
        ("sha256", result["sha256"]),
    ]
    tables = [Table("Wrapped", ("", "value"), [row for row in rows if row[1] is not None])]
    if result["special"]:
        tables.append(Table("Special tokens", ("role", "token"), list(result["special"].items())))
    return tables
