"""`tokkit train-wordpiece`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import Show, like_option, training_command
from tokkit.tokenizer.training.trainer_options import WordPieceOptions
from tokkit.views.reports import training as reports


@training_command("train-wordpiece", WordPieceOptions, "corpus.txt -o out/ --recipe korean", like_option)
def train_wordpiece_command(show: Show, **options: Any) -> None:
    """Train a WordPiece tokenizer on text files, folders, globs, addresses or - (standard input)."""
    from tokkit.tokenizer.training.train import train_wordpiece

    show(train_wordpiece(**options).as_dict(), reports.trained)
