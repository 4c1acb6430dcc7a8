"""What the folder of a model records of its training, read once and passed on.

tokkit.json          the receipt: settings, inputs, and in a folder of folds the result of each fold
metrics.json         scores on the rows held out in training, and what was fitted on these rows
predictions.parquet  these rows
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.dataset import Rows
from tokkit.data.loading.trained_columns import NO_COLUMNS, TrainedColumns
from tokkit.errors import InputError
from tokkit.progress import Progress

METRICS, PREDICTIONS = "metrics.json", "predictions.parquet"
# Prefix of the columns of probabilities in it; the label follows.
PERCENT = "% "
_FOLD = re.compile(r"fold-(\d+)")
_COPY_AGAIN = "copy the whole folder again; the command finetune wrote all of it"
_FILES = "a list of files, each with its sha256"
# Temperatures that divide logits without overflow; training tries those from 0.05 to 20.
_TEMPERATURES = 0.01, 100
_LARGEST = 1e300


@dataclass(frozen=True)
class ModelReceipt:
    """What is known of a model before it is loaded; of a checkpoint without a receipt, its name alone.

    folder       the folder as it was named, or a name on the hub
    max_length   tokens that rows were truncated at; None where unknown
    pairs        whether rows were pairs of texts; None where unknown
    columns      of the rows it was trained on
    folds        number of models in a folder of folds; 0 for a single model
    inputs       SHA-256 of the files it was trained on
    fingerprint  hash of all that decides the result, in folders of folds and in each fold
    result, run  all that the receipt holds: of the work, and of this one run of it
    """

    folder: Path
    max_length: int | None = None
    pairs: bool | None = None
    columns: TrainedColumns = NO_COLUMNS
    folds: int = 0
    inputs: frozenset[str] = frozenset()
    fingerprint: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: str | Path) -> ModelReceipt:
        """The receipt of a folder that `finetune` wrote.

        Raises `InputError` for a receipt that is not JSON, lacks a key, or has a value of another type.
        """
        path = Path(folder) / files.RECEIPT
        if not path.is_file():
            return cls(path.parent)
        content = files.receipt_fields(path.parent, _COPY_AGAIN)
        result = content.fields("result")
        # Commands that change a model (add-tokens, trim) leave a receipt of their own in its place.
        trained = content.content.get("command") == "finetune"
        settings = result.fields("settings") if trained else result.fields("settings", default=None)
        columns = result.fields("columns", default=None)
        max_length = None
        if settings is not None:
            expected = "a number of tokens, or null"
            max_length = settings.integer("max_length", expected, least=1, default=None)
        # Of an exported model, what its own receipt says of the training.
        training: files.Fields | None = result.fields("trained", default=None)
        return cls(
            path.parent,
            max_length=max_length,
            pairs=result.flag("pairs", default=None),
            columns=NO_COLUMNS if columns is None else _columns(columns, training or settings),
            folds=len(result.objects("folds", "a list of results, one per fold", default=())),
            inputs=_hashes((training or result).objects("inputs", _FILES, default=())),
            fingerprint=result.text("fingerprint", "a hash", default=None),
            result=result.content,
            run=content.fields("run").content if "run" in content.content else {},
        )

    def fields(self, names: Iterable[str]) -> dict[str, Any]:
        """What is recorded under each of these names; raises `InputError` for a name that is missing."""
        recorded = {**self.run, **self.result}
        names = list(names)
        if missing := [name for name in names if name not in recorded]:
            raise InputError(f'{self.folder / files.RECEIPT}: has no "{missing[0]}"', hint=_COPY_AGAIN)
        return {name: recorded[name] for name in names}

    def members(self) -> list[Path]:
        """The model folders of the folds, in order; empty for a single model.

        >>> ModelReceipt.read("model").members()                # a folder of `finetune --folds 2`
        [PosixPath('model/fold-1'), PosixPath('model/fold-2')]

        Raises `InputError` where a fold of the receipt is missing.
        """
        paths = [self.folder / fold_name(number) for number in range(1, self.folds + 1)]
        missing = [path for path in paths if not path.is_dir()]
        # Compared settings keep the scores of their folds, and their models only on request.
        if missing and len(missing) == len(paths):
            raise InputError(
                f"{self.folder}: has the results of {len(paths)} folds, but not their models",
                hint="keep them when comparing (--keep-models)",
            )
        if missing:
            raise InputError(f"{self.folder}: {missing[0].name} is missing, one of {len(paths)} folds")
        return paths

    def models(self) -> list[ModelReceipt]:
        """The receipts of the models that predict together: of each fold, or this one alone."""
        return [ModelReceipt.read(path) for path in self.members()] or [self]

    def check_rows(self, rows: Rows, progress: Progress) -> None:
        """Raises `InputError` for single texts where the model was trained on pairs; warns of the reverse."""
        if not rows.texts or self.pairs is None or self.pairs == bool(rows.pairs):
            return
        if self.pairs:
            raise InputError(
                f"{self.folder}: the model was trained on pairs of texts, but the rows are single texts",
                hint="name a file with both, and its columns (--text-column, --pair-column)",
            )
        progress.say(f"{self.folder}: the model was trained on single texts, but the rows are pairs")

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """Scores on the rows held out in training (of folds: out of fold); empty where there are none.

        Raises `InputError` where they are no object.
        """
        return self._metrics.content

    @cached_property
    def _metrics(self) -> files.Fields:
        path = self.folder / METRICS
        if not path.exists():
            return files.Fields(path, {}, _COPY_AGAIN)
        metrics = files.Fields.of_file(path, _COPY_AGAIN)
        # A folder of folds has its scores out of fold; a model those of its validation rows.
        return metrics.fields("out_of_fold", default=metrics)

    def held_out_scores(self, names: Iterable[str]) -> dict[str, float | None]:
        """The scores of these names, where there are any; raises `InputError` for one that is no number."""
        return {
            name: self._metrics.number(name, -_LARGEST, _LARGEST, default=None)
            for name in names
            if name in self.metrics
        }

    @property
    def temperature(self) -> float:
        """The temperature fitted on the held-out rows; raises `InputError` where there is none."""
        calibration = self._metrics.fields("calibration", default=None)
        if calibration is None or calibration.content.get("temperature") is None:
            raise InputError(
                f"{self.folder}: {METRICS} has no temperature fitted in training",
                hint="leave out --calibrated for uncalibrated probabilities",
            )
        value: float = calibration.number("temperature", *_TEMPERATURES)
        return value

    @property
    def thresholds(self) -> dict[str, dict[str, float]]:
        """Class -> ``{threshold, ...}`` tuned on the held-out rows; raises `InputError` without any."""
        tuned = self._metrics.fields("thresholds", default=None)
        if tuned is None or not tuned.content:
            raise InputError(
                f"{self.folder}: {METRICS} has no thresholds tuned in training; "
                "only models with two classes, or with several labels per text, have them",
                hint="leave out --tuned-thresholds to predict the likeliest class",
            )
        classes = {label: tuned.fields(label) for label in tuned.content}
        # F1 is recorded with the threshold, which alone is required
        names = {label: {"threshold": None, **figures.content} for label, figures in classes.items()}
        return {
            label: {name: figures.number(name, 0, 1) for name in names[label]}
            for label, figures in classes.items()
        }


def fold_name(number: int) -> str:
    """The folder of a fold, counted from 1."""
    return f"fold-{number}"


def fold_number(folder: Path) -> int | None:
    """Which fold a folder of this name is; None for any other folder."""
    match = _FOLD.fullmatch(folder.name)
    return int(match[1]) if match else None


def fold_folders(source: str | Path) -> list[Path]:
    """The folders of the folds that `split --folds` wrote, in order; empty for any other data set."""
    folder = Path(source)
    if not folder.is_dir():
        return []
    return sorted(
        (path for path in folder.iterdir() if path.is_dir() and fold_number(path)),
        key=lambda path: fold_number(path) or 0,
    )


def _columns(names: files.Fields, settings: files.Fields | None) -> TrainedColumns:
    """The columns of the training, with the settings that named or computed them."""
    by_role = {what: names.text(what) for what in names.content}
    if settings is None:
        return TrainedColumns(by_role)
    added = settings.list_of("add", str, "a list of NAME=EXPR", default=())
    return TrainedColumns(by_role, settings.text("rename", default=None), added)


def _hashes(inputs: Iterable[files.Fields]) -> frozenset[str]:
    """The SHA-256 of every input, and of every file in an input that is a folder."""
    entries = [entry for item in inputs for entry in (item, *item.objects("files", _FILES, default=()))]
    hashes = [entry.text("sha256", "a hash", default=None) for entry in entries]
    return frozenset(hash_ for hash_ in hashes if hash_ is not None)
