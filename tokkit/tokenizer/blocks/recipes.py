"""Recipes: named sets of blocks, special tokens and settings that belong together.

A new recipe is one entry of `RECIPES`. The module loads nothing heavy: `--help` lists the recipes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from tokkit.errors import UsageError, did_you_mean

# Kinds of blocks, in the order in which they run.
KINDS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")

BERT_INPUTS = ("input_ids", "token_type_ids", "attention_mask")
PLAIN_INPUTS = ("input_ids", "attention_mask")

# Tokens of the bytes of characters without a token, in models with byte fallback.
BYTE_FALLBACK_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))


@dataclass(frozen=True)
class Recipe:
    """What a tokenizer of that name consists of.

    normalizers, ...  blocks as `build.parse` reads them, in the order in which they run
    special_tokens    tokens with the first ids, in that order
    roles             role -> special token: ``{"unk": "[UNK]"}``
    model_max_length  tokens, special tokens included
    """

    summary: str
    _: KW_ONLY
    normalizers: tuple[str, ...] = ()
    pre_tokenizers: tuple[str, ...]
    post_processors: tuple[str, ...]
    decoders: tuple[str, ...]
    special_tokens: tuple[str, ...]
    roles: Mapping[str, str]
    model_max_length: int = 512
    model_input_names: tuple[str, ...] = BERT_INPUTS
    byte_fallback: bool = False


def _recipe(summary: str, tokens: Mapping[str, str], **settings: Any) -> Recipe:
    """A recipe with these special tokens, in the order of their ids: token -> its roles."""
    roles = {role: token for token, names in tokens.items() for role in names.split()}
    return Recipe(summary, special_tokens=tuple(tokens), roles=roles, **settings)


_BERT_TOKENS = {"[PAD]": "pad", "[UNK]": "unk", "[CLS]": "cls", "[SEP]": "sep", "[MASK]": "mask"}


def _bert_template(cls: str, sep: str) -> str:
    """The template of BERT for a text and for a pair."""
    return f"template:single={cls} $A {sep},pair={cls} $A {sep} $B:1 {sep}:1"


def _bert(summary: str, normalizer: str) -> Recipe:
    """BERT's splitting, special tokens (ids 0 to 4) and template around another normalizer."""
    return _recipe(
        summary,
        _BERT_TOKENS,
        normalizers=(normalizer,),
        pre_tokenizers=("bert",),
        post_processors=(_bert_template("[CLS]", "[SEP]"),),
        decoders=("wordpiece",),
    )


RECIPES: Mapping[str, Recipe] = {
    "bert-uncased": _bert("BERT: lowercase, accents stripped", "bert"),
    "bert-cased": _bert("BERT: case and accents preserved", "bert:lowercase=false,strip_accents=false"),
    "bert-multilingual": _bert("multilingual BERT, cased", "bert:lowercase=false,strip_accents=false"),
    # BERT's accent stripping goes by way of NFD, which would take Hangul syllables apart
    "korean": _bert("NFC, nothing stripped, BERT's splitting", "nfc"),
    "gpt2": _recipe(
        "GPT-2: byte-level, no unknown token",
        {"<|endoftext|>": "bos eos pad"},
        pre_tokenizers=("byte-level",),
        post_processors=("byte-level:trim_offsets=false",),
        decoders=("byte-level",),
        model_max_length=1024,
        model_input_names=PLAIN_INPUTS,
    ),
    "roberta": _recipe(
        "RoBERTa: byte-level with BERT-like special tokens",
        {"<s>": "bos cls", "<pad>": "pad", "</s>": "eos sep", "<unk>": "unk", "<mask>": "mask"},
        pre_tokenizers=("byte-level",),
        post_processors=("roberta",),
        decoders=("byte-level",),
        model_input_names=PLAIN_INPUTS,
    ),
    "llama": _recipe(
        "Llama-like: metaspace, unknown characters as bytes",
        {"<unk>": "unk", "<s>": "bos", "</s>": "eos pad"},
        pre_tokenizers=("metaspace:prepend_scheme=first",),
        post_processors=("template:single=<s> $A,pair=<s> $A <s>:1 $B:1",),
        # bytes become characters token by token, so before `fuse` joins the tokens; `strip` removes the
        # space that Metaspace puts before the first word
        decoders=("replace:pattern=▁,content= ", "byte-fallback", "fuse", "strip:left=1"),
        model_input_names=PLAIN_INPUTS,
        byte_fallback=True,
    ),
    "sentencepiece": _recipe(
        "SentencePiece-like: metaspace, unknown characters as <unk>",
        {"<unk>": "unk", "<s>": "bos cls", "</s>": "eos sep pad"},
        pre_tokenizers=("metaspace:prepend_scheme=first",),
        post_processors=(_bert_template("<s>", "</s>"),),
        decoders=("replace:pattern=▁,content= ", "fuse", "strip:left=1"),
        model_input_names=PLAIN_INPUTS,
    ),
    "characters": _recipe(
        "single characters, a space as ▁; special tokens of BERT",
        _BERT_TOKENS,
        pre_tokenizers=("metaspace:prepend_scheme=never",),
        post_processors=(_bert_template("[CLS]", "[SEP]"),),
        decoders=("replace:pattern=▁,content= ", "fuse"),
    ),
}


def recipe(name: str) -> Recipe:
    """The recipe of that name; raises `UsageError` naming the nearest."""
    if name not in RECIPES:
        raise UsageError(
            f'--recipe: no recipe "{name}"{did_you_mean(name, RECIPES)}; choose from {", ".join(RECIPES)}'
        )
    return RECIPES[name]
