"""`tokkit train-char`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import Show, training_command
from tokkit.tokenizer.training.trainer_options import CharOptions
from tokkit.views.reports import training as reports


@training_command("train-char", CharOptions, "corpus.txt -o characters/")
def train_char_command(show: Show, **options: Any) -> None:
    """Give the most frequent characters a token each, for comparison."""
    from tokkit.tokenizer.training.train_frequent import train_char

    show(train_char(**options).as_dict(), reports.trained)
