"""Every block there is: what it does in a line, what builds it, and an example on which it shows.

A new block is one entry here; the tests hold every entry to the same promises, and find every class of the
`tokenizers` package that has none.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokkit.tokenizer.blocks import calls, charsmap, post_processors
from tokkit.tokenizer.blocks.calls import Callee, Parameter


@dataclass(frozen=True)
class Entry:
    """One block.

    summary     what it does
    block       gives the class or function that makes it; what is heavy is loaded then
    shows       on what it is shown: a text, a decoder's tokens, a post-processor's text and its pair
    written     parameters of the example, where it needs some or shows more with them
    defaults    defaults that are ours, or that the library's signature gets wrong
    made        makes the block of the example where no parameters can: it needs a file
    """

    summary: str
    block: Callable[[], Callee]
    shows: str | tuple[str, ...]
    written: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    made: Callable[[], Any] | None = None

    @property
    def parameters(self) -> Sequence[Parameter]:
        """What it takes, in order; a post-processor's special tokens are handed to it beside them."""
        taken = calls.parameters(self.block(), self.defaults)
        return [parameter for parameter in taken if parameter.name != "tokens"]


def _library(module: str, cls: str) -> Callable[[], Callee]:
    def block() -> Callee:
        found: Callee = getattr(importlib.import_module(f"tokenizers.{module}"), cls)
        return found

    return block


def _split(pattern: str, behavior: str = "isolated", invert: bool = False, regex: bool = True) -> Any:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(pattern) if regex else pattern, behavior, invert)


def _fixed_length(length: int = 5) -> Any:
    from tokenizers import pre_tokenizers

    if length < 1:  # on which the library panics at the first text
        raise ValueError(f"length: {length} is no whole number above 0")
    return pre_tokenizers.FixedLength(length)


def _replace(module: str) -> Callable[[], Callee]:
    def replace(pattern: str, content: str, regex: bool = True) -> Any:
        from tokenizers import Regex

        made = importlib.import_module(f"tokenizers.{module}").Replace
        return made(Regex(pattern) if regex else pattern, content)

    return lambda: replace


_NORMALIZERS: Mapping[str, Entry] = {
    "bert": Entry(
        "cleans as BERT does: control characters out, Chinese ones apart, lower case, accents off",
        _library("normalizers", "BertNormalizer"),
        "Café 東京\x07",
    ),
    "byte-level": Entry(
        "writes each byte of the text as one of 256 visible characters",
        _library("normalizers", "ByteLevel"),
        "é a",
    ),
    "lowercase": Entry("makes letters lower case", _library("normalizers", "Lowercase"), "Straße İN"),
    "nfc": Entry("composes characters", _library("normalizers", "NFC"), "\u1112\u1161\u11ab"),
    "nfd": Entry("takes characters apart, letters from accents", _library("normalizers", "NFD"), "é각"),
    "nfkc": Entry(
        "composes characters, and makes one of their variants", _library("normalizers", "NFKC"), "ﬁ２㎏"
    ),
    "nfkd": Entry(
        "takes characters apart, and makes one of their variants", _library("normalizers", "NFKD"), "ﬁé"
    ),
    "nmt": Entry(
        "takes control characters out, makes tabs, line ends and zero-width spaces a space",
        _library("normalizers", "Nmt"),
        "a\tb\x01\u200bc",
    ),
    "precompiled": Entry(
        "maps characters as SentencePiece does, by the charsmap in a file",
        lambda: charsmap.precompiled,
        "ﬁne",
        made=charsmap.example,
    ),
    "prepend": Entry(
        "puts something before the text", _library("normalizers", "Prepend"), "a b", defaults={"prepend": "▁"}
    ),
    "replace": Entry(
        "replaces what a regular expression finds, or with regex=false a plain text",
        _replace("normalizers"),
        "born in 1989",
        "pattern=[0-9],content=0",
    ),
    "strip": Entry("takes white space off both ends", _library("normalizers", "Strip"), "  a b  "),
    "strip-accents": Entry(
        "takes combining marks off; nfd before it makes them",
        _library("normalizers", "StripAccents"),
        "e\u0301a\u0308",
    ),
}

