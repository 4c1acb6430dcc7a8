"""`tokkit finetune`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tokkit.cli.options import SectionedCommand, Show, command, dry_run_option, output_option, shared_options
from tokkit.cli.output import show_next
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import UsageError
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.options.process_options import ProcessOptions
from tokkit.options import typed
from tokkit.progress import SILENT, Progress
from tokkit.sources.corpora import SAMPLE, corpora_path
from tokkit.views.reports import finetuning as reports
from tokkit.views.reports.dry_run import dry_run

# The data set in the current folder that is used when the command line and `tokkit.toml` name none.
DATASET = Path("dataset")
COMPARE = "--compare"
# KEY=VALUES, but not a path such as data/year=2024/rows.csv, which is the data set.
_KEY = re.compile(r"[A-Za-z_-]+=(?!.*/)")


class FinetuneCommand(SectionedCommand):
    """A command whose ``--compare`` takes all KEY=VALUES that follow it."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, repeat_compare(args))


def repeat_compare(arguments: Sequence[str]) -> list[str]:
    """Insert the flag before every KEY=VALUES after the first; click options take one value.

    >>> repeat_compare(["a.csv", "--compare", "head=cls,mean", "loss=ce,focal", "-q"])
    ['a.csv', '--compare', 'head=cls,mean', '--compare', 'loss=ce,focal', '-q']
    """
    repeated: list[str] = []
    comparing = False
    for argument in arguments:
        is_key = _KEY.match(argument) is not None
        if comparing and is_key and repeated[-1] != COMPARE:
            repeated.append(COMPARE)
        comparing = argument.partition("=")[0] == COMPARE or (comparing and is_key)
        repeated.append(argument)
    return repeated


@command("finetune", cls=FinetuneCommand, example="reviews/ --tokenizer out/ --epochs 5")
@click.argument("dataset", required=False)
@click.option("--tokenizer", metavar="TOKENIZER", help="Folder or tokenizer.json; default: the model's.")
@click.option("--model", metavar="MODEL", help="Checkpoint to fine-tune, local or from the hub.")
@output_option("model/", "Folder to write.")
@click.option("--validation-data", metavar="PATH", help="Validation rows; default: the data set's split.")
@click.option(
    COMPARE,
    multiple=True,
    metavar="KEY=A,B...",
    help="Try all combinations of these options on the same folds: head=cls,mean loss=ce,focal.",
)
@click.option(
    "--like",
    metavar="RECEIPT",
    help="Repeat a run, its folder or tokkit.json: data, settings, threads and processes, but for what is "
    "named here.",
)
@click.option("--keep-models", is_flag=True, help="With --compare: keep the models of all folds too.")
@dry_run_option
@shared_options(
    options=FinetuneOptions, process_options=ProcessOptions, read_options=DatasetOptions, threads=True
)
def finetune_command(
    dataset: str | None,
    compare: tuple[str, ...],
    keep_models: bool,
    like: str | None,
    validation_data: str | None,
    show: Show,
    progress: Progress,
    **options: Any,
) -> None:
    """Fine-tune a text classifier: a checkpoint, or a small encoder built for your tokenizer."""
    from tokkit.model.folds.combinations import combinations, parsed
    from tokkit.model.requests.checks import check_finetune

    if keep_models and not compare:
        raise UsageError("--keep-models: belongs to --compare; --folds keeps its models")
    if compare and options["dry_run"]:
        raise UsageError("--dry-run: measures one training, --compare is several", hint="leave one out")
    if compare and like is not None:
        raise UsageError("--like: repeats one training, --compare is several", hint="leave one out")
    if like is None:
        dataset = dataset or default_dataset(progress)
    if compare and validation_data is not None:
        raise UsageError("--validation-data: --compare validates on folds", hint="leave it out")
    if compare:
        combinations(parsed(compare), options["options"])
    if like is None:
        named = (options[name] for name in ("tokenizer", "model", "out", "options", "process_options"))
        flags = {"folds": bool(compare), **{name: options[name] for name in ("force", "dry_run")}}
        check_finetune(str(dataset), *named, validation_data=validation_data, **flags)

    from tokkit.model.finetune import finetune
    from tokkit.model.folds.compare_settings import compare_settings

    read_options = options["read_options"]
    if compare:
        del options["dry_run"]
        compared = compare_settings(
            str(dataset), compare, keep_models=keep_models, progress=progress, **options
        )
        show(compared.as_dict(), reports.settings_compared)
        return
    options |= {"dataset": dataset, "validation_data": validation_data}
    if like is not None:
        options = {**named_options(**options), "like": like}
    result = finetune(progress=progress, **options).as_dict()
    tables = reports.cross_validation if "folds" in result else reports.finetuning
    show(result, dry_run if "dry_run" in result else tables)
    # Of several machines only one has the model.
    if "dry_run" not in result and Path(result["model"]).exists():
        show_next(next_command(str(result["model"]), dataset, read_options), progress)


def next_command(model: str, dataset: str | None, read_options: DatasetOptions) -> str:
    """The command that scores a model on the test split, or else one that predicts with it."""
    from tokkit.data.dataset import TEST
    from tokkit.data.encoding.read_ids import IdsFolder
    from tokkit.data.loading.read import find_splits
    from tokkit.model.folder.receipt import ModelReceipt

    rows = "" if dataset is None else shlex.quote(dataset) + typed(read_options)
    # Ids are for training alone.
    if IdsFolder.at(dataset) is not None:
        return f"tokkit predict {shlex.quote(model)} 'a text'"
    if dataset and Path(dataset).is_dir() and TEST in find_splits(dataset, read_options, SILENT):
        return f"tokkit evaluate {shlex.quote(model)} {rows}"
    # Of pairs, a text alone is no input.
    texts = rows if rows and ModelReceipt.read(model).pairs else "'a text'"
    return f"tokkit predict {shlex.quote(model)} {texts}"


def named_options(
    options: FinetuneOptions, read_options: DatasetOptions, process_options: ProcessOptions, **others: Any
) -> dict[str, Any]:
    """What the command line or the environment sets, without `tokkit.toml` and defaults."""
    context, named = click.get_current_context(), (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    values = {**vars(options), **vars(read_options), **vars(process_options), **others}
    return {
        name: value
        for name, value in values.items()
        if name in ("out", "force") or context.get_parameter_source(name) in named
    }


def default_dataset(progress: Progress) -> str:
    """A folder or file ``dataset``, else the included sample; reported."""
    if DATASET.exists():
        progress.say(f"no data set named: using {DATASET} in the current folder")
        return str(DATASET)
    sample = corpora_path() / SAMPLE
    progress.say(f"no data set named: using the sample included in tokkit, {sample}")
    return str(sample)
