"""`tokkit train-bpe`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import like_option, shared_options, training_command
from tokkit.cli.output import show
from tokkit.corpus.feed import CorpusOptions
from tokkit.tokenizer.training.trainer_options import BpeOptions
from tokkit.views.reports import training as reports


@training_command("train-bpe", "tokkit train-bpe 'texts/*.txt.gz' -o out/ --vocab-size 16000")
@like_option
@shared_options(options=BpeOptions, read_options=CorpusOptions, threads=True)
def train_bpe_command(as_json: bool, **options: Any) -> None:
    """Train a byte-pair encoding tokenizer, byte-level by default."""
    from tokkit.tokenizer.training.train import train_bpe

    show("train-bpe", train_bpe(**options).as_dict(), reports.training, as_json)
