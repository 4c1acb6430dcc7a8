"""`reproduce`: run what a receipt says, and compare what is written with what is there.

receipt -> inputs that changed (`changed_inputs`) -> the same call into a temporary folder -> hashes
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.cleaning.clean import clean
from tokkit.data.encoding.encode import encode
from tokkit.data.rebalancing.rebalance import rebalance
from tokkit.data.splitting.split import split
from tokkit.errors import InputError
from tokkit.files import CARD, Fields
from tokkit.inspection.suggest import suggest_tokens
from tokkit.model.evaluation.evaluate import evaluate
from tokkit.model.features.features import features
from tokkit.model.finetune import finetune
from tokkit.model.folder.card import PICTURES, TEST_SCORES
from tokkit.model.options.export_options import ExportOptions
from tokkit.model.prediction.predict import predict
from tokkit.model.requests.checks import check_export
from tokkit.progress import SILENT, Progress
from tokkit.review.audit import audit
from tokkit.review.changed_inputs import changed_inputs
from tokkit.review.recorded_commands import COMMANDS, recorded_options
from tokkit.review.suggest_rows import suggest_rows
from tokkit.sources.paths import STANDARD_INPUT
from tokkit.tokenizer.editing.add_tokens import add_tokens
from tokkit.tokenizer.editing.trim import trim
from tokkit.tokenizer.editing.wrap import wrap
from tokkit.tokenizer.training.count import count, merge_counts
from tokkit.tokenizer.training.train import train_bpe, train_wordpiece
from tokkit.tokenizer.training.train_frequent import train_char, train_word
from tokkit.tokenizer.training.train_unigram import train_unigram
from tokkit.views.cards.markdown import parts_of


def _export(model: str, *, out: Path, options: ExportOptions, on: str | None = None, **others: Any) -> None:
    """`export`, whose packages are optional, and are named where one is missing."""
    check_export(model, out, on, options, force=False)

    from tokkit.model.export.export import export

    export(model, out, options, on=on, **others)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "train-wordpiece": train_wordpiece,
    "train-bpe": train_bpe,
    "train-unigram": train_unigram,
    "train-word": train_word,
    "train-char": train_char,
    "count": count,
    "merge-counts": merge_counts,
    "wrap": wrap,
    "add-tokens": add_tokens,
    "trim": trim,
    "suggest-tokens": suggest_tokens,
    "clean": clean,
    "split": split,
    "rebalance": rebalance,
    "encode": encode,
    "evaluate": evaluate,
    "predict": predict,
    "features": features,
    "export": _export,
    "audit": audit,
    "suggest-rows": suggest_rows,
}
_FINETUNE = "finetune"
_HINT = "name what one of these commands wrote: " + ", ".join([_FINETUNE, *FUNCTIONS])
# What the command card adds to a folder, besides sections of the card.
_OF_THE_CARD = (CARD, TEST_SCORES, *PICTURES)


@dataclass(frozen=True)
class ReproducedFile:
    """sha256   of the file; of a receipt, of all but its ``run``
    again    of the file that the same command writes now; None where it writes none
    same     whether they are equal; of a card, its sections that receipts determine
    """

    path: str
    sha256: str | None
    again: str | None
    same: bool


@dataclass(frozen=True)
class ReproduceResult:
    """written_by   the command of the receipt
    same         whether every file is what the same command writes now
    """

    output: str
    written_by: str
    same: bool
    files: list[ReproducedFile]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def reproduce(folder: str | Path, *, progress: Progress = SILENT) -> ReproduceResult:
    """Repeat the command that wrote a folder or file, from its receipt, and compare every file by its hash.

    Nothing of it is changed. Versions of packages that differ are reported. Raises `InputError` for what
    another command wrote, for a receipt without its run (as on the hub) or of an earlier version, and for
    inputs that are missing or have changed.
    """
    path = Path(folder)
    receipt = files.receipt_fields(path, _HINT)
    command = receipt.text("command")
    if command != _FINETUNE and command not in FUNCTIONS:
        raise InputError(f"{path}: what tokkit {command} writes is not repeated", hint=_HINT)
    run = receipt.fields("run", default=None)
    if run is None:
        raise InputError(
            f"{path}: its receipt does not say how it was run, as those on the hub",
            hint="name the folder that the command wrote",
        )
    if STANDARD_INPUT in _sources(run):
        raise InputError(
            f"{path}: cannot be reproduced: was read from standard input, which is not kept",
            hint="write it to a file, and name that in place of - when the command is run",
        )
    described_in = COMMANDS[command].inputs if command in COMMANDS else "inputs"
    if changed := list(changed_inputs(receipt, described_in)):
        raise InputError(
            f"{path}: cannot be reproduced: {'; '.join(changed)}",
            hint="restore the files, whose hashes are in its tokkit.json",
        )
    _say_versions(path, receipt.fields("result"), progress)
    # A path as it was given has no name where it is `.`.
    name = path.resolve().name
    # Not next to the output: a folder of data would be read as an input by a later run.
    with files.temporary_folder("reproduce") as temporary:
        out = temporary / name
        if command == _FINETUNE:
            # What was reported to a tracker is not reported twice.
            finetune(like=path, out=out, report_to=None, progress=progress)
        else:
            _repeat(command, receipt, out, progress)
        pinned = _pinned_names(receipt)
        # Scores of several models name them without their owners.
        names = pinned | {Path(commit).name: Path(name).name for commit, name in pinned.items()}
        compared = _compared(_contents(path), _contents(out), names)
    return ReproduceResult(str(path), command, all(file.same for file in compared), compared)


def _repeat(command: str, receipt: Fields, out: Path, progress: Progress) -> None:
    """Call the function of a command with the sources and options of its receipt."""
    run, recorded = receipt.fields("run"), COMMANDS[command]
    if run.fields("sources", default=None) is None:
        raise InputError(
            f"{receipt.path}: does not record what was read; an earlier version of tokkit wrote it",
            hint="run the command again once",
        )
    pinned = {name: commit for commit, name in _pinned_names(receipt).items()}
    arguments = {
        argument: [pinned.get(item, item) for item in value]
        if isinstance(value, list)
        else pinned.get(value, value)
        for argument, value in run.fields("sources").content.items()
        if value
    }
    groups = dict(zip(("options", "read_options"), recorded_options(receipt, recorded), strict=False))
    if options := groups.get("options"):
        # A file that an option names is recorded there by its name alone.
        own = {item.name for item in dataclasses.fields(options)} & arguments.keys()
        groups["options"] = dataclasses.replace(options, **{name: arguments.pop(name) for name in own})
    settings = receipt.fields("result").fields("settings").content
    arguments |= {name: settings.get(name) for name in recorded.keywords}
    if recorded.threads:
        arguments["threads"] = run.integer("threads", least=1, default=None)
    FUNCTIONS[command](**arguments, **groups, out=out, progress=progress)


def _pinned_names(receipt: Fields) -> dict[str, str]:
    """Names of the hub with the commit that was read -> as they were given."""
    inputs = [item.content for item in receipt.fields("result").objects("inputs", default=())]
    commits = {files.pinned(name, inputs): name for name in _sources(receipt.fields("run"))}
    return {commit: name for commit, name in commits.items() if commit != name}


def _sources(run: Fields) -> list[str]:
    """Everything that a run read, as far as its receipt records it."""
    sources = run.fields("sources", default=None)
    values = [] if sources is None else list(sources.content.values())
    names = [name for value in values for name in (value if isinstance(value, list) else [value])]
    return [name for name in names if isinstance(name, str)]


def _say_versions(folder: Path, result: Fields, progress: Progress) -> None:
    recorded = result.fields("versions").content
    for package, version in files.versions(*recorded).items():
        if recorded.get(package, version) != version:
            progress.say(f"{folder}: {package} was {recorded[package]}, is {version}")


def _contents(output: Path) -> dict[str, Path]:
    """Every file of a folder by its path in it, or a file with what belongs to it by name."""
    if output.is_dir():
        paths = [path for path in output.rglob("*") if path.is_file()]
        names = {path.relative_to(output).as_posix(): path for path in sorted(paths)}
        return {name: path for name, path in names.items() if not any(map(_is_hidden, Path(name).parts))}
    siblings = (path for path in sorted(output.parent.iterdir()) if path.name.startswith(f"{output.name}."))
    return {path.name: path for path in (output, *siblings) if path.is_file()}


def _is_hidden(part: str) -> bool:
    return part.startswith(".")


def _compared(
    before: Mapping[str, Path], after: Mapping[str, Path], names: Mapping[str, str]
) -> list[ReproducedFile]:
    """Every file of both.

    names   in receipts and cards of ``after``, what is called otherwise in those of ``before``
    """
    compared = []
    for name in sorted({*before, *after}):
        # What was added after the command had written the folder is no difference.
        if name not in after and Path(name).name in _OF_THE_CARD:
            continue
        old = _hash(before[name], {}) if name in before else None
        new = _hash(after[name], names) if name in after else None
        same = old == new
        if not same and old and new and Path(name).name == CARD:
            tested = before[name].with_name(TEST_SCORES).exists()
            again = _renamed(after[name].read_text("utf-8"), names)
            same = _same_card(before[name].read_text("utf-8"), again, tested)
        compared.append(ReproducedFile(name, old, new, same))
    return compared


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for commit, name in names.items():
        text = text.replace(commit, name)
    return text


def _hash(path: Path, names: Mapping[str, str]) -> str:
    """The SHA-256 of a file; of a receipt, of all but ``run``, which no two runs have in common."""
    if path.name == files.RECEIPT or path.name.endswith(f".{files.RECEIPT}"):
        content = {name: value for name, value in Fields.of_file(path).content.items() if name != "run"}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    elif path.suffix == ".json" and names:
        text = path.read_text("utf-8")
    else:
        return files.sha256_of(path)
    return hashlib.sha256(_renamed(text, names).encode("utf-8", "surrogatepass")).hexdigest()


def _same_card(before: str, after: str, tested: bool) -> bool:
    """Whether a card that the command `card` completed has all that training writes into one.

    tested   whether it has scores of other rows as well, which change what it says of the model
    """
    old, new = parts_of(before)[1], parts_of(after)[1]
    same = (old.title, old.lead) == (new.title, new.lead)
    return same and (tested or all(old.sections.get(name) == text for name, text in new.sections.items()))
