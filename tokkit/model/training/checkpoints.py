"""Checkpoints of a training: what a run that was killed at any moment resumes from, to the same bytes.

They are in a work folder next to the output, here `model`, and are changed only under its lock:

    .model.tokkit-training/
        checkpoint-00000120/       complete: it gets this name once all of it is on the disk
            model.safetensors      weights of the step
            optimizer.safetensors  state of the optimizer
            best/                  the best model folder so far
            best.safetensors       its logits of the validation rows
            state.json             identity of the training, step, history, and the SHA-256 of each file
        checkpoint-00000180.part/  incomplete, after a kill or a full disk: skipped

A checkpoint belongs to one training, known by its identity (`identity_of`): settings, data, versions. No
other training resumes from it silently.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tokkit import files
from tokkit.errors import InputError
from tokkit.model.training.setup import EncodedRows, TrainingSetup
from tokkit.progress import Progress

STATE = "state.json"
_PART = ".part"
_SCHEMA = 1
_NAME = re.compile(r"checkpoint-(\d{8,})")
_ROWS_PER_UPDATE = 4096

Identity = Mapping[str, Any]

# Options that change no byte of the model folder.
CHANGE_NOTHING = ("resume", "save_every", "keep", "keep_optimizer", "log_every", "report_to", "no_cache")
_CHANGE_NO_WEIGHT = (*CHANGE_NOTHING, "baseline")

# Parts of an identity that must be equal even for a checkpoint that ``--resume`` names.
MUST_AGREE = (
    "data",
    "labels",
    "task",
    "head",
    "size",
    "batch_size",
    "sampler",
    "seed",
    "freeze",
    "max_length",
    "label_smoothing",
    "class_weights",
    "loss",
)

_DIFFERENCES = {
    "data": "other rows",
    "labels": "other labels",
    "weights": "other class weights",
    "start": "another model to start from",
    "versions": "other versions of the libraries",
}


@dataclass(frozen=True)
class Checkpoint:
    """path   its folder
    state  as it was passed to `Checkpoints.save`
    """

    path: Path
    step: int
    identity: Identity
    state: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of one training in its work folder.

    read_only   for all of several processes but the first: they read what that one writes

    Where they cannot be written, `OutputError` about ``out`` is raised.
    """

    def __init__(self, folder: Path, out: Path, keep: int, *, read_only: bool = False) -> None:
        self.folder, self._out, self._keep, self._read_only = folder, out, keep, read_only

    def find(self, identity: Identity, resume: str, progress: Progress) -> Checkpoint | None:
        """The checkpoint to resume from: the newest complete one, none, or the one that ``resume`` names.

        Changes nothing. Raises `InputError` for a checkpoint of another training: with ``auto`` any
        difference counts, for a named one only `MUST_AGREE`.
        """
        checkpoint = None
        if resume == "auto":
            # An unreadable newest one is skipped for an older one: at most a few steps are repeated.
            checkpoint = newest(self.folder, progress)
            if checkpoint is not None:
                _check_same(checkpoint, identity, self._out)
        elif resume != "none":
            checkpoint = _named(Path(resume).resolve(), progress)
            # Naming a checkpoint is a decision: another rate or more epochs are allowed then.
            _check_close(checkpoint, identity, progress)
        return checkpoint

    def clean(self, checkpoint: Checkpoint | None, resume: str, progress: Progress) -> None:
        """Keep only the checkpoint to resume from, and with ``auto`` older ones; report what happens."""
        if self._read_only:
            return
        if checkpoint is not None:
            progress.say(f"continuing after step {checkpoint.step}, from {checkpoint.path}")
        elif _complete(self.folder):
            progress.say(f"{self._out}: the checkpoints of an unfinished training are discarded")
        if not self.folder.exists():
            return
        for path in self.folder.iterdir():
            older = (
                resume == "auto"
                and checkpoint is not None
                and _NAME.fullmatch(path.name) is not None
                and path.name < checkpoint.path.name
            )
            if checkpoint is None or not (path == checkpoint.path or older):
                _remove(path)

    def save(
        self, step: int, identity: Identity, state: Mapping[str, Any], write: Callable[[Path], None]
    ) -> None:
        """Save a checkpoint, whose folder ``write`` fills, and remove those older than the ones to keep."""
        if self._read_only:
            return
        final = self.folder / f"checkpoint-{step:08}"
        part = final.with_name(final.name + _PART)
        try:
            with files.raising_output_error(self._out, part), files.raising_write_error(self._out, part):
                part.mkdir(parents=True)
                write_checkpoint(part, step, identity, state, write)
                # The rename must not reach the disk before the content, or a power cut leaves a complete name
                # with incomplete files.
                files.sync_tree(part)
                # From an earlier run that was resumed from an older checkpoint.
                _remove(final)
                part.rename(final)
                files.sync_folder(self.folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        # Removed last: there are always as many complete ones as before.
        for path in _complete(self.folder)[self._keep :]:
            _remove(path)

    def newest_step(self) -> int | None:
        """The step of the newest complete checkpoint."""
        return next((_step_of(path) for path in _complete(self.folder)), None)

    def discard(self) -> None:
        """Remove the work folder."""
        if not self._read_only and self.folder.exists():
            files.discard_work(self.folder, self._out.resolve())


def identity_of(setup: TrainingSetup) -> dict[str, Any]:
    """What decides the weights of a training: equal identities end in the same bytes on the same machine.

    Settings by name; rows, labels and initial weights by SHA-256.
    """
    classifier, options = setup.classifier, asdict(setup.options)
    settings = {name: value for name, value in options.items() if name not in _CHANGE_NO_WEIGHT}
    return {
        **settings,
        "lr": setup.lr,
        "max_length": classifier.limits.max_length,
        "device": setup.device.type,
        "threads": torch.get_num_threads(),  # the order of sums depends on them
        "labels": list(classifier.labels),
        "data": _hash_of_rows(setup.training, setup.validation),
        "start": _hash_of_weights(classifier.model),
        "versions": files.versions("accelerate", "numpy", "torch", "transformers"),
    }


def write_checkpoint(
    folder: Path, step: int, identity: Identity, state: Mapping[str, Any], write: Callable[[Path], None]
) -> None:
    """Write a checkpoint into an existing folder; `state.json` comes last, as it makes it complete."""
    write(folder)
    content = {
        "schema": _SCHEMA,
        "step": step,
        "identity": identity,
        "state": state,
        "files": _hashes(folder),
    }
    (folder / STATE).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def newest(folder: Path, progress: Progress) -> Checkpoint | None:
    """The newest complete checkpoint in a work folder; incomplete ones are reported."""
    if folder.is_dir():
        for path in sorted(folder.glob(f"checkpoint-*{_PART}")):
            progress.say(f"{path}: skipped an incomplete checkpoint")
    for path in _complete(folder):
        if (checkpoint := read(path)) is not None:
            return checkpoint
        progress.say(f"{path}: skipped a truncated or changed checkpoint")
    return None


def read(path: Path) -> Checkpoint | None:
    """A checkpoint whose files are all as they were written; None for any other folder."""
    try:
        content = json.loads((path / STATE).read_text("utf-8"))
        # Sizes alone would miss a file whose blocks were never written.
        if content["schema"] != _SCHEMA or content["files"] != _hashes(path):
            return None
        return Checkpoint(path, content["step"], content["identity"], content["state"])
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None


def link_tree(source: Path, target: Path) -> None:
    """Copy the folder ``source``, as hard links where the file system has them: they take no space."""

    def link(old: str, new: str) -> None:
        try:
            # Files of a model folder are never changed in place, so a link is as good as a copy.
            os.link(old, new)
        except OSError:
            shutil.copy2(old, new)

    shutil.copytree(source, target, copy_function=link)


def _named(path: Path, progress: Progress) -> Checkpoint:
    """The checkpoint ``path``, or the newest in the work folder ``path``."""
    checkpoint = read(path) if (path / STATE).exists() else newest(path, progress)
    if checkpoint is None:
        raise InputError(f"--resume {path}: no complete checkpoint", hint="start over:\n--resume none")
    return checkpoint


def _check_same(checkpoint: Checkpoint, identity: Identity, out: Path) -> None:
    if different := _differences(checkpoint.identity, identity):
        raise InputError(
            f"{out}: has an unfinished training with {different[0]}{' and more' * (len(different) > 1)}",
            hint="discard it, or continue from it anyway:\n--resume none\n"
            f"--resume {shlex.quote(str(checkpoint.path))}",
        )


def _check_close(checkpoint: Checkpoint, identity: Identity, progress: Progress) -> None:
    """A named checkpoint may have other settings, but not other rows or another model."""
    if forbidden := _differences(checkpoint.identity, identity, MUST_AGREE):
        raise InputError(
            f"--resume {checkpoint.path}: a checkpoint of another training, with {forbidden[0]}",
            hint="start over:\n--resume none",
        )
    if different := _differences(checkpoint.identity, identity):
        progress.say(f"{checkpoint.path}: was trained with {', '.join(different)}; continuing anyway")


def _differences(theirs: Identity, ours: Identity, names: tuple[str, ...] | None = None) -> list[str]:
    """What differs: ``--epochs 3 instead of 5``."""
    ours = json.loads(json.dumps(ours))  # tuples become lists, as in a checkpoint
    return [
        _DIFFERENCES.get(name, f"--{name.replace('_', '-')} {theirs.get(name)} instead of {ours.get(name)}")
        for name in {**theirs, **ours}
        if theirs.get(name) != ours.get(name) and (names is None or name in names)
    ]


def _hash_of_rows(*splits: EncodedRows) -> str:
    digest = hashlib.sha256()
    for split in splits:
        encoded, width = split.encoded, int(split.encoded.lengths.max(initial=1))
        # Ids and not texts: another tokenizer makes other rows of the same texts.
        for values in (encoded.offsets, encoded.ids, encoded.segments):
            if values is not None:
                digest.update(np.ascontiguousarray(values).tobytes())
        for start in range(0, len(encoded), _ROWS_PER_UPDATE):
            rows = np.arange(start, min(start + _ROWS_PER_UPDATE, len(encoded)))
            digest.update(split.targets.of(rows, width).tobytes())
    return digest.hexdigest()


def _hash_of_weights(model: Any) -> str:
    digest = hashlib.sha256()
    # Names too: two weights of the same shape might be swapped.
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _hashes(folder: Path) -> list[dict[str, Any]]:
    """Name, size and SHA-256 of every file of a checkpoint but `state.json`."""
    described: list[dict[str, Any]] = files.describe_input(folder)["files"]
    return [file for file in described if file["name"] != STATE]


def _complete(folder: Path) -> list[Path]:
    """The folders with the name of a complete checkpoint, the newest first."""
    paths = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(paths, key=_step_of, reverse=True)


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix("checkpoint-"))


def _remove(path: Path) -> None:
    """Remove a checkpoint, `state.json` first: after a kill in between, the rest is not a checkpoint."""
    (path / STATE).unlink(missing_ok=True) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)
