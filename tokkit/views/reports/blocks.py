"""Tables of blocks and recipes."""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections.abc import Sequence

from tokkit.errors import counted
from tokkit.views.tables import Result, Table, facts

_KINDS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")


def overview(result: Result) -> list[Table]:
    """One table per kind of block with one line per block; then the recipes."""
    tables = []
    for kind, blocks in itertools.groupby(result["blocks"], key=lambda block: block["kind"]):
        group = list(blocks)
        cut = ("when cut at whitespace",) if any(block["cut"] for block in group) else ()
        rows = [
            (block["name"], block["summary"], _example(block["example"]), *((block["cut"],) if cut else ()))
            for block in group
        ]
        title = f"{_words(kind)}s".capitalize()
        tables.append(Table(title, ("block", "what it does", "example", *cut), rows))
    if result["recipes"]:
        recipes = [
            (recipe["name"], recipe["summary"], _list(recipe["normalizers"]), _list(recipe["pre_tokenizers"]))
            for recipe in result["recipes"]
        ]
        columns = ("recipe", "what it is", "normalizers", "pre-tokenizers")
        tables.append(Table("Recipes", columns, recipes))
    return tables


def detailed(result: Result) -> list[Table]:
    """One table per block or recipe, one line per fact."""
    return [*map(_block, result["blocks"]), *map(_recipe, result["recipes"])]


def _block(block: Result) -> Table:
    rows = [
        ("what it does", block["summary"]),
        *(("parameter", _parameter(parameter)) for parameter in block["parameters"]),
        ("written", block["example"]["block"]),
        ("example", _example(block["example"])),
        ("when cut at whitespace", block["cut"] or None),
    ]
    return facts(f"{_words(block['kind'])} {block['name']}", rows)


def _parameter(parameter: Result) -> str:
    if parameter["required"]:
        return f"{parameter['name']}=... (required)"
    if (default := parameter["default"]) == "":
        return f"{parameter['name']}=... (may be left out)"
    return f"{parameter['name']}={default if isinstance(default, str) else json.dumps(default)}"


def _recipe(recipe: Result) -> Table:
    rows = [
        ("what it is", recipe["summary"]),
        *((_words(kind), block) for kind in _KINDS for block in recipe[f"{kind}s"]),
        ("special tokens", " ".join(recipe["special_tokens"])),
        ("roles", ", ".join(f"{role} {token}" for role, token in recipe["roles"].items())),
        ("longest text", counted(recipe["model_max_length"], "token")),
        ("unknown characters", "as their bytes, in BPE and Unigram" if recipe["byte_fallback"] else None),
        ("counting may cut", recipe["cut"]),
    ]
    return facts(f"recipe {recipe['name']}", rows)


def _list(blocks: Sequence[str]) -> str | None:
    """Blocks as they are written, with room to fold them."""
    return "; ".join(block.replace(":", ": ").replace(",", ", ") for block in blocks) or None


def _example(example: Result) -> str:
    """``text -> result``; where the two look alike, their characters stand apart."""
    text, result = example["text"], example["result"]
    are_texts = isinstance(text, str) and isinstance(result, str)
    if are_texts and text and unicodedata.normalize("NFC", text) == unicodedata.normalize("NFC", result):
        text, result = " ".join(text), " ".join(result)
    return f"{_joined(text)} -> {_joined(result)}"


def _joined(pieces: str | Sequence[str]) -> str:
    if not isinstance(pieces, str):
        return " | ".join(pieces)
    return pieces if pieces == " ".join(pieces.split()) else f'"{pieces}"'


def _words(kind: str) -> str:
    return kind.replace("_", "-")
