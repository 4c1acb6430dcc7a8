"""Post-processors as `tokenizers` writes them to JSON: the special tokens in them, and their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Written = Mapping[str, Any]
"""A block as `tokenizers` writes it to JSON."""


def tokens_in(processor: Written | None) -> Iterator[str]:
    """The special tokens that a post-processor puts around texts."""
    return (token for token, _ in token_ids(processor))


def token_ids(processor: Written | None) -> Iterator[tuple[str, int]]:
    """(token, id) of each special token that a post-processor puts around texts."""
    for block in single(processor):
        for entry in block.get("special_tokens", {}).values():
            yield from zip(entry["tokens"], entry["ids"], strict=True)
        yield from (tuple(block[name]) for name in ("cls", "sep") if name in block)


def with_ids(processor: Written | None, ids: Mapping[str, int]) -> Written | None:
    """The post-processor with the ids that its special tokens have now."""
    if processor is None:
        return None
    renewed = dict(processor)
    if "processors" in renewed:
        renewed["processors"] = [with_ids(block, ids) for block in renewed["processors"]]
    # TemplateProcessing names its tokens here, BertProcessing and RobertaProcessing by `cls` and `sep`
    if "special_tokens" in renewed:
        renewed["special_tokens"] = {
            name: {**entry, "ids": [ids[token] for token in entry["tokens"]]}
            for name, entry in renewed["special_tokens"].items()
        }
    for name in ("cls", "sep"):
        if name in renewed:
            token = renewed[name][0]
            renewed[name] = [token, ids[token]]
    return renewed


def single(processor: Written | None) -> Iterator[Written]:
    """The post-processor and, of a sequence, its members."""
    if processor is not None:
        yield processor
        for member in processor.get("processors", ()):
            yield from single(member)


def unmarked(backend: Tokenizer, special: Mapping[str, str]) -> str | None:
    """What a tokenizer that has a cls or sep token does not put around texts; None where nothing is missing.

    special   role -> token, as in its configuration
    """
    marks = {special.get("cls", "[CLS]"), special.get("sep", "[SEP]")}
    ids = {id_ for mark in marks if (id_ := backend.token_to_id(mark)) is not None}
    if not ids:
        return None
    named = " and ".join(sorted(mark for mark in marks if backend.token_to_id(mark) is not None))
    try:
        single, pair = backend.encode("a"), backend.encode("a", "a")
    # a text that it fails on is reported by others
    except Exception:
        return None
    if not ids & set(single.ids):
        return f"it has {named} in its vocabulary, but no template that adds them to a text"
    if (0, 1) in pairwise(pair.sequence_ids):
        return f"its template joins the two texts of a pair without {named} between them"
    return None
