"""Where text may be cut so that its chunks, processed alone, give the words of the whole.

The first pre-tokenizer that splits at white space decides. One that *drops* white space allows every cut
before it. One that *keeps* it, as part of a word, allows a cut only before a whole run of it, and only where
no normalizer inserts or removes white space. Whatever runs before it must not look across the cut. A pipeline
of which this is not known is not cut.

    "the  cat"   WhitespaceSplit   "the", "  cat" and "the ", " cat" both give the words the, cat
                 GPT-2             of "the   cat", "the", "   cat" gives the words of the whole, "the", "  ",
                                   " cat"; "the  ", " cat" as well, but "the ", "  cat" gives "the", " ", " ",
                                   " cat": a run must stay whole

Tests compare every pipeline of the offered blocks with the reference on random Unicode.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SPACES = " "
# White space of ASCII that BERT's cleaning keeps: it deletes other control characters, joining what they
# separate.
BLANKS = " \t\n\r"

Block = Mapping[str, Any]

_DESCRIPTIONS = {BLANKS: "before white space", SPACES: "before a space", None: "nowhere"}

# Normalizers that carry nothing across white space of ASCII.
_BY_CHARACTER = ("BertNormalizer", "Lowercase", "Nmt", "StripAccents", "NFC", "NFD", "NFKC", "NFKD")

# Those of them after which white space is where it was.
_KEEP_WHITE = ("Lowercase", "NFC", "NFD", "NFKC", "NFKD")

_DROP = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")
# Pre-tokenizers that may run before the one that decides: they look at each character alone.
_INDEPENDENT = ("Digits", "Punctuation")


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
        # Where white space is dropped, a normalizer may insert or delete some. Where it is part of a word,
        # that would change the run of white space at a cut, and with it the words.
        deciding = list(itertools.dropwhile(_is_independent, self.pre_tokenizers))
        if not deciding:
            return None
        splitting, *later = deciding
        if splitting["type"] in _DROP:
            return BLANKS if self._normalizers_are(_BY_CHARACTER) else None
        # each chunk would count as the start of a text: `prepend_scheme=first` gives other words then
        if any(_depends_on_the_start(block) for block in later):
            return None
        return _keeping(splitting) if self._normalizers_are(_KEEP_WHITE) else None

    def describe_cuts(self) -> str:
        """Where it may be cut, in words."""
        return _DESCRIPTIONS[self.cuts()]

    def _normalizers_are(self, allowed: Sequence[str]) -> bool:
        return all(block["type"] in allowed for block in self.normalizers)


def unrolled(block: Block | None, members: str) -> list[Block]:
    """A block, or the blocks of a sequence: ``members`` is what its list is called in JSON."""
    if block is None:
        return []
    if block["type"] != "Sequence":
        return [block]
    return [inner for member in block[members] for inner in unrolled(member, members)]


def _is_independent(block: Block) -> bool:
    return block["type"] in _INDEPENDENT and block.get("behavior", "Isolated") == "Isolated"


def _depends_on_the_start(block: Block) -> bool:
    """Whether it treats the first piece of a text differently."""
    return block["type"] == "Metaspace" and block["prepend_scheme"] == "first"


def _keeping(block: Block) -> str | None:
    """Where a pre-tokenizer that keeps white space may be cut.

    A block that puts a space before each text that does not start with one may be cut before a space only.
    """
    if block["type"] == "ByteLevel" and block["use_regex"]:
        # "a\nb" cut before the newline would give "a", " \nb": a prefix that the whole text does not get
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

    Those after the first that splits no longer matter, unless it treats the start of a text differently.
    """
    if block["type"] in _DROP:
        return "splits at white space"
    if (before := _keeping(block)) is not None:
        return f"splits {_DESCRIPTIONS[before]}"
    return "carries nothing across" if _is_independent(block) else "looks across"


def byte_of_character() -> dict[str, int]:
    """The byte that each of ByteLevel's 256 characters represents.

    Printable bytes of Latin-1 are their own characters, the others U+0100 and up, as in GPT-2's encoder.
    """
    # without U+00AD, the soft hyphen, which GPT-2's encoder does not count as printable either
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in own]
    return {chr(byte): byte for byte in own} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
