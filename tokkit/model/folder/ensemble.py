"""A folder of folds as one model: the mean of what its members say.

>>> members("model")                # a folder that `finetune --folds 2` wrote
[PosixPath('model/fold-1'), PosixPath('model/fold-2')]
>>> shares = ensemble_probabilities([task.shares(logits) for logits in those_of_each_member])
>>> task.scores(task.logits_of(shares), targets, labels)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit import files
from tokkit.errors import InputError
from tokkit.tokenizer.load import read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FOLD = re.compile(r"fold-(\d+)")


def members(name: str | Path) -> list[Path] | None:
    """The model folders of the folds, in order, where the folder holds folds; None where it is anything else.

    Raises `InputError` where a fold that its receipt tells of is not there.
    """
    folder = Path(name)
    told = read_json(folder / files.RECEIPT).get("result", {}) if folder.is_dir() else {}
    folds = told.get("folds") if isinstance(told, dict) else None
    if not isinstance(folds, list):
        return None
    found = [folder / fold_name(number) for number in range(1, len(folds) + 1)]
    absent = [path for path in found if not path.is_dir()]
    if len(absent) == len(found):
        raise InputError(
            f"{folder}: holds the results of {len(found)} folds, but not their models",
            hint="tokkit finetune DATASET --folds K keeps them, as does --compare with --keep-models",
        )
    if absent:
        raise InputError(f"{folder}: its {absent[0].name} is missing, one of {len(found)} folds")
    return found


def ensemble_probabilities(shares: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The mean of the members' probabilities, of the shape that each has, float64.

    shares   what each member says of the same rows (`Task.shares`), the classes in the same order

    >>> ensemble_probabilities([np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])])
    array([[0.75, 0.25]])
    """
    import numpy as np

    mean: NDArray[np.float64] = np.mean(np.stack(shares), axis=0, dtype=np.float64)
    return mean


def fold_name(number: int) -> str:
    """The folder of a fold, counted from 1."""
    return f"fold-{number}"


def fold_number(folder: Path) -> int | None:
    """Which fold a folder of this name is; None where it is none."""
    match = _FOLD.fullmatch(folder.name)
    return int(match[1]) if match else None
