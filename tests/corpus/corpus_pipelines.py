"""Pipelines as `tokenizers` JSON: every normalizer, alone and in pairs, before every pre-tokenizer."""

from __future__ import annotations

import functools
import itertools

from tokkit.corpus.cutting import Pipeline
from tokkit.tokenizer.blocks import build as blocks
from tokkit.tokenizer.blocks.recipes import RECIPES

NORMALIZERS = tuple(
    {"replace": "replace:pattern=a+,content=b c", "strip": "strip:right=false"}.get(name, name)
    for name in blocks.REGISTRY["normalizer"]
    if name != "precompiled"  # it needs a file, and is never cut: test_corpus_cutting
)
BERT = (
    "bert:lowercase=false",
    "bert:lowercase=false,strip_accents=true",
    "bert:clean_text=false",
    "bert:strip_accents=false,handle_chinese_chars=false",
)
NORMALIZERS_BEFORE = (
    (),
    *((name,) for name in (*NORMALIZERS, *BERT)),
    *itertools.product(NORMALIZERS, repeat=2),
    ("nfd", "lowercase", "strip-accents"),
    ("nfkd", "strip-accents", "nfc"),
    ("nmt", "nfkc", "lowercase"),
)

METASPACES = tuple(
    f"metaspace:prepend_scheme={scheme},split={split}"
    for scheme in ("always", "first", "never")
    for split in ("true", "false")
)
PRE_TOKENIZERS = (
    *(
        {
            "char-delimiter-split": "char-delimiter-split:delimiter=n",
            "split": r"split:pattern=\s+,behavior=merged_with_next",
        }.get(name, name)
        for name in blocks.REGISTRY["pre_tokenizer"]
    ),
    *METASPACES,
    "metaspace:replacement=n",
    "digits:individual_digits=true",
    "punctuation:behavior=contiguous",
    "punctuation:behavior=removed",
    "byte-level:add_prefix_space=true",
    "byte-level:use_regex=false",
    "byte-level:use_regex=false,add_prefix_space=true",
)
SEQUENCES = (
    *((name,) for name in PRE_TOKENIZERS),
    *(("whitespace-split", metaspace) for metaspace in METASPACES),
    *(("byte-level", metaspace) for metaspace in METASPACES),
    *((metaspace, "metaspace:replacement=_,prepend_scheme=first") for metaspace in METASPACES),
    ("digits", "byte-level"),
    ("digits:individual_digits=true", "byte-level"),
    ("digits", "byte-level:add_prefix_space=true"),
    ("digits", "metaspace"),
    ("digits", "metaspace:prepend_scheme=first"),
    ("whitespace", "digits"),
    ("whitespace-split", "byte-level:add_prefix_space=true"),
    ("whitespace-split", "unicode-scripts", "fixed-length:length=2"),
    ("punctuation", "whitespace"),
    ("punctuation", "byte-level:add_prefix_space=true"),
    ("punctuation:behavior=merged_with_next", "whitespace-split"),
    ("punctuation", "digits", "metaspace:prepend_scheme=first", "digits"),
    ("bert", "byte-level"),
    ("bert", "digits", "metaspace:prepend_scheme=first"),
    ("byte-level", "digits"),
    ("byte-level", "byte-level:add_prefix_space=true"),
    ("unicode-scripts", "whitespace"),
)


@functools.cache
def tokenizer(normalizers: tuple[str, ...], pre_tokenizers: tuple[str, ...]) -> str:
    """A tokenizer of these blocks, its model empty, as JSON."""
    from tokenizers import Tokenizer, models

    built = Tokenizer(models.WordLevel())
    if normalizers:
        built.normalizer = blocks.sequence("normalizer", normalizers)
    if pre_tokenizers:
        built.pre_tokenizer = blocks.sequence("pre_tokenizer", pre_tokenizers)
    return built.to_str()


RECIPE_PIPELINES = {name: (recipe.normalizers, recipe.pre_tokenizers) for name, recipe in RECIPES.items()}
"""Of every recipe: normalizers and pre-tokenizers."""

PIPELINES = tuple(
    dict.fromkeys((*RECIPE_PIPELINES.values(), *itertools.product(NORMALIZERS_BEFORE, SEQUENCES)))
)


@functools.cache
def cuttable() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Those that may be cut."""
    return tuple(names for names in PIPELINES if Pipeline.of(tokenizer(*names)).cuts() is not None)