_PRE_TOKENIZERS: Mapping[str, Entry] = {
    "bert": Entry(
        "splits into words and single punctuation marks, drops white space",
        _library("pre_tokenizers", "BertPreTokenizer"),
        "don't stop!",
    ),
    "byte-level": Entry(
        "splits into GPT-2's words, each with the space before it, and writes their bytes as characters",
        _library("pre_tokenizers", "ByteLevel"),
        "it's 2 é",
        defaults={"add_prefix_space": False},
    ),
    "char-delimiter-split": Entry(
        "splits at one character, which it drops",
        _library("pre_tokenizers", "CharDelimiterSplit"),
        "a-b c",
        "delimiter=-",
    ),
    "digits": Entry("splits numbers off", _library("pre_tokenizers", "Digits"), "in1989 x"),
    "fixed-length": Entry(
        "splits into parts of so many characters", lambda: _fixed_length, "abcdefgh", "length=3"
    ),
    "metaspace": Entry(
        "splits before spaces and writes them as ▁",
        _library("pre_tokenizers", "Metaspace"),
        "two words",
        defaults={"replacement": "▁"},
    ),
    "punctuation": Entry(
        "splits punctuation marks off", _library("pre_tokenizers", "Punctuation"), "a, b..."
    ),
    "split": Entry(
        "splits at what a regular expression finds, or with regex=false a plain text",
        lambda: _split,
        "a1b22c",
        "pattern=[0-9]+,behavior=removed",
    ),
    "unicode-scripts": Entry(
        "splits where the script changes", _library("pre_tokenizers", "UnicodeScripts"), "どこwhere어디"
    ),
    "whitespace": Entry(
        r"splits into words (\w+) and runs of other characters, drops white space",
        _library("pre_tokenizers", "Whitespace"),
        "don't stop...",
    ),
    "whitespace-split": Entry(
        "splits at white space, which it drops",
        _library("pre_tokenizers", "WhitespaceSplit"),
        "don't stop!",
    ),
}

_POST_PROCESSORS: Mapping[str, Entry] = {
    "bert": Entry(
        "puts cls and sep around as BERT does: the recipe's, or those named",
        lambda: post_processors.bert,
        ("one", "two"),
    ),
    "byte-level": Entry(
        "takes the space that begins a token out of its offsets",
        lambda: post_processors.byte_level,
        ("one two",),
    ),
    "roberta": Entry(
        "puts cls and sep around as RoBERTa does; offsets as byte-level",
        lambda: post_processors.roberta,
        ("one", "two"),
    ),
    "template": Entry(
        "puts tokens around as written: $A is the text, $B its pair, :1 the segment",
        lambda: post_processors.template,
        ("one", "two"),
        "single=[CLS] $A,pair=[CLS] $A [SEP] $B:1",
    ),
}

_DECODERS: Mapping[str, Entry] = {
    "bpe": Entry(
        "makes a space of the suffix that ends a word",
        _library("decoders", "BPEDecoder"),
        ("un", "known</w>", "word</w>"),
    ),
    "byte-fallback": Entry(
        "puts tokens such as <0xED> together to the characters they are the bytes of",
        _library("decoders", "ByteFallback"),
        ("a", "<0xED>", "<0x95>", "<0x9C>"),
    ),
    "byte-level": Entry(
        "turns characters that stand for bytes back into text",
        _library("decoders", "ByteLevel"),
        ("two", "Ġw", "Ã", "¶rter"),
    ),
    "ctc": Entry(
        "reads speech recognition's output: repeats and padding out, | a space",
        _library("decoders", "CTC"),
        ("h", "h", "<pad>", "i", "|", "u"),
    ),
    "fuse": Entry("joins the tokens, nothing between them", _library("decoders", "Fuse"), ("a", "b")),
    "metaspace": Entry(
        "turns ▁ back into a space", _library("decoders", "Metaspace"), ("▁two", "▁wor", "ds")
    ),
    "replace": Entry(
        "replaces in every token what a regular expression finds, or with regex=false a plain text",
        _replace("decoders"),
        ("▁two", "▁words"),
        "pattern=▁,content= ",
    ),
    "strip": Entry(
        "takes so many characters off the ends of every token",
        _library("decoders", "Strip"),
        ("__a", "_b"),
        "content=_,left=1",
    ),
    "wordpiece": Entry(
        "joins what has the prefix to the token before, puts spaces between the others",
        _library("decoders", "WordPiece"),
        ("un", "##known", "words", "!"),
    ),
}

BLOCKS: Mapping[str, Mapping[str, Entry]] = {
    "normalizer": _NORMALIZERS,
    "pre_tokenizer": _PRE_TOKENIZERS,
    "post_processor": _POST_PROCESSORS,
    "decoder": _DECODERS,
}
