"""`tokkit train-wordpiece` and `tokkit train-bpe`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.corpus.feed import CorpusOptions
from tokkit.tokenizer import train
from tokkit.tokenizer.spec import BpeSpec, WordPieceSpec
from tokkit.views import reports

_corpus = click.argument("corpus", nargs=-1, required=True)
_output = output_option("out/", "Folder to write.")


@click.command(
    "train-wordpiece",
    short_help="Train a WordPiece tokenizer.",
    epilog="Example: tokkit train-wordpiece corpus.txt -o out/ --recipe korean",
)
@_corpus
@_output
@options_from(WordPieceSpec, "spec")
@options_from(CorpusOptions, "reading")
@threads_option
@common_options
def train_wordpiece_command(json_wanted: bool, **options: Any) -> None:
    """Train a WordPiece tokenizer on text files, folders, globs or - (standard input)."""
    result = train.train_wordpiece(**options)
    show("train-wordpiece", result.as_dict(), reports.training, json_wanted)


@click.command(
    "train-bpe",
    short_help="Train a byte-pair encoding tokenizer.",
    epilog="Example: tokkit train-bpe 'texts/*.txt.gz' -o out/ --vocab-size 16000",
)
@_corpus
@_output
@options_from(BpeSpec, "spec")
@options_from(CorpusOptions, "reading")
@threads_option
@common_options
def train_bpe_command(json_wanted: bool, **options: Any) -> None:
    """Train a byte-pair encoding tokenizer, byte-level unless told otherwise."""
    result = train.train_bpe(**options)
    show("train-bpe", result.as_dict(), reports.training, json_wanted)
