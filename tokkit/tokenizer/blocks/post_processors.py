"""Post-processors: what puts special tokens around a text or a pair, and numbers its segments.

Of all blocks these alone depend on a vocabulary: they hold the ids of the tokens they put in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tokkit.errors import UsageError

Written = Mapping[str, Any]
"""A block as `tokenizers` writes it to JSON."""


@dataclass(frozen=True)
class SpecialTokens:
    """Where post-processors find the tokens they put in.

    ids    token -> id, of the whole vocabulary
    roles  which token separates, begins, ...: ``{"sep": "[SEP]"}``
    """

    ids: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def of(self, role: str, named: str) -> tuple[str, int]:
        """The token named, or else the one of that role, and its id; `UsageError` where there is none."""
        token = named or self.roles.get(role)
        if token is None:
            raise UsageError(
                f"no {role} token is named; write {role}=TOKEN",
                hint=f"name it: {role}=TOKEN in the block, and --special-token TOKEN",
            )
        return token, self.id_of(token)

    def id_of(self, token: str) -> int:
        if token not in self.ids:
            raise UsageError(
                f'it names "{token}", which is no special token', hint=f"add it: --special-token '{token}'"
            )
        return self.ids[token]


def bert(tokens: SpecialTokens, sep: str = "", cls: str = "") -> Any:
    from tokenizers import processors

    return processors.BertProcessing(tokens.of("sep", sep), tokens.of("cls", cls))


def roberta(
    tokens: SpecialTokens,
    sep: str = "",
    cls: str = "",
    trim_offsets: bool = True,
    add_prefix_space: bool = False,
) -> Any:
    from tokenizers import processors

    ends = tokens.of("sep", sep), tokens.of("cls", cls)
    return processors.RobertaProcessing(*ends, trim_offsets, add_prefix_space)


def byte_level(
    tokens: SpecialTokens, add_prefix_space: bool = True, trim_offsets: bool = True, use_regex: bool = True
) -> Any:
    from tokenizers import processors

    return processors.ByteLevel(add_prefix_space, trim_offsets, use_regex)


def template(tokens: SpecialTokens, single: str, pair: str = "") -> Any:
    """Raises `ValueError` for a template that means nothing."""
    from tokenizers import processors

    if "$" not in single:
        raise ValueError("write template:single=[CLS] $A [SEP],pair=...: $A stands for the text")
    pair = pair.strip() or f"{single.strip()} $B:1"
    pieces = dict.fromkeys(_without_segment(piece) for piece in f"{single} {pair}".split())
    named = [(piece, tokens.id_of(piece)) for piece in pieces if not piece.startswith("$")]
    return processors.TemplateProcessing(single=single.strip(), pair=pair, special_tokens=named)


def _without_segment(piece: str) -> str:
    """A piece of a template without its segment number: ``[SEP]:1`` -> ``[SEP]``."""
    token, colon, segment = piece.rpartition(":")
    return token if colon and segment.isdigit() else piece


def tokens_in(processor: Written | None) -> Iterator[str]:
    """The special tokens that a post-processor puts around texts."""
    for block in single(processor):
        for entry in block.get("special_tokens", {}).values():
            yield from entry["tokens"]
        yield from (block[name][0] for name in ("cls", "sep") if name in block)


def with_ids(processor: Written | None, ids: Mapping[str, int]) -> Written | None:
    """The post-processor with the ids that its special tokens have now."""
    if processor is None:
        return None
    renewed = dict(processor)
    if "processors" in renewed:
        renewed["processors"] = [with_ids(block, ids) for block in renewed["processors"]]
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
