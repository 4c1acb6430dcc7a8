"""`tokkit train-word`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import shared_options, training_command
from tokkit.cli.output import show
from tokkit.corpus.feed import CorpusOptions
from tokkit.tokenizer.training.trainer_options import WordOptions
from tokkit.views.reports import training as reports


@training_command("train-word", "tokkit train-word corpus.txt -o words/ --recipe korean")
@shared_options(options=WordOptions, read_options=CorpusOptions, threads=True)
def train_word_command(as_json: bool, **options: Any) -> None:
    """Give the most frequent words a token each, for comparison."""
    from tokkit.tokenizer.training.train_frequent import train_word

    show("train-word", train_word(**options).as_dict(), reports.training, as_json)
