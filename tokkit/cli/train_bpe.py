"""`tokkit train-bpe`."""

from __future__ import annotations

from typing import Any

from tokkit.cli.options import Show, like_option, training_command
from tokkit.tokenizer.training.trainer_options import BpeOptions
from tokkit.views.reports import training as reports


@training_command("train-bpe", BpeOptions, "'texts/*.txt.gz' -o out/ --vocab-size 16000", like_option)
def train_bpe_command(show: Show, **options: Any) -> None:
    """Train a byte-pair encoding tokenizer, byte-level by default."""
    from tokkit.tokenizer.training.train import train_bpe

    show(train_bpe(**options).as_dict(), reports.trained)
