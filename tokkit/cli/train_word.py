"""`tokkit train-word`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import Show, training_command
from tokkit.tokenizer.training.trainer_options import WordOptions
from tokkit.views.reports import training as reports


@training_command("train-word", WordOptions, "corpus.txt -o words/ --recipe korean")
def train_word_command(show: Show, **options: Any) -> None:
    """Give the most frequent words a token each, for comparison."""
    from tokkit.tokenizer.training.train_frequent import train_word

    show(train_word(**options).as_dict(), reports.trained)
