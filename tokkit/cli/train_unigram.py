"""`tokkit train-unigram`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import shared_options, training_command
from tokkit.cli.output import show
from tokkit.corpus.feed import CorpusOptions
from tokkit.tokenizer.training.trainer_options import UnigramOptions
from tokkit.views.reports import training as reports


@training_command("train-unigram", "tokkit train-unigram corpus.txt -o unigram/ --vocab-size 8000")
@shared_options(options=UnigramOptions, read_options=CorpusOptions, threads=True)
def train_unigram_command(as_json: bool, **options: Any) -> None:
    """Train a Unigram tokenizer with the tokenizers package, for comparison."""
    from tokkit.tokenizer.training.train_unigram import train_unigram

    show("train-unigram", train_unigram(**options).as_dict(), reports.training, as_json)
