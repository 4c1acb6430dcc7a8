"""The registry of blocks: normalizers, pre-tokenizers, post-processors and decoders by name.

A new block is one `Entry` here. Tests hold every entry to the same contract, and find each class of the
`tokenizers` package without one. Names and parameters are those of `tokenizers`, in lower case.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tokenizers import Regex, decoders, normalizers, pre_tokenizers, processors

from tokkit.errors import UsageError
from tokkit.tokenizer.blocks import charsmap


@dataclass(frozen=True)
class Entry:
    """One block.

    summary        what it does
    builder        the class or function that builds it; a post-processor is given `SpecialTokens` first
    shows          input of the example: a text; a decoder's tokens; a post-processor's text and its pair
    example        parameters of the example
    defaults       defaults of ours, or those that the signature in the library gets wrong
    example_block  builds the block of the example where no parameters can: it needs a file
    """

    summary: str
    builder: Callable[..., Any]
    shows: str | tuple[str, ...]
    example: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    example_block: Callable[[], Any] | None = None


@dataclass(frozen=True)
class SpecialTokens:
    """Special tokens that post-processors insert: of all blocks, only these depend on a vocabulary.

    ids    token -> id, of the whole vocabulary
    roles  role -> token: ``{"sep": "[SEP]"}``
    """

    ids: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def of(self, role: str, token: str) -> tuple[str, int]:
        """The given token, or else the one with that role, and its id; `UsageError` where there is none."""
        chosen = token or self.roles.get(role)
        if chosen is None:
            raise UsageError(
                f"no {role} token; write {role}=TOKEN",
                hint=f"name it in the block, {role}=TOKEN, and as a token (--special-token)",
            )
        return chosen, self.id_of(chosen)

    def id_of(self, token: str) -> int:
        """Id of a special token; raises `UsageError` for a token that the vocabulary lacks."""
        if token not in self.ids:
            raise UsageError(
                f'"{token}" is not a special token', hint=f"add it:\n--special-token {shlex.quote(token)}"
            )
        return self.ids[token]


def _split(pattern: str, behavior: str = "isolated", invert: bool = False, regex: bool = True) -> Any:
    return pre_tokenizers.Split(Regex(pattern) if regex else pattern, behavior, invert)


def _fixed_length(length: int = 5) -> Any:
    # tokenizers accepts 0 and panics on the first text.
    if length < 1:
        raise ValueError(f"length: {length} is not a whole number above 0")
    return pre_tokenizers.FixedLength(length)


def _replace(block: Callable[..., Any], pattern: str, content: str, regex: bool = True) -> Any:
    return block(Regex(pattern) if regex else pattern, content)


def _bert(tokens: SpecialTokens, sep: str = "", cls: str = "") -> Any:
    return processors.BertProcessing(tokens.of("sep", sep), tokens.of("cls", cls))


def _roberta(
    tokens: SpecialTokens,
    sep: str = "",
    cls: str = "",
    trim_offsets: bool = True,
    add_prefix_space: bool = False,
) -> Any:
    ends = tokens.of("sep", sep), tokens.of("cls", cls)
    return processors.RobertaProcessing(*ends, trim_offsets, add_prefix_space)


def _byte_level(
    tokens: SpecialTokens, add_prefix_space: bool = True, trim_offsets: bool = True, use_regex: bool = True
) -> Any:
    return processors.ByteLevel(add_prefix_space, trim_offsets, use_regex)


def _template(tokens: SpecialTokens, single: str, pair: str = "") -> Any:
    """Raises `ValueError` for a template without a text."""
    if "$" not in single:
        raise ValueError("write template:single=[CLS] $A [SEP],pair=...: $A is the text")
    pair = pair.strip() or f"{single.strip()} $B:1"
    pieces = dict.fromkeys(_without_segment(piece) for piece in f"{single} {pair}".split())
    special = [(piece, tokens.id_of(piece)) for piece in pieces if not piece.startswith("$")]
    return processors.TemplateProcessing(single=single.strip(), pair=pair, special_tokens=special)


def _without_segment(piece: str) -> str:
    """A piece of a template without its segment number: ``[SEP]:1`` -> ``[SEP]``."""
    token, colon, segment = piece.rpartition(":")
    return token if colon and segment.isdigit() else piece


_NORMALIZERS: Mapping[str, Entry] = {
    "bert": Entry(
        "cleans as BERT does: control characters, spaces around CJK characters, lower case, accents",
        normalizers.BertNormalizer,
        "Café 東京\x07",
    ),
    "byte-level": Entry(
        "writes each byte of the text as one of 256 visible characters", normalizers.ByteLevel, "é a"
    ),
    "lowercase": Entry("lowercases letters", normalizers.Lowercase, "Straße İN"),
    "nfc": Entry("composes characters", normalizers.NFC, "\u1112\u1161\u11ab"),
    "nfd": Entry("decomposes characters into letters and combining marks", normalizers.NFD, "é각"),
    "nfkc": Entry("composes characters and unifies compatibility variants", normalizers.NFKC, "ﬁ２㎏"),
    "nfkd": Entry("decomposes characters and unifies compatibility variants", normalizers.NFKD, "ﬁé"),
    "nmt": Entry(
        "removes control characters; turns tabs, line ends and zero-width spaces into spaces",
        normalizers.Nmt,
        "a\tb\x01\u200bc",
    ),
    "precompiled": Entry(
        "maps characters as SentencePiece does, by the precompiled charsmap in a file",
        charsmap.precompiled,
        "ﬁne",
        example_block=charsmap.example,
    ),
    "prepend": Entry("prepends a string to the text", normalizers.Prepend, "a b", defaults={"prepend": "▁"}),
    "replace": Entry(
        "replaces the matches of a regular expression, or with regex=false of a plain text",
        partial(_replace, normalizers.Replace),
        "born in 1989",
        example="pattern=[0-9],content=0",
    ),
    "strip": Entry("strips white space at both ends", normalizers.Strip, "  a b  "),
    "strip-accents": Entry(
        "strips combining marks; use it after nfd, which separates them",
        normalizers.StripAccents,
        "e\u0301a\u0308",
    ),
}

_PRE_TOKENIZERS: Mapping[str, Entry] = {
    "bert": Entry(
        "splits into words and single punctuation marks; drops white space",
        pre_tokenizers.BertPreTokenizer,
        "don't stop!",
    ),
    "byte-level": Entry(
        "splits into GPT-2's words, each with the space before it, and writes their bytes as characters",
        pre_tokenizers.ByteLevel,
        "it's 2 é",
        # GPT-2's own files have false; the library's default would put a space before every text.
        defaults={"add_prefix_space": False},
    ),
    "char-delimiter-split": Entry(
        "splits at one character, which it drops",
        pre_tokenizers.CharDelimiterSplit,
        "a-b c",
        example="delimiter=-",
    ),
    "digits": Entry("isolates numbers", pre_tokenizers.Digits, "in1989 x"),
    "fixed-length": Entry(
        "splits into pieces of a fixed number of characters", _fixed_length, "abcdefgh", example="length=3"
    ),
    "metaspace": Entry(
        "splits before spaces and writes them as ▁",
        pre_tokenizers.Metaspace,
        "two words",
        defaults={"replacement": "▁"},
    ),
    "punctuation": Entry("isolates punctuation marks", pre_tokenizers.Punctuation, "a, b..."),
    "split": Entry(
        "splits at the matches of a regular expression, or with regex=false of a plain text",
        _split,
        "a1b22c",
        example="pattern=[0-9]+,behavior=removed",
    ),
    "unicode-scripts": Entry(
        "splits where the script changes", pre_tokenizers.UnicodeScripts, "どこwhere어디"
    ),
    "whitespace": Entry(
        r"splits into words (\w+) and runs of other characters; drops white space",
        pre_tokenizers.Whitespace,
        "don't stop...",
    ),
    "whitespace-split": Entry(
        "splits at white space, which it drops", pre_tokenizers.WhitespaceSplit, "don't stop!"
    ),
}

_POST_PROCESSORS: Mapping[str, Entry] = {
    "bert": Entry(
        "adds cls and sep as BERT does: those of the recipe, or those named", _bert, ("one", "two")
    ),
    "byte-level": Entry("excludes the leading space of a token from its offsets", _byte_level, ("one two",)),
    "roberta": Entry("adds cls and sep as RoBERTa does; offsets as byte-level", _roberta, ("one", "two")),
    "template": Entry(
        "adds special tokens by a template: $A is the text, $B its pair, :1 the segment",
        _template,
        ("one", "two"),
        example="single=[CLS] $A,pair=[CLS] $A [SEP] $B:1",
    ),
}

_DECODERS: Mapping[str, Entry] = {
    "bpe": Entry(
        "turns the suffix that ends a word into a space", decoders.BPEDecoder, ("un", "known</w>", "word</w>")
    ),
    "byte-fallback": Entry(
        "decodes byte tokens such as <0xED> into characters",
        decoders.ByteFallback,
        ("a", "<0xED>", "<0x95>", "<0x9C>"),
    ),
    "byte-level": Entry(
        "turns characters that stand for bytes back into text",
        decoders.ByteLevel,
        ("two", "Ġw", "Ã", "¶rter"),
    ),
    "ctc": Entry(
        "decodes CTC output: removes repeats and padding, turns | into a space",
        decoders.CTC,
        ("h", "h", "<pad>", "i", "|", "u"),
    ),
    "fuse": Entry("joins the tokens without spaces", decoders.Fuse, ("a", "b")),
    "metaspace": Entry("turns ▁ back into a space", decoders.Metaspace, ("▁two", "▁wor", "ds")),
    "replace": Entry(
        "replaces in every token the matches of a regular expression, or with regex=false of a plain text",
        partial(_replace, decoders.Replace),
        ("▁two", "▁words"),
        example="pattern=▁,content= ",
    ),
    "strip": Entry(
        "strips a number of characters at the ends of every token",
        decoders.Strip,
        ("__a", "_b"),
        example="content=_,left=1",
    ),
    "wordpiece": Entry(
        "joins tokens with the prefix to the token before; puts spaces between the others",
        decoders.WordPiece,
        ("un", "##known", "words", "!"),
    ),
}

# Kind -> name -> `Entry`.
REGISTRY: Mapping[str, Mapping[str, Entry]] = {
    "normalizer": _NORMALIZERS,
    "pre_tokenizer": _PRE_TOKENIZERS,
    "post_processor": _POST_PROCESSORS,
    "decoder": _DECODERS,
}
