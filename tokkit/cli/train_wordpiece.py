"""`tokkit train-wordpiece`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import like_option, shared_options, training_command
from tokkit.cli.output import show
from tokkit.corpus.feed import CorpusOptions
from tokkit.tokenizer.training.trainer_options import WordPieceOptions
from tokkit.views.reports import training as reports


@training_command("train-wordpiece", "tokkit train-wordpiece corpus.txt -o out/ --recipe korean")
@like_option
@shared_options(options=WordPieceOptions, read_options=CorpusOptions, threads=True)
def train_wordpiece_command(as_json: bool, **options: Any) -> None:
    """Train a WordPiece tokenizer on text files, folders, globs or - (standard input)."""
    from tokkit.tokenizer.training.train import train_wordpiece

    show("train-wordpiece", train_wordpiece(**options).as_dict(), reports.training, as_json)
