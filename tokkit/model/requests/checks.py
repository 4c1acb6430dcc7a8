"""What is wrong with a call of `finetune`, `predict`, `evaluate` or `features`, before anything is read.

Nothing here loads torch, which takes seconds: a command checks before it imports its function, which checks
the same for callers from Python.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from tokkit import files
from tokkit.data.encoding.read_ids import IdsFolder
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.read import is_hub
from tokkit.data.output import check_output
from tokkit.data.output_options import DATASETS
from tokkit.errors import InputError, UsageError, counted
from tokkit.model.exported.description import is_exported
from tokkit.model.folder.receipt import ModelReceipt, fold_folders
from tokkit.model.options.export_options import ExportOptions
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.options.inference_options import FeaturesOptions, PredictOptions
from tokkit.model.options.process_options import ProcessOptions
from tokkit.model.training.trackers import check_installed
from tokkit.options import flag, typed
from tokkit.runtime.packages import require_packages
from tokkit.runtime.processes import process_count
from tokkit.sources import addresses, formats, paths, remote
from tokkit.sources.formats import refused

FEATURES = "features.parquet"


def check_finetune(
    dataset: str | Path,
    tokenizer: str | Path | None,
    model: str | Path | None,
    out: str | Path,
    options: FinetuneOptions,
    process_options: ProcessOptions | None = None,
    *,
    validation_data: str | Path | None = None,
    folds: bool = False,
    force: bool = False,
    dry_run: bool = False,
) -> None:
    """Raises `UsageError` for options that do not fit, `InputError` for missing files and folders of folds as
    the model, `OutputError` where ``out`` exists.

    folds   whether there are some in any case, as where settings are compared
    """
    files.check_outside(out, dataset)
    files.check_output(Path(out), force=force, inputs=(dataset, tokenizer, model), kind="folder")
    if tokenizer is None and model is None:
        raise UsageError(
            "name a tokenizer to build an encoder for, or a model to fine-tune",
            hint="name one (--tokenizer, --model); train-wordpiece and its kin train a tokenizer",
        )
    if model is not None and (members := ModelReceipt.read(model).members()):
        raise InputError(
            f"{model}: has {counted(len(members), 'fold')}, but only one model can be fine-tuned",
            hint=f"the first, for example:\n--model {shlex.quote(str(members[0]))}",
        )
    check_installed(options.report_to)
    # A folder of folds is cross-validated even without --folds: it has no split of its own to train on.
    folds = folds or options.folds is not None or bool(fold_folders(dataset))
    if process_options is not None:
        process_options.check(options, folds=folds, dry_run=dry_run)
    if folds:
        _check_folds(options, validation_data)
    elif options.group_column is not None:
        raise UsageError("--group-column: keeps rows in one fold", hint="make folds:\n--folds 5")
    for source in (dataset, validation_data):
        _check_source(source)
        # Packed sequences are refused, and a longer maximum length than that of the ids.
        if ids := IdsFolder.at(source):
            ids.checked_length(options.max_length)


def _check_folds(options: FinetuneOptions, validation_data: str | Path | None) -> None:
    if process_count() > 1:
        raise UsageError(
            f"{process_count()} processes train one model together, but folds are several models",
            hint="start it without torchrun or accelerate launch; --gpus trains several at a time",
        )
    if validation_data is not None:
        raise UsageError(
            f"--validation-data {validation_data}: each fold is validated on its own rows",
            hint="leave it out, or leave --folds out; the command evaluate scores the folds on other rows",
        )
    if options.resume not in ("auto", "none"):
        raise UsageError(
            f"--resume {options.resume}: a checkpoint is of one training, not of folds",
            hint="leave it out: finished folds and the checkpoints of the current one are resumed",
        )


def check_predict(
    arguments: Sequence[str | Path], out: str | Path | None, options: PredictOptions, force: bool
) -> None:
    """Raises `UsageError` without a text, for options of a file without one, and with ``out`` for anything
    but one data set; `OutputError` where ``out`` exists.
    """
    if not arguments:
        raise UsageError(
            "name texts, files, or - for standard input", hint="for example:\ntokkit predict ... 'a text'"
        )
    if out is None:
        names = ("probabilities", "top", "prefix", "output_format")
        for name in names:
            if getattr(options, name) != getattr(PredictOptions, name):
                raise UsageError(
                    f"{flag(name)}: is for the rows of a file that is written",
                    hint="write a file:\n-o predictions.csv",
                )
        return
    if len(arguments) != 1 or not is_source(arguments[0]):
        named = f"{len(arguments)} arguments are" if len(arguments) != 1 else f'"{arguments[0]}" is'
        raise UsageError(
            f"-o {out}: is for the rows of one data set, and {named} given",
            hint="name one file or address, or - for standard input",
        )
    if options.output_format == DATASETS:
        raise UsageError(
            f"--output-format {DATASETS}: predictions are one file",
            hint="leave it out: the name after -o says the format",
        )
    check_output(out, options, force=force, kind="file", source=arguments[0])


def check_lines(
    arguments: Sequence[str | Path],
    out: str | Path | None,
    options: PredictOptions,
    read_options: DatasetOptions,
) -> None:
    """Raises `UsageError` for what `predict --stdin-json` has no use for: texts, files and their options."""
    given = [f'"{argument}"' for argument in arguments[:1]] + ([f"-o {out}"] if out is not None else [])
    given += [*typed(read_options).split()[:1]]
    names = ("probabilities", "top", "prefix", "output_format")
    given += [flag(name) for name in names if getattr(options, name) != getattr(PredictOptions, name)]
    if given:
        raise UsageError(
            f"--stdin-json: reads JSON objects from standard input and nothing else, and {given[0]} is given",
            hint="leave one of them out",
        )


def check_export(
    model: str | Path, out: str | Path, on: str | Path | None, options: ExportOptions, force: bool
) -> ModelReceipt:
    """The receipt of the model; raises `UsageError` for a package that is missing, `InputError` for folds and
    for a missing data set, `OutputError` where ``out`` exists.
    """
    files.check_output(Path(out), force=force, inputs=(model, on), kind="folder")
    require_packages("export", "onnx", "onnxscript", "onnxruntime")
    if options.openvino:
        require_packages("--openvino", "openvino")
    receipt = ModelReceipt.read(model)
    if members := receipt.members():
        fold, output = (shlex.quote(str(path)) for path in (members[0], out))
        raise InputError(
            f"{model}: has {counted(len(members), 'fold')}, but one model is exported",
            hint=f"the first, for example:\ntokkit export {fold} -o {output}",
        )
    if is_exported(model):
        raise InputError(
            f"{model}: is an exported model already", hint="name the folder that it was exported from"
        )
    _check_source(on)
    return receipt


def is_source(argument: str | Path) -> bool:
    """Whether an argument of `predict` names rows; raises `InputError` for the name of a missing file."""
    single = isinstance(argument, Path) or len(argument.split()) == 1
    if argument == paths.STANDARD_INPUT or (argument != "" and paths.is_path(Path(argument))):
        return True
    if isinstance(argument, str) and single:
        on_the_web = addresses.is_address(argument) or remote.protocol_of(argument) is not None
        if on_the_web or is_hub(argument):
            return True
    # One word with the ending of a data file is a mistyped path rather than a text to classify.
    if isinstance(argument, Path) or (single and len(argument) < 256 and formats.format_of(Path(argument))):
        raise paths.missing(Path(argument))
    return False


def check_evaluate(
    names: Sequence[str], dataset: str | Path | None, out: str | Path | None, force: bool
) -> Mapping[str, ModelReceipt]:
    """The receipts of the models by name; raises `UsageError` without a model or rows to score it on,
    `InputError` for a missing data set, `OutputError` where ``out`` exists.
    """
    if not names:
        raise UsageError("name a model folder and a data set")
    if out is not None:
        files.check_output(Path(out), force=force, inputs=(*names, dataset), kind="folder")
    receipts = {name: ModelReceipt.read(name) for name in names}
    if dataset is None and (len(names) > 1 or not receipts[names[0]].folds):
        raise UsageError(
            f"{names[-1]}: name the rows to evaluate on; only a folder of folds has rows of its own",
            hint="name a data set after the models",
        )
    _check_source(dataset)
    return receipts


def check_features(
    model: str | Path,
    dataset: str | Path | None,
    out: str | Path | None,
    options: FeaturesOptions,
    *,
    projection: bool,
    force: bool,
) -> None:
    """Raises `UsageError` for options that do not fit, `InputError` for a missing data set, `OutputError`
    where ``out`` exists.
    """
    if dataset is None and not _is_parquet(model):
        raise UsageError(
            f"{model}: name a data set to compute hidden states of, or a features file",
            hint="name a data set after the model",
        )
    if dataset is None and out is not None:
        raise UsageError(
            f"-o {out}: nothing is computed from a features file, so nothing is written",
            hint=f"leave -o out, and probe them:\ntokkit features {shlex.quote(str(model))} --probe",
        )
    if dataset is None:
        return
    path = Path(out if out is not None else FEATURES)
    if formats.format_of(path) not in (None, "parquet"):
        hint = f"end its name so:\n-o {shlex.quote(str(path.with_suffix('.parquet')))}"
        raise UsageError(f"-o {path}: features are written as Parquet, which is read again", hint=hint)
    check_pooling(options.pooling, options, projection)
    refused.check_output(path)
    files.check_outside(path, dataset)
    files.check_output(path, force=force, inputs=(dataset, model), kind="file")
    _check_source(dataset)


def check_pooling(pooling: str, options: FeaturesOptions, projection: bool) -> None:
    """Raises `UsageError` for a probe or a map where ``pooling`` gives no vector per row."""
    for name, wanted in (("--probe", options.probe), ("--map", projection)):
        if wanted and pooling == "none":
            raise UsageError(
                f"{name}: needs one vector per row, and --pooling none gives one per token",
                hint="the mean of the tokens:\n--pooling mean",
            )


def _is_parquet(path: str | Path) -> bool:
    """Whether there is a Parquet file of that name, whatever its ending."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def _check_source(source: str | Path | None) -> None:
    """Raises `InputError` for a path that does not exist and a pattern that no file matches."""
    if source is not None and not is_hub(str(source)):
        paths.check(str(source))
