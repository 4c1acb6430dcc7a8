"""Where text may be cut so that the pieces, taken alone, give the words of the whole.

Two things decide. The first pre-tokenizer that splits at white space says how much of it matters:
one that *drops* it allows every cut before it; one that *keeps* it, as part of a word, allows a cut only
before a whole run of it, and only where no normalizer makes or takes away white space. Before that
pre-tokenizer nothing may look across the cut. A pipeline of which this is not known is not cut.

Tests hold every pipeline of the blocks offered against the reference on random Unicode.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SPACES = " "
BLANKS = " \t\n\r"
"""White space of ASCII that BERT's cleaning keeps: it deletes the rest, and joins what it parted."""

Block = Mapping[str, Any]

_TOLD = {BLANKS: "before white space", SPACES: "before a space", None: "nowhere"}

_BY_CHARACTER = ("BertNormalizer", "Lowercase", "Nmt", "StripAccents", "NFC", "NFD", "NFKC", "NFKD")
"""Normalizers that carry nothing across white space of ASCII."""

_KEEP_WHITE = ("Lowercase", "NFC", "NFD", "NFKC", "NFKD")
"""Those of them after which white space stands where it stood."""

_DROP = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")
_ALONG = ("Digits", "Punctuation")
"""Pre-tokenizers that may come before the one that splits: they part characters by what they are alone."""


@dataclass(frozen=True)
class Pipeline:
    """Normalizers and pre-tokenizers as `tokenizers` writes them to JSON, sequences unrolled."""

    normalizers: tuple[Block, ...]
    pre_tokenizers: tuple[Block, ...]

    @classmethod
    def of(cls, tokenizer: str) -> Pipeline:
        """The pipeline of a tokenizer in JSON."""
        return cls.in_content(json.loads(tokenizer))

    @classmethod
    def in_content(cls, content: Block) -> Pipeline:
        """The pipeline of a tokenizer whose JSON was read already."""
        return cls(
            tuple(unrolled(content.get("normalizer"), "normalizers")),
            tuple(unrolled(content.get("pre_tokenizer"), "pretokenizers")),
        )

    def as_json(self) -> str:
        """The same text for the same pipeline, wherever it was read."""
        content = {"normalizers": self.normalizers, "pre_tokenizers": self.pre_tokenizers}
        return json.dumps(content, ensure_ascii=False, sort_keys=True)

    def cuts(self) -> str | None:
        """The characters before which text may be cut, each at the start of a run of white space.

        None where the pipeline may not be cut.
        """
        deciding = list(itertools.dropwhile(_goes_along, self.pre_tokenizers))
        if not deciding:
            return None
        splitting, *later = deciding
        if splitting["type"] in _DROP:
            return BLANKS if self._normalizers_are(_BY_CHARACTER) else None
        if any(_asks_for_the_start(block) for block in later):
            return None
        return _keeping(splitting) if self._normalizers_are(_KEEP_WHITE) else None

    def told(self) -> str:
        """Where it may be cut, in words."""
        return _TOLD[self.cuts()]

    def _normalizers_are(self, allowed: Sequence[str]) -> bool:
        return all(block["type"] in allowed for block in self.normalizers)


def unrolled(block: Block | None, members: str) -> list[Block]:
    """A block, or the blocks of a sequence: ``members`` is what its list is called in JSON."""
    if block is None:
        return []
    if block["type"] != "Sequence":
        return [block]
    return [inner for member in block[members] for inner in unrolled(member, members)]


def _goes_along(block: Block) -> bool:
    return block["type"] in _ALONG and block.get("behavior", "Isolated") == "Isolated"


def _asks_for_the_start(block: Block) -> bool:
    """Whether it treats the piece that begins a text as no other."""
    return block["type"] == "Metaspace" and block["prepend_scheme"] == "first"


def _keeping(block: Block) -> str | None:
    """Where a pre-tokenizer that keeps white space may be cut.

    What puts something before each text that does not start with a space must meet a space there.
    """
    if block["type"] == "ByteLevel" and block["use_regex"]:
        return SPACES if block["add_prefix_space"] else BLANKS
    if block["type"] == "Metaspace" and block["split"]:
        return SPACES
    return None


def of_normalizer(block: Block) -> str:
    """What a normalizer means for cutting a pipeline it is part of, in words.

    One that alters white space allows a cut where a pre-tokenizer drops it.
    """
    if block["type"] in _KEEP_WHITE:
        return "carries nothing across"
    if block["type"] in _BY_CHARACTER:
        return "carries nothing across, alters white space"
    return "looks across"


def of_pre_tokenizer(block: Block) -> str:
    """What a pre-tokenizer means for cutting a pipeline it is part of, in words.

    What comes after the first that splits matters no more, unless it treats the start of a text as no other.
    """
    if block["type"] in _DROP:
        return "splits at white space"
    if (before := _keeping(block)) is not None:
        return f"splits {_TOLD[before]}"
    return "carries nothing across" if _goes_along(block) else "looks across"
