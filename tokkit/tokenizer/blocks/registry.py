"""The blocks a tokenizer is built of: normalizers, pre-tokenizers, post-processors, decoders, by name.

A block is written ``NAME`` or ``NAME:KEY=VALUE,...``; names and keys are those of the `tokenizers`
package in lower case. Several blocks of a kind run in the order given.

>>> sequence("normalizer", ["nfd", "strip-accents"]).normalize_str("é")
'e'
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tokkit.errors import UsageError, did_you_mean
from tokkit.tokenizer.blocks import calls, table, written
from tokkit.tokenizer.blocks.post_processors import SpecialTokens

NONE = "none"
"""The name that stands for "no such block", where a recipe would bring one."""

REGISTRY = table.BLOCKS
"""Kind -> name -> `table.Entry`."""

_MODULES = {
    "normalizer": "normalizers",
    "pre_tokenizer": "pre_tokenizers",
    "post_processor": "processors",
    "decoder": "decoders",
}
KINDS = tuple(_MODULES)


@dataclass(frozen=True)
class Block:
    """One block: its kind (``normalizer``, ...), its name in the registry, its parameters."""

    kind: str
    name: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def build(self, tokens: SpecialTokens) -> Any:
        """The object of the `tokenizers` package; raises `UsageError` for parameters it refuses."""
        entry = REGISTRY[self.kind][self.name]
        block = entry.block()
        if self.kind == "post_processor":
            block = functools.partial(block, tokens)
        try:
            return calls.call(block, entry.parameters, self.parameters)
        except UsageError as error:
            raise UsageError(f"{_flag(self.kind)} {self.name}: {error.message}", error.hint) from error
        except Exception as error:  # the library raises plain Exception for a bad pattern
            raise UsageError(f"{_flag(self.kind)} {self.name}: {error}") from error


def parse(kind: str, text: str) -> Block:
    """The block that ``NAME[:KEY=VALUE,...]`` names.

    Raises `UsageError` for a name the registry does not have and for what is no parameter.
    """
    name, _, tail = text.partition(":")
    known = REGISTRY[kind]
    if name not in known:
        raise UsageError(
            f'{_flag(kind)}: no block "{text if name == NONE else name}"{did_you_mean(name, known)}; '
            f"there are: {', '.join((*known, NONE))}",
            hint="tokkit blocks shows what each does",
        )
    try:
        return Block(kind, name, written.parameters(tail))
    except ValueError as error:
        raise UsageError(f"{_flag(kind)} {name}: {error}") from error


def sequence(kind: str, texts: Sequence[str], tokens: SpecialTokens | None = None) -> Any | None:
    """The blocks of one kind as one object of `tokenizers`, or None where there are none.

    tokens  where post-processors find the ids of the tokens they put in

    Raises `UsageError` for blocks that do not exist and parameters they do not take.
    """
    blocks = [parse(kind, text).build(tokens or SpecialTokens()) for text in texts if text != NONE]
    if len(blocks) < 2:
        return blocks[0] if blocks else None
    import tokenizers

    return getattr(tokenizers, _MODULES[kind]).Sequence(blocks)


def is_byte_level(pre_tokenizers: Sequence[str], normalizers: Sequence[str] = ()) -> bool:
    """Whether the pipeline turns text into the 256 characters that stand for bytes."""
    return any(text.partition(":")[0] == "byte-level" for text in (*pre_tokenizers, *normalizers))


def _flag(kind: str) -> str:
    return "--" + kind.replace("_", "-")
