"""`tokkit train-unigram`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import Show, training_command
from tokkit.tokenizer.training.trainer_options import UnigramOptions
from tokkit.views.reports import training as reports


@training_command("train-unigram", UnigramOptions, "corpus.txt -o unigram/ --vocab-size 8000")
def train_unigram_command(show: Show, **options: Any) -> None:
    """Train a Unigram tokenizer with the tokenizers package, for comparison."""
    from tokkit.tokenizer.training.train_unigram import train_unigram

    show(train_unigram(**options).as_dict(), reports.trained)
