"""A call of `finetune` as its receipt records it, to repeat it: ``finetune --like model/``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError, UsageError
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.options.process_options import ProcessOptions
from tokkit.options import apply_to_both
from tokkit.progress import Progress

_HINT = "name the folder that finetune wrote, or its tokkit.json"
_NAMES = ("dataset", "validation_data", "tokenizer", "model")


@dataclass(frozen=True)
class RecordedRun:
    """names      dataset, validation_data, tokenizer and model of the call; None for what it left out
    settings   fields of `FinetuneOptions` and `DatasetOptions`, chosen defaults included
    threads    None where unknown
    process_options   those of the call, or that stand for the processes that torchrun started
    """

    names: Mapping[str, str | None]
    settings: Mapping[str, Any]
    threads: int | None
    process_options: ProcessOptions


def recorded_run(receipt: str | Path, progress: Progress) -> RecordedRun:
    """The call that wrote a folder, or its tokkit.json; what would change the result now is reported.

    Raises `InputError` for a receipt of another command, of one fold or of compared settings, and for one
    that is damaged.
    """
    path = Path(receipt)
    folder = path.parent if path.name == files.RECEIPT else path
    content = files.receipt_fields(folder, _HINT)
    if (command := content.text("command")) != "finetune":
        raise InputError(f"{folder}: was written by tokkit {command}, not by finetune", hint=_HINT)
    result, run = content.fields("result"), content.fields("run")
    if "fold" in result.content:
        raise InputError(
            f"{folder}: is one fold of several",
            hint=f"repeat all of them:\n--like {shlex.quote(str(folder.absolute().parent))}",
        )
    settings = dict(result.fields("settings").content)
    if "compare" in settings:
        raise InputError(
            f"{folder}: compares settings",
            hint=f"repeat one:\n--like {shlex.quote(str(folder / 'combination-1'))}",
        )
    # A checkpoint to resume from is recorded by its name alone; the run that repeats it starts over.
    if settings.get("resume") not in ("auto", "none"):
        settings.pop("resume", None)
    if class_weights := run.text("class_weights", default=None):
        settings["class_weights"] = class_weights
    known = {field.name for group in (FinetuneOptions, DatasetOptions) for field in fields(group)}
    settings = {name: value for name, value in settings.items() if name in known}
    try:
        apply_to_both(FinetuneOptions, None, DatasetOptions, None, settings)
    except UsageError as error:
        raise InputError(f"{folder / files.RECEIPT}: {error.message}", hint=_HINT) from error
    for difference in _differences(result, run):
        progress.say(f"{folder}: {difference}, so the result may differ")
    # Of the hub, the commit that was read then, and not what the name means now.
    inputs = [item.content for item in result.objects("inputs", default=())]
    names = {
        name: None if (value := run.text(name, default=None)) is None else files.pinned(value, inputs)
        for name in _NAMES
    }
    threads = run.integer("threads", least=1, default=None)
    try:
        processes = ProcessOptions(**_processes(run))
    except UsageError as error:
        raise InputError(f"{folder / files.RECEIPT}: {error.message}", hint=_HINT) from error
    return RecordedRun(names, settings, threads, processes)


def _processes(run: files.Fields) -> dict[str, Any]:
    """The fields of the `ProcessOptions` of a run."""
    recorded = run.fields("process_options", default=None)
    if recorded is not None and recorded.content:
        return dict(recorded.content)
    # Started by torchrun: as many processes here are the same.
    count = run.integer("processes", least=1, default=1)
    kind = "gpus" if run.text("device", default="cpu").startswith("cuda") else "processes"
    return {kind: count} if count > 1 else {}


def _differences(result: files.Fields, run: files.Fields) -> Iterator[str]:
    """What is not as it was: packages and the contents of files."""
    recorded = result.fields("versions").content
    for package, version in files.versions(*recorded).items():
        if recorded.get(package, version) != version:
            yield f"{package} was {recorded[package]}, is {version}"
    inputs = result.objects("inputs")
    for path in map(Path, run.list_of("inputs", str, "a list of paths", default=())):
        if not path.exists():
            yield f"{path} no longer exists"
        elif not any(files.unchanged(path, item) for item in inputs if _describes(item, path)):
            yield f"{path} has changed"


def _describes(item: files.Fields, path: Path) -> bool:
    """Whether an input of a receipt is the one at a path; a snapshot of the hub is named by its commit."""
    return path.name in (item.text("name"), item.text("revision", default=None))
