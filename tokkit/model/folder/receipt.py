"""What the folder of a model records of its training, read once and passed on.

tokkit.json          the receipt: settings, inputs, and in a folder of folds the result of each fold
metrics.json         scores on the rows held out in training, and what was fitted on these rows
predictions.parquet  these rows
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.folder.predictions import read_parquet
from tokkit.progress import Progress
from tokkit.tokenizer.folder.load import read_json

METRICS, PREDICTIONS = "metrics.json", "predictions.parquet"
_FOLD = re.compile(r"fold-(\d+)")
_DAMAGED = "copy the whole folder again; tokkit finetune wrote all of it"


@dataclass(frozen=True)
class ModelReceipt:
    """What is known of a model before it is loaded; of a checkpoint without a receipt, its name alone.

    folder       the folder as it was named, or a name on the hub
    max_length   tokens that rows were truncated at; None where unknown
    pairs        whether rows were pairs of texts; None where unknown
    folds        number of models in a folder of folds; 0 for a single model
    inputs       SHA-256 of the files it was trained on
    fingerprint  hash of all that decides the result, in folders of folds and in each fold
    result, run  all that the receipt holds: of the work, and of this one run of it
    """

    folder: Path
    max_length: int | None = None
    pairs: bool | None = None
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
        content = files.read_receipt(path.parent)
        result, value = content["result"], partial(_value, path)
        # Commands that change a model (add-tokens, trim) leave a receipt of their own in its place.
        if content.get("command") == "finetune" and result.get("settings") is None:
            raise _damaged(path, "settings", None, "an object")
        settings = value(result, "settings", dict, "an object") or {}
        max_length = value(settings, "max_length", int, "a number of tokens, or null")
        if max_length is not None and max_length < 1:
            raise _damaged(path, "max_length", max_length, "a number of tokens, or null")
        return cls(
            path.parent,
            max_length=max_length,
            pairs=value(result, "pairs", bool, "true or false"),
            folds=len(value(result, "folds", list, "a list of results, one per fold") or []),
            inputs=_hashes(path, value(result, "inputs", list, "a list of files") or []),
            fingerprint=value(result, "fingerprint", str, "a hash"),
            result=result,
            run=value(content, "run", dict, "an object") or {},
        )

    def fields(self, names: Iterable[str]) -> dict[str, Any]:
        """What is recorded under each of these names; raises `InputError` for a name that is missing."""
        recorded = {**self.run, **self.result}
        names = list(names)
        if missing := [name for name in names if name not in recorded]:
            raise InputError(f'{self.folder / files.RECEIPT}: has no "{missing[0]}"', hint=_DAMAGED)
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
                hint="tokkit finetune DATASET --folds K keeps them, as does --compare with --keep-models",
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
                hint="a file with both: --text-column and --pair-column name their columns",
            )
        progress.say(f"{self.folder}: the model was trained on single texts, but the rows are pairs")

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """Scores on the rows held out in training (of folds: out of fold); empty where there are none."""
        # A folder of folds has its scores out of fold; a model those of its validation rows.
        metrics = read_json(self.folder / METRICS)
        return _object(metrics.get("out_of_fold", metrics))

    def held_out_texts(self) -> frozenset[str]:
        """The texts of the held-out rows; empty where the folder does not have them."""
        path = self.folder / PREDICTIONS
        return frozenset(read_parquet(path, columns=["text"])["text"]) if path.is_file() else frozenset()

    @property
    def temperature(self) -> float:
        """The temperature fitted on the held-out rows; raises `InputError` where there is none."""
        value = _object(self.metrics.get("calibration")).get("temperature")
        if not isinstance(value, int | float) or not value > 0:
            raise InputError(
                f"{self.folder}: {METRICS} has no temperature fitted in training",
                hint="tokkit finetune writes one; leave out --calibrated for uncalibrated probabilities",
            )
        return float(value)

    @property
    def thresholds(self) -> Mapping[str, Any]:
        """Class -> ``{threshold, ...}`` tuned on the held-out rows; raises `InputError` without any."""
        value = _object(self.metrics.get("thresholds"))
        if not value:
            raise InputError(
                f"{self.folder}: {METRICS} has no thresholds tuned in training; "
                "only models with two classes, or with several labels per text, have them",
                hint="leave out --tuned-thresholds to predict the likeliest class",
            )
        return value


def fold_name(number: int) -> str:
    """The folder of a fold, counted from 1."""
    return f"fold-{number}"


def fold_number(folder: Path) -> int | None:
    """Which fold a folder of this name is; None for any other folder."""
    match = _FOLD.fullmatch(folder.name)
    return int(match[1]) if match else None


def _value(path: Path, content: Mapping[str, Any], name: str, kind: type, expected: str) -> Any:
    """The value under this name, None where there is none; raises `InputError` for one of another type."""
    value = content.get(name)
    # bool is a subclass of int: `true` is no number of tokens
    if value is None or (isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)):
        return value
    raise _damaged(path, name, value, expected)


def _damaged(path: Path, name: str, value: object, expected: str) -> InputError:
    written = repr(value)
    written = written if len(written) <= 40 else f"{written[:40]}..."
    return InputError(f'{path}: "{name}" is {written}, expected {expected}', hint=_DAMAGED)


def _hashes(path: Path, inputs: list[Any]) -> frozenset[str]:
    """The SHA-256 of every input, and of every file in an input that is a folder."""
    try:
        entries = [entry for item in inputs for entry in (item, *item.get("files", ()))]
        return frozenset(entry["sha256"] for entry in entries if "sha256" in entry)
    except (TypeError, AttributeError) as error:
        raise _damaged(path, "inputs", inputs, "a list of files, each with its sha256") from error


def _object(value: Any) -> Mapping[str, Any]:
    """The value where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}
