"""`tokkit finetune`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tokkit.cli import settings
from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError, UsageError
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.progress import SILENT, Progress
from tokkit.sources.corpora import SAMPLE, corpora_path
from tokkit.views.reports import finetuning as reports

HERE = Path("dataset")
"""What is trained on where no data set is named and one of this name stands in the current folder."""


class TakesKeys(click.Command):
    """A command whose ``--compare`` takes all KEY=VALUES that follow it."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, flagged(args))


def flagged(arguments: Sequence[str]) -> list[str]:
    """The arguments with the flag before every key.

    >>> flagged(["a.csv", "--compare", "head=cls,mean", "loss=ce,focal", "-q"])
    ['a.csv', '--compare', 'head=cls,mean', '--compare', 'loss=ce,focal', '-q']
    """
    found: list[str] = []
    comparing = False
    for each in arguments:
        key = _KEY.match(each) is not None
        if comparing and key and found[-1] != COMPARE:
            found.append(COMPARE)
        comparing = each.partition("=")[0] == COMPARE or (comparing and key)
        found.append(each)
    return found


COMPARE = "--compare"
_KEY = re.compile(r"[A-Za-z_-]+=(?!.*/)")


@click.command(
    "finetune",
    cls=TakesKeys,
    short_help="Fine-tune a text classifier.",
    epilog="Example: tokkit finetune reviews/ --tokenizer out/ --epochs 5",
)
@click.argument("dataset", required=False)
@click.option("--tokenizer", metavar="TOKENIZER", help="Folder or tokenizer.json; default: the model's own.")
@click.option("--model", metavar="MODEL", help="Checkpoint to fine-tune, local or from the hub.")
@output_option("model/", "Folder to write.")
@click.option("--validation-data", metavar="PATH", help="Validation rows; default: the data set's split.")
@click.option(
    COMPARE,
    multiple=True,
    metavar="KEY=A,B...",
    help="Try all combinations of these options on the same folds: head=cls,mean loss=ce,focal.",
)
@click.option("--keep-models", is_flag=True, help="With --compare: keep the models of all folds too.")
@options_from(FinetuneOptions, "options")
@options_from(DatasetOptions, "read_options")
@threads_option
@common_options
def finetune_command(
    dataset: str | None,
    compare: tuple[str, ...],
    keep_models: bool,
    validation_data: str | None,
    json_wanted: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Fine-tune a text classifier: a checkpoint, or a small encoder built for your tokenizer."""
    from tokkit.model.finetune import finetune
    from tokkit.model.folds.compare_settings import compare_settings
    from tokkit.model.training import accelerator

    if accelerator.is_helper():  # the first process says and shows what there is
        progress = SILENT
    if keep_models and not compare:
        raise UsageError("--keep-models: belongs to --compare; --folds keeps its models")
    chosen = dataset or default_dataset(progress)
    if compare:
        if validation_data is not None:
            raise UsageError("--validation-data: --compare validates on folds", hint="leave it out")
        compared = compare_settings(chosen, compare, keep_models=keep_models, progress=progress, **options)
        show("finetune", compared.as_dict(), reports.settings_compared, json_wanted)
        return
    result = finetune(chosen, validation_data=validation_data, progress=progress, **options).as_dict()
    if accelerator.is_helper():
        return
    tables = reports.cross_validation if "folds" in result else reports.finetuning
    show("finetune", result, tables, json_wanted)


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
