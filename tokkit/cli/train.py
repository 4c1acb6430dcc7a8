"""`tokkit train-wordpiece`, `train-bpe`, and what to compare them with: `train-unigram`, `-word`, `-char`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.corpus.feed import CorpusOptions
from tokkit.tokenizer.training.trainer_options import (
    BpeOptions,
    CharOptions,
    UnigramOptions,
    WordOptions,
    WordPieceOptions,
)
from tokkit.views.reports import training as reports

_corpus = click.argument("corpus", nargs=-1)
_counts = click.option(
    "--counts", metavar="DIR", help="Train from a folder that `tokkit count` wrote, in place of a corpus."
)
_from = click.option(
    "--from",
    "like",
    metavar="TOKENIZER",
    help="Take over blocks, special tokens and settings of a tokenizer.",
)
_output = output_option("out/", "Folder to write.")


@click.command(
    "train-wordpiece",
    short_help="Train a WordPiece tokenizer.",
    epilog="Example: tokkit train-wordpiece corpus.txt -o out/ --recipe korean",
)
@_corpus
@_output
@_counts
@_from
@options_from(WordPieceOptions, "options")
@options_from(CorpusOptions, "read_options")
@threads_option
@common_options
def train_wordpiece_command(json_wanted: bool, **options: Any) -> None:
    """Train a WordPiece tokenizer on text files, folders, globs or - (standard input)."""
    from tokkit.tokenizer.training.train import train_wordpiece

    result = train_wordpiece(**options)
    show("train-wordpiece", result.as_dict(), reports.training, json_wanted)


@click.command(
    "train-bpe",
    short_help="Train a byte-pair encoding tokenizer.",
    epilog="Example: tokkit train-bpe 'texts/*.txt.gz' -o out/ --vocab-size 16000",
)
@_corpus
@_output
@_counts
@_from
@options_from(BpeOptions, "options")
@options_from(CorpusOptions, "read_options")
@threads_option
@common_options
def train_bpe_command(json_wanted: bool, **options: Any) -> None:
    """Train a byte-pair encoding tokenizer, byte-level unless told otherwise."""
    from tokkit.tokenizer.training.train import train_bpe

    result = train_bpe(**options)
    show("train-bpe", result.as_dict(), reports.training, json_wanted)


@click.command(
    "train-unigram",
    short_help="Train a Unigram tokenizer.",
    epilog="Example: tokkit train-unigram corpus.txt -o unigram/ --vocab-size 8000",
)
@_corpus
@_output
@_counts
@options_from(UnigramOptions, "options")
@options_from(CorpusOptions, "read_options")
@threads_option
@common_options
def train_unigram_command(json_wanted: bool, **options: Any) -> None:
    """Train a Unigram tokenizer with the tokenizers package, to compare others with."""
    from tokkit.tokenizer.training.train_unigram import train_unigram

    result = train_unigram(**options)
    show("train-unigram", result.as_dict(), reports.training, json_wanted)


@click.command(
    "train-word",
    short_help="Give the most frequent words a token each.",
    epilog="Example: tokkit train-word corpus.txt -o words/ --recipe korean",
)
@_corpus
@_output
@_counts
@options_from(WordOptions, "options")
@options_from(CorpusOptions, "read_options")
@threads_option
@common_options
def train_word_command(json_wanted: bool, **options: Any) -> None:
    """Give the most frequent words a token each, to compare others with."""
    from tokkit.tokenizer.training.train_frequent import train_word

    result = train_word(**options)
    show("train-word", result.as_dict(), reports.training, json_wanted)


@click.command(
    "train-char",
    short_help="Give the most frequent characters a token each.",
    epilog="Example: tokkit train-char corpus.txt -o characters/",
)
@_corpus
@_output
@_counts
@options_from(CharOptions, "options")
@options_from(CorpusOptions, "read_options")
@threads_option
@common_options
def train_char_command(json_wanted: bool, **options: Any) -> None:
    """Give the most frequent characters a token each, to compare others with."""
    from tokkit.tokenizer.training.train_frequent import train_char

    result = train_char(**options)
    show("train-char", result.as_dict(), reports.training, json_wanted)
