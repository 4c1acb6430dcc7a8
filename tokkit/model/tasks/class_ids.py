"""Class ids of labels, where every label is one that the model knows."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tokkit.data.dataset import sort_labels
from tokkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def class_ids(names: Sequence[str], labels: Sequence[str], where: str) -> NDArray[np.int64]:
    """(names,) the place of each among the labels; raises `InputError` as `check_known`."""
    import numpy as np

    check_known(names, labels, where)
    number = {label: i for i, label in enumerate(labels)}
    return np.array([number[name] for name in names], dtype=np.int64)


def check_known(names: Iterable[str], labels: Sequence[str], where: str) -> None:
    """Raises `InputError` for a label that is none of the model's."""
    unknown = sort_labels(set(names).difference(labels))
    if unknown:
        raise InputError(
            f'{where}: the label "{unknown[0]}" is none of the model\'s ({", ".join(labels)})'
            f"{did_you_mean(unknown[0], labels)}",
            hint=f"give it the model's name: --label-names {shlex.quote(f'{unknown[0]}={labels[0]}')}",
        )
