"""The checkpoints of a training: what a run that was killed at any moment goes on from, to the same bytes.

They stand beside the output, here `model`, and are touched only under its lock:

    .model.tokkit-training/
        checkpoint-00000120/       complete: it is renamed to this name once all of it is on the disk
            model.safetensors      the weights of the step
            optimizer.safetensors  what the optimizer has gathered
            best/                  the model folder that is best so far
            best.safetensors       its answers to the validation rows
            state.json             of which run, at which step, its history, and the SHA-256 of each file
        checkpoint-00000180.part/  one that a kill or a full disk cut short: passed over

A checkpoint belongs to one training, told by its `identity`: settings, data and versions. Another training
does not go on from it in silence.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import InputError
from tokkit.progress import Progress

STATE = "state.json"
_PART = ".part"
_NAME = re.compile(r"checkpoint-(\d{8,})")

Identity = Mapping[str, Any]

MUST_AGREE = (
    *("data", "labels", "task", "head", "size", "batch_size", "sampler", "seed", "freeze", "max_length"),
    *("label_smoothing", "class_weights", "loss"),
)
"""What of an identity cannot differ even where a checkpoint is named."""


@dataclass(frozen=True)
class Checkpoint:
    """path   its folder
    state  what `save` was told
    """

    path: Path
    step: int
    identity: Identity
    state: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of one training in its work folder.

    Where they cannot be written, `OutputError` about ``out`` is raised.
    """

    def __init__(self, folder: Path, out: Path, keep: int) -> None:
        self.folder, self._out, self._keep = folder, out, keep

    def find(self, identity: Identity, resume: str, progress: Progress) -> Checkpoint | None:
        """What to go on from: the newest complete checkpoint, none, or the one that is named.

        Nothing is changed. Raises `InputError` for a checkpoint of another training: with ``auto`` any
        difference counts, of one that is named only `MUST_AGREE`.
        """
        found = None
        if resume == "auto":
            found = newest(self.folder, progress)
            if found is not None:
                _check_same(found, identity, self._out)
        elif resume != "none":
            found = _named(Path(resume).resolve(), progress)
            _check_close(found, identity, progress)
        return found

    def settle(self, found: Checkpoint | None, resume: str, progress: Progress) -> None:
        """Leaves in the work folder what is gone on from, and with ``auto`` what is older; it is said."""
        if found is not None:
            progress.say(f"continuing after step {found.step}, from {found.path}")
        elif _complete_names(self.folder):
            progress.say(f"{self._out}: the checkpoints of an unfinished training are discarded")
        self._sweep(found, resume == "auto")

    def save(
        self, step: int, identity: Identity, state: Mapping[str, Any], write: Callable[[Path], None]
    ) -> None:
        """A checkpoint of this step: ``write`` fills its folder; older ones than those to keep go."""
        final = self.folder / f"checkpoint-{step:08}"
        part = final.with_name(final.name + _PART)
        try:
            with files.raising_output_error(self._out, part), files.raising_write_error(self._out, part):
                part.mkdir(parents=True)
                write_checkpoint(part, step, identity, state, write)
                files.sync_tree(part)
                shutil.rmtree(final, ignore_errors=True)
                part.rename(final)
                files.sync_folder(self.folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        for path in _complete_names(self.folder)[self._keep :]:
            _remove(path)

    def newest_step(self) -> int | None:
        """The step of the newest checkpoint here."""
        return next((_step_of(path) for path in _complete_names(self.folder)), None)

    def discard(self) -> None:
        """Removes the work folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _sweep(self, found: Checkpoint | None, keep_older: bool) -> None:
        """Leaves what is gone on from, and those before it where they are of the same training."""
        if not self.folder.exists():
            return
        for path in self.folder.iterdir():
            older = keep_older and found is not None and _NAME.fullmatch(path.name) is not None
            if found is None or not (path == found.path or (older and path.name < found.path.name)):
                _remove(path)


class ReadCheckpoints(Checkpoints):
    """Those of another process that trains the same: found, and left to it."""

    def settle(self, found: Checkpoint | None, resume: str, progress: Progress) -> None:
        """Nothing."""

    def save(
        self, step: int, identity: Identity, state: Mapping[str, Any], write: Callable[[Path], None]
    ) -> None:
        """Nothing."""

    def discard(self) -> None:
        """Nothing."""


def write_checkpoint(
    folder: Path, step: int, identity: Identity, state: Mapping[str, Any], write: Callable[[Path], None]
) -> None:
    """A checkpoint in a folder that exists: what ``write`` puts there, and last what tells it is whole."""
    write(folder)
    content = {"schema": 1, "step": step, "identity": identity, "state": state, "files": _described(folder)}
    (folder / STATE).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def newest(folder: Path, progress: Progress) -> Checkpoint | None:
    """The newest complete checkpoint in a work folder; those passed over are said."""
    if folder.is_dir():
        for path in sorted(folder.glob(f"checkpoint-*{_PART}")):
            progress.say(f"{path}: a half-written checkpoint is passed over")
    for path in _complete_names(folder):
        found = read(path)
        if found is not None:
            return found
        progress.say(f"{path}: a checkpoint that was cut short or changed is passed over")
    return None


def read(path: Path) -> Checkpoint | None:
    """A checkpoint whose files are all as they were written; None for any other folder."""
    try:
        content = json.loads((path / STATE).read_text("utf-8"))
        if content["files"] != _described(path):
            return None
        return Checkpoint(path, content["step"], content["identity"], content["state"])
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None


def link_tree(source: Path, target: Path) -> None:
    """``target`` is a copy of the folder ``source`` that takes no space where the file system has links."""

    def link(old: str, new: str) -> None:
        try:
            os.link(old, new)
        except OSError:
            shutil.copy2(old, new)

    shutil.copytree(source, target, copy_function=link)


def _named(path: Path, progress: Progress) -> Checkpoint:
    """The checkpoint ``path``, or the newest in the work folder ``path``."""
    found = read(path) if (path / STATE).exists() else newest(path, progress)
    if found is None:
        raise InputError(f"--resume {path}: no complete checkpoint", hint="--resume none begins anew")
    return found


def _check_same(found: Checkpoint, identity: Identity, out: Path) -> None:
    told = _differences(found.identity, identity)
    if told:
        raise InputError(
            f"{out}: an unfinished training stands beside it, with {told[0]}{' and more' * (len(told) > 1)}",
            hint=f"--resume none discards it; --resume {found.path} goes on from it all the same",
        )


def _check_close(found: Checkpoint, identity: Identity, progress: Progress) -> None:
    """One that is named may be of other settings, not of other rows or another model."""
    forbidden = _differences(found.identity, identity, MUST_AGREE)
    if forbidden:
        raise InputError(
            f"--resume {found.path}: a checkpoint of another training, with {forbidden[0]}",
            hint="--resume none begins anew",
        )
    if told := _differences(found.identity, identity):
        progress.say(f"{found.path}: was trained with {', '.join(told)}; it is gone on from all the same")


def _differences(theirs: Identity, ours: Identity, names: tuple[str, ...] | None = None) -> list[str]:
    """What is another: ``--epochs 3 instead of 5``."""
    ours = json.loads(json.dumps(ours))
    different = [
        name
        for name in {**theirs, **ours}
        if theirs.get(name) != ours.get(name) and (names is None or name in names)
    ]
    return [_SAID[name] if name in _SAID else _flag(name, theirs, ours) for name in different]


_SAID = {
    "data": "other rows",
    "labels": "other labels",
    "weights": "other class weights",
    "start": "another model to start from",
    "versions": "other versions of the libraries",
}


def _flag(name: str, theirs: Identity, ours: Identity) -> str:
    return f"--{name.replace('_', '-')} {theirs.get(name)} instead of {ours.get(name)}"


def _described(folder: Path) -> list[dict[str, Any]]:
    """Name, size and SHA-256 of every file of a checkpoint but `state.json`."""
    described: list[dict[str, Any]] = files.describe_input(folder)["files"]
    return [each for each in described if each["name"] != STATE]


def _complete_names(folder: Path) -> list[Path]:
    """The folders with the name of a complete checkpoint, the newest first."""
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=_step_of, reverse=True)


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix("checkpoint-"))


def _remove(path: Path) -> None:
    """Removes a checkpoint so that what a kill leaves of it is none; a file is just removed."""
    (path / STATE).unlink(missing_ok=True) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)
