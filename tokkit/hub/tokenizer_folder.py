"""The card of a tokenizer folder, from its files and its receipt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import counted
from tokkit.files import Fields
from tokkit.progress import Progress
from tokkit.review.recorded_commands import typed_command
from tokkit.tokenizer.folder.load import load, read_json
from tokkit.tokenizer.folder.tokenizer_folder import TOKENIZER_FILE
from tokkit.views.cards.markdown import Card
from tokkit.views.cards.sections import Origin
from tokkit.views.cards.tokenizer_card import TokenizerRecord, tokenizer_card

_BLOCKS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_AGAIN = "copy the whole folder again, or train it again"


def build_tokenizer_card(folder: Path, progress: Progress) -> Card:
    """Raises `InputError` for a damaged folder, and where the ids are not those that the receipt records."""
    receipt = files.receipt_fields(folder, _AGAIN)
    result = receipt.fields("result")
    loaded = load(folder, progress)
    content = read_json(folder / TOKENIZER_FILE)
    command = receipt.text("command")
    model = content.get("model") or {}
    trained = {name: result.integer(name, default=None) for name in ("words", "distinct_words", "bytes")}
    inputs = result.objects("inputs", default=())
    record = TokenizerRecord(
        kind=str(model.get("type") or "Unknown"),
        vocab_size=loaded.backend.get_vocab_size(with_added_tokens=True),
        max_length=loaded.max_length,
        special=loaded.special,
        blocks={kind: list(_types(content.get(kind))) for kind in _BLOCKS},
        made_by=command,
        origin=Origin(
            command=typed_command(receipt),
            inputs=[(item.text("name"), item.integer("bytes", default=0)) for item in inputs],
            settings=result.fields("settings").content,
            versions=result.fields("versions").content,
        ),
        counts={} if None in trained.values() else trained,
        changes=list(_changes(command, result)),
        has_model=(folder / "model.safetensors").exists(),
    )
    return tokenizer_card(record)


def _types(block: Mapping[str, Any] | None) -> Iterator[str]:
    """The types of a block; of a sequence, of each in it."""
    if not isinstance(block, Mapping):
        return
    for name in ("normalizers", "pretokenizers", "processors", "decoders"):
        if isinstance(block.get(name), list):
            for inner in block[name]:
                yield from _types(inner)
            return
    yield str(block.get("type"))


def _changes(command: str, result: Fields) -> Iterator[str]:
    if command == "add-tokens":
        added = result.content.get("added")
        yield f"Extended by {counted(len(added) if isinstance(added, list) else 0, 'token', style=',')}."
    if command == "trim":
        before, after = (
            result.integer(name, default=0) for name in ("vocab_size_before", "vocab_size_after")
        )
        yield f"Pruned from {before:,} tokens to the {after:,} that a corpus uses."
