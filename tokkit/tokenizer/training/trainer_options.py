"""Options of counting and of training tokenizers: one dataclass per command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tokkit.options import Options, option
from tokkit.tokenizer.blocks.recipes import RECIPES

LARGEST_VOCABULARY = 10_000_000


def _recipe(default_text: str) -> Any:
    return option(None, "named set of blocks", choices=tuple(RECIPES), default_text=default_text)


def _sizes(default: int) -> Any:
    return option(
        (default,),
        "tokens in all; of several sizes, each is written to a folder of its own",
        minimum=1,
        maximum=LARGEST_VOCABULARY,
        metavar="N[,N...]",
        comma_separated=True,
    )


@dataclass(frozen=True)
class PipelineOptions(Options):
    """The blocks that see text; a named block replaces the recipe's."""

    section: ClassVar[str] = "Blocks"

    recipe: str | None = _recipe("bert-uncased")
    normalizer: tuple[str, ...] = option(
        (), "normalizer NAME[:KEY=VALUE,...]; several run in order", metavar="BLOCK"
    )
    pre_tokenizer: tuple[str, ...] = option((), "pre-tokenizer; several run in order", metavar="BLOCK")


@dataclass(frozen=True)
class BlocksOptions(PipelineOptions):
    """The blocks of a tokenizer of any family.

    command  the command that trains it
    family   its model in `tokenizers`
    unit     what it learns, one after the other
    """

    section: ClassVar[str] = "Blocks"

    command: ClassVar[str]
    family: ClassVar[str]
    unit: ClassVar[str]
    own_recipe: ClassVar[str] = "bert-uncased"

    post_processor: tuple[str, ...] = option(
        (), "post-processor, say template:single=[CLS] $A [SEP]; several run in order", metavar="BLOCK"
    )
    decoder: tuple[str, ...] = option((), "decoder; several run in order", metavar="BLOCK")
    special_token: tuple[str, ...] = option((), "special token, added to the recipe's own", metavar="TOKEN")
    unk_token: str | None = option(None, "the unknown token", metavar="TOKEN", default_text="the recipe's")
    max_length: int | None = option(
        None,
        "tokens a model of it will take (model_max_length)",
        minimum=1,
        metavar="N",
        default_text="the recipe's",
    )
    vocab_size: tuple[int, ...] = _sizes(30_522)


@dataclass(frozen=True)
class TrainerOptions(BlocksOptions):
    """The options `train-wordpiece` and `train-bpe` share."""

    unit: ClassVar[str] = "pair"

    min_frequency: int = option(2, "pairs seen less often are not merged", minimum=0)
    limit_alphabet: int | None = option(
        None, "keep only the N most frequent characters", minimum=1, metavar="N", default_text="all"
    )
    initial_alphabet: str = option("", "characters that get a token in any case", metavar="CHARACTERS")
    prefix: str | None = option("##", "marks a piece that continues a word")
    suffix: str | None = option(None, "marks a piece that ends a word (BPE only)")
    max_token_length: int | None = option(
        None, "longest token, in characters", minimum=2, metavar="N", default_text="no limit"
    )
    compat: bool = option(False, "count --max-token-length as tokenizers does: one character less")


@dataclass(frozen=True)
class WordPieceOptions(TrainerOptions):
    """WordPiece: greedy longest match, pieces inside a word marked with ``##``."""

    command: ClassVar[str] = "train-wordpiece"
    family: ClassVar[str] = "WordPiece"

    max_word_characters: int = option(100, "longer words become the unknown token", minimum=1)


@dataclass(frozen=True)
class BpeOptions(TrainerOptions):
    """Byte-pair encoding, byte-level by default."""

    command: ClassVar[str] = "train-bpe"
    family: ClassVar[str] = "BPE"
    own_recipe: ClassVar[str] = "gpt2"

    recipe: str | None = _recipe("gpt2")
    vocab_size: tuple[int, ...] = _sizes(32_000)
    prefix: str | None = option(None, "marks a piece that continues a word")


@dataclass(frozen=True)
class UnigramOptions(BlocksOptions):
    """Unigram: the pieces that make the corpus most probable, each with its probability."""

    command: ClassVar[str] = "train-unigram"
    family: ClassVar[str] = "Unigram"
    unit: ClassVar[str] = "piece"
    own_recipe: ClassVar[str] = "sentencepiece"

    recipe: str | None = _recipe("sentencepiece")
    vocab_size: tuple[int, ...] = option(
        (32_000,), "tokens in all", minimum=1, maximum=LARGEST_VOCABULARY, metavar="N", comma_separated=True
    )
    max_piece_length: int = option(16, "longest piece, in characters", minimum=1)
    shrinking_factor: float = option(
        0.75, "share of the pieces that a round of pruning keeps", minimum=0.05, maximum=0.95
    )
    sub_iterations: int = option(2, "rounds of estimation before each pruning", minimum=1, maximum=100)


@dataclass(frozen=True)
class WordOptions(BlocksOptions):
    """One token a word of the pre-tokenizer, the most frequent words."""

    command: ClassVar[str] = "train-word"
    family: ClassVar[str] = "WordLevel"
    unit: ClassVar[str] = "word"

    min_frequency: int = option(2, "words seen less often get no token", minimum=0)


@dataclass(frozen=True)
class CharOptions(BlocksOptions):
    """One token a character, the most frequent characters."""

    command: ClassVar[str] = "train-char"
    family: ClassVar[str] = "BPE"
    unit: ClassVar[str] = "character"
    own_recipe: ClassVar[str] = "characters"

    recipe: str | None = _recipe("characters")
    min_frequency: int = option(1, "characters seen less often get no token", minimum=0)


@dataclass(frozen=True)
class CountOptions(PipelineOptions):
    """The blocks that text is counted for."""

    recipe: str = option("bert-uncased", "named set of blocks", choices=tuple(RECIPES))
