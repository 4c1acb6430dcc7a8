"""`tokkit train-char`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import shared_options, training_command
from tokkit.cli.output import show
from tokkit.corpus.feed import CorpusOptions
from tokkit.tokenizer.training.trainer_options import CharOptions
from tokkit.views.reports import training as reports


@training_command("train-char", "tokkit train-char corpus.txt -o characters/")
@shared_options(options=CharOptions, read_options=CorpusOptions, threads=True)
def train_char_command(as_json: bool, **options: Any) -> None:
    """Give the most frequent characters a token each, for comparison."""
    from tokkit.tokenizer.training.train_frequent import train_char

    show("train-char", train_char(**options).as_dict(), reports.training, as_json)
