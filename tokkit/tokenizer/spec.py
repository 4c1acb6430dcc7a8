"""What the user may ask of a tokenizer to be trained: one dataclass per family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tokkit.options import Options, option
from tokkit.tokenizer.recipes import RECIPES

LARGEST_VOCABULARY = 10_000_000


@dataclass(frozen=True)
class TrainingSpec(Options):
    """The options `train-wordpiece` and `train-bpe` share; a block given replaces the recipe's."""

    family: ClassVar[str]

    recipe: str = option("bert-uncased", "named set of blocks", choices=tuple(RECIPES))
    normalizer: tuple[str, ...] = option(
        (), "normalizer NAME[:KEY=VALUE,...]; several run in order", metavar="BLOCK"
    )
    pre_tokenizer: tuple[str, ...] = option((), "pre-tokenizer; several run in order", metavar="BLOCK")
    post_processor: str | None = option(
        None,
        "bert, roberta, byte-level, none, or template:single=[CLS] $A [SEP],pair=...",
        metavar="BLOCK",
        shown_default="the recipe's",
    )
    decoder: tuple[str, ...] = option((), "decoder; several run in order", metavar="BLOCK")
    special_token: tuple[str, ...] = option((), "special token, added to the recipe's own", metavar="TOKEN")
    unk_token: str | None = option(None, "the unknown token", metavar="TOKEN", shown_default="the recipe's")
    vocab_size: int = option(30_522, "tokens in all", minimum=1, maximum=LARGEST_VOCABULARY)
    min_frequency: int = option(2, "pairs seen less often are not merged", minimum=0)
    limit_alphabet: int | None = option(
        None, "keep only the N most frequent characters", minimum=1, metavar="N", shown_default="all"
    )
    initial_alphabet: str = option("", "characters that get a token in any case", metavar="CHARACTERS")
    prefix: str | None = option("##", "marks a piece that continues a word")
    suffix: str | None = option(None, "marks a piece that ends a word (BPE only)")
    max_token_length: int | None = option(
        None, "longest token, in characters", minimum=2, metavar="N", shown_default="no limit"
    )
    max_length: int | None = option(
        None,
        "tokens a model of it will take (model_max_length)",
        minimum=1,
        metavar="N",
        shown_default="the recipe's",
    )


@dataclass(frozen=True)
class WordPieceSpec(TrainingSpec):
    """WordPiece: greedy longest match, pieces inside a word marked with ``##``."""

    family: ClassVar[str] = "WordPiece"

    max_word_characters: int = option(100, "longer words become the unknown token", minimum=1)


@dataclass(frozen=True)
class BpeSpec(TrainingSpec):
    """Byte-pair encoding, byte-level by default."""

    family: ClassVar[str] = "BPE"

    recipe: str = option("gpt2", "named set of blocks", choices=tuple(RECIPES))
    vocab_size: int = option(32_000, "tokens in all", minimum=1, maximum=LARGEST_VOCABULARY)
    prefix: str | None = option(None, "marks a piece that continues a word")
