"""`tokkit finetune`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tokkit.cli import settings
from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.data.loading.load import DatasetOptions
from tokkit.errors import InputError
from tokkit.model.spec import FinetuneSpec
from tokkit.progress import Progress
from tokkit.sources.corpora import SAMPLE, corpora_path
from tokkit.views.reports import model as reports

HERE = Path("dataset")
"""What is trained on where no data set is named and one of this name stands in the current folder."""


@click.command(
    "finetune",
    short_help="Fine-tune a text classifier.",
    epilog="Example: tokkit finetune reviews/ --tokenizer out/ --epochs 5",
)
@click.argument("dataset", required=False)
@click.option("--tokenizer", metavar="TOKENIZER", help="Folder or tokenizer.json; default: the model's own.")
@click.option("--model", metavar="MODEL", help="Checkpoint to fine-tune, local or from the hub.")
@output_option("model/", "Folder to write.")
@click.option("--validation-data", metavar="PATH", help="Validation rows; default: the data set's split.")
@options_from(FinetuneSpec, "spec")
@options_from(DatasetOptions, "options")
@threads_option
@common_options
def finetune_command(dataset: str | None, json_wanted: bool, progress: Progress, **options: Any) -> None:
    """Fine-tune a text classifier: a checkpoint, or a small encoder built for your tokenizer."""
    from tokkit.model.training.finetune import finetune

    chosen = dataset or default_dataset(progress)
    result = finetune(chosen, progress=progress, **options)
    show("finetune", result.as_dict(), reports.finetuning, json_wanted)


def default_dataset(progress: Progress) -> str:
    """``dataset`` of `tokkit.toml`, else the folder or file ``dataset`` here, else the sample; it is said."""
    named = settings.read().get("dataset")
    if named is not None:
        if not isinstance(named, str):
            raise InputError(f'{settings.FILE}: dataset is to be a path: dataset = "reviews/"')
        progress.say(f"no data set named: training on {named}, from {settings.FILE}")
        return named
    if HERE.exists():
        progress.say(f"no data set named: training on {HERE}, which stands here")
        return str(HERE)
    sample = corpora_path() / SAMPLE
    progress.say(f"no data set named: training on the sample that comes with tokkit, {sample}")
    return str(sample)
