"""What a model folder remembers of its training: the temperature, the thresholds and scores of its validation
rows, which rows they were, and the files it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.errors import InputError
from tokkit.tokenizer.load import read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METRICS, PREDICTIONS = "metrics.json", "predictions.parquet"
_OUT_OF_FOLD = "out_of_fold"


@dataclass(frozen=True)
class Remembered:
    """metrics  scores of the rows that were held out in training; empty where the folder tells of none
    inputs   SHA-256 of the files it was trained from
    """

    folder: Path
    metrics: Mapping[str, Any] = field(default_factory=dict)
    inputs: frozenset[str] = frozenset()

    @classmethod
    def of(cls, folder: str | Path) -> Remembered:
        """Of a model folder; of a folder of folds, what its out-of-fold predictions gave."""
        where = Path(folder)
        if not where.is_dir():
            return cls(where)
        metrics = read_json(where / METRICS)
        receipt = _object(read_json(where / files.RECEIPT).get("result"))
        held_out = _object(metrics.get(_OUT_OF_FOLD, metrics))
        return cls(where, held_out, frozenset(_hashes(receipt.get("inputs", ()))))

    def texts(self) -> frozenset[str]:
        """The texts of the held-out rows; none where the folder does not hold them."""
        import polars as pl

        path = self.folder / PREDICTIONS
        if not path.is_file():
            return frozenset()
        try:
            return frozenset(pl.read_parquet(path, columns=["text"])["text"])
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError(f"{path}: cannot be read as Parquet ({error})") from error

    @property
    def temperature(self) -> float:
        """The temperature fitted on the held-out rows; raises `InputError` where there is none."""
        found = _object(self.metrics.get("calibration")).get("temperature")
        if not isinstance(found, int | float) or not found > 0:
            raise InputError(
                f"{self.folder}: no temperature was fitted for it ({METRICS} tells of none)",
                hint="tokkit finetune writes one; without --calibrated the model answers as it is",
            )
        return float(found)

    def calibrated(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits divided by the temperature."""
        import numpy as np

        return logits / np.float32(self.temperature)

    @property
    def thresholds(self) -> Mapping[str, Any]:
        """Class -> ``{threshold, ...}`` chosen on the held-out rows; raises `InputError` without any."""
        found = _object(self.metrics.get("thresholds"))
        if not found:
            raise InputError(
                f"{self.folder}: no thresholds were chosen for it; "
                "they are for two classes, or for several labels a text",
                hint="without --tuned-thresholds the likeliest class is predicted",
            )
        return found


def _object(value: Any) -> Mapping[str, Any]:
    """The value where it is an object of JSON, else an empty one."""
    return value if isinstance(value, dict) else {}


def _hashes(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [each["sha256"] for one in inputs for each in (one, *one.get("files", ())) if "sha256" in each]
