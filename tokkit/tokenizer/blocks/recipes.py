"""Recipes: named sets of blocks, special tokens and settings that belong together.

A new recipe is one entry of `RECIPES`. The module loads nothing heavy: `--help` lists the recipes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tokkit.errors import UsageError, did_you_mean

KINDS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
"""Kinds of blocks, in the order in which they run."""

BERT_INPUTS = ("input_ids", "token_type_ids", "attention_mask")
PLAIN_INPUTS = ("input_ids", "attention_mask")

BYTE_FALLBACK_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
"""Tokens of the bytes of characters without a token, in models with byte fallback."""


@dataclass(frozen=True)
class Recipe:
    """What a tokenizer of that name consists of.

    normalizers, ...  blocks as `build.parse` reads them, in the order in which they run
    special_tokens    tokens with the first ids, in that order
    roles             role -> special token: ``{"unk": "[UNK]"}``
    model_max_length  tokens, special tokens included
    """

    summary: str
    normalizers: tuple[str, ...]
    pre_tokenizers: tuple[str, ...]
    post_processors: tuple[str, ...]
    decoders: tuple[str, ...]
    special_tokens: tuple[str, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    model_max_length: int = 512
    model_input_names: tuple[str, ...] = BERT_INPUTS
    byte_fallback: bool = False


_BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_BERT_ROLES = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}


def _bert_template(cls: str, sep: str) -> str:
    """The template of BERT for a text and for a pair."""
    return f"template:single={cls} $A {sep},pair={cls} $A {sep} $B:1 {sep}:1"


def _bert(summary: str, *normalizers: str) -> Recipe:
    """BERT's splitting, special tokens (ids 0 to 4) and template around other normalizers."""
    return Recipe(
        summary,
        normalizers=normalizers,
        pre_tokenizers=("bert",),
        post_processors=(_bert_template("[CLS]", "[SEP]"),),
        decoders=("wordpiece",),
        special_tokens=_BERT_TOKENS,
        roles=_BERT_ROLES,
    )


RECIPES: Mapping[str, Recipe] = {
    "bert-uncased": _bert("BERT: lowercase, accents stripped", "bert"),
    "bert-cased": _bert("BERT: case and accents preserved", "bert:lowercase=false,strip_accents=false"),
    "bert-multilingual": _bert("multilingual BERT, cased", "bert:lowercase=false,strip_accents=false"),
    # BERT's accent stripping goes by way of NFD, which would take Hangul syllables apart
    "korean": _bert("NFC, nothing stripped, BERT's splitting", "nfc"),
    "gpt2": Recipe(
        "GPT-2: byte-level, no unknown token",
        normalizers=(),
        pre_tokenizers=("byte-level",),
        post_processors=("byte-level:trim_offsets=false",),
        decoders=("byte-level",),
        special_tokens=("<|endoftext|>",),
        roles={"bos": "<|endoftext|>", "eos": "<|endoftext|>", "pad": "<|endoftext|>"},
        model_max_length=1024,
        model_input_names=PLAIN_INPUTS,
    ),
    "roberta": Recipe(
        "RoBERTa: byte-level with BERT-like special tokens",
        normalizers=(),
        pre_tokenizers=("byte-level",),
        post_processors=("roberta",),
        decoders=("byte-level",),
        special_tokens=("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
        roles={
            **{"bos": "<s>", "cls": "<s>", "pad": "<pad>", "eos": "</s>", "sep": "</s>"},
            **{"unk": "<unk>", "mask": "<mask>"},
        },
        model_input_names=PLAIN_INPUTS,
    ),
    "llama": Recipe(
        "Llama-like: metaspace, unknown characters as bytes",
        normalizers=(),
        pre_tokenizers=("metaspace:prepend_scheme=first",),
        post_processors=("template:single=<s> $A,pair=<s> $A <s>:1 $B:1",),
        # bytes become characters token by token, so before `fuse` joins the tokens; `strip` removes the
        # space that Metaspace puts before the first word
        decoders=("replace:pattern=▁,content= ", "byte-fallback", "fuse", "strip:left=1"),
        special_tokens=("<unk>", "<s>", "</s>"),
        roles={"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "</s>"},
        model_input_names=PLAIN_INPUTS,
        byte_fallback=True,
    ),
    "sentencepiece": Recipe(
        "SentencePiece-like: metaspace, unknown characters as <unk>",
        normalizers=(),
        pre_tokenizers=("metaspace:prepend_scheme=first",),
        post_processors=(_bert_template("<s>", "</s>"),),
        decoders=("replace:pattern=▁,content= ", "fuse", "strip:left=1"),
        special_tokens=("<unk>", "<s>", "</s>"),
        roles={
            **{"unk": "<unk>", "bos": "<s>", "cls": "<s>"},
            **{"eos": "</s>", "sep": "</s>", "pad": "</s>"},
        },
        model_input_names=PLAIN_INPUTS,
    ),
    "characters": Recipe(
        "single characters, a space as ▁; special tokens of BERT",
        normalizers=(),
        pre_tokenizers=("metaspace:prepend_scheme=never",),
        post_processors=(_bert_template("[CLS]", "[SEP]"),),
        decoders=("replace:pattern=▁,content= ", "fuse"),
        special_tokens=_BERT_TOKENS,
        roles=_BERT_ROLES,
    ),
}


def recipe(name: str) -> Recipe:
    """The recipe of that name; raises `UsageError` naming the nearest."""
    if name not in RECIPES:
        raise UsageError(
            f'--recipe: no recipe "{name}"{did_you_mean(name, RECIPES)}; choose from {", ".join(RECIPES)}'
        )
    return RECIPES[name]
