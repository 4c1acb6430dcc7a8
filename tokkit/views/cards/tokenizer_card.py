"""The card of a tokenizer: its blocks and vocabulary, its corpus, how it was trained, and its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokkit.errors import counted
from tokkit.views.cards.markdown import THIS_FOLDER, Card, code, listed, table
from tokkit.views.cards.sections import Origin, joined
from tokkit.views.text import in_bytes, in_markdown

USE, VOCABULARY, DATA, TRAINING, LIMITS = "Use", "Vocabulary", "Data", "Training", "Limits"
HEADINGS = (USE, VOCABULARY, DATA, TRAINING, LIMITS)


@dataclass(frozen=True)
class TokenizerRecord:
    """What a tokenizer card displays.

    kind         of the model: "WordPiece"
    special      role -> special token
    blocks       kind of block -> types, in the order in which they run
    made_by      the command that wrote it
    counts       words, distinct words and bytes of the corpus; empty where it was not trained here
    base_model   on the hub, of a model whose embeddings are in the folder
    has_model    whether the folder has the weights of a model too
    """

    kind: str
    vocab_size: int
    max_length: int | None
    special: Mapping[str, str]
    blocks: Mapping[str, Sequence[str]]
    made_by: str
    origin: Origin
    counts: Mapping[str, int] = field(default_factory=dict)
    changes: Sequence[str] = ()
    has_model: bool = False


def tokenizer_card(record: TokenizerRecord) -> Card:
    """The card; sections without content are empty, and are not written."""
    size = counted(record.vocab_size, "token", style=",")
    return Card(
        metadata={"library_name": "transformers", "tags": ["tokkit", "tokenizer"]},
        title=f"{record.kind} tokenizer, {size}",
        lead=_lead(record),
        sections={
            USE: _use(record),
            VOCABULARY: _vocabulary(record),
            DATA: _data(record),
            TRAINING: record.origin.how,
            LIMITS: listed(_limits(record)),
        },
    )


def _lead(record: TokenizerRecord) -> str:
    lead = f"Written by `tokkit {record.made_by}`."
    if record.changes:
        lead += " " + " ".join(map(in_markdown, record.changes))
    if record.has_model:
        lead += " The folder holds the model that it belongs to as well."
    return lead


def _use(record: TokenizerRecord) -> str:
    lines = (
        "from transformers import AutoTokenizer",
        f'tokenizer = AutoTokenizer.from_pretrained("{THIS_FOLDER}")',
        'print(tokenizer("a text")["input_ids"])',
    )
    note = "`tokkit.json` has sample texts with their ids, by which tokkit verifies it when it is loaded."
    return joined(code("python", *lines), note)


def _vocabulary(record: TokenizerRecord) -> str:
    rows = [
        ("tokens", f"{record.vocab_size:,}"),
        ("longest input", _length(record.max_length)),
        *((f"{role} token", f"`{_in_code(token)}`") for role, token in record.special.items()),
        *((kind.replace("_", " "), ", ".join(types) or "none") for kind, types in record.blocks.items()),
    ]
    return table(("", "value"), rows)


def _length(max_length: int | None) -> str:
    return "not stated" if max_length is None else counted(max_length, "token", style=",")


def _in_code(token: Any) -> str:
    # A table ends a cell at a bar even within code, and code at a backtick.
    return in_markdown(token) if set(str(token)) & set("|`") else str(token)


def _data(record: TokenizerRecord) -> str:
    if not record.counts:
        return record.origin.read
    rows = [
        ("words", f"{record.counts['words']:,}"),
        ("distinct words", f"{record.counts['distinct_words']:,}"),
        ("size", in_bytes(record.counts["bytes"])),
    ]
    return joined(table(("corpus", ""), rows), record.origin.read)


def _limits(record: TokenizerRecord) -> Iterator[str]:
    if "unk" in record.special:
        yield (
            "Characters that are not in its vocabulary become the unknown token; "
            "`tokkit doctor TOKENIZER --data DATASET` says how many in your texts."
        )
    yield "Texts unlike its corpus take more tokens; `tokkit compare TOKENIZER --on DATASET` measures it."
    if record.max_length is None:
        yield "No longest input is stated: nothing is truncated unless you say so."
    yield "A model works with the tokenizer that it was trained with, and with no other."
