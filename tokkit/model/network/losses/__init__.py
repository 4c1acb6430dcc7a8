"""What training minimizes: one registry, a module a loss."""

from __future__ import annotations

from collections.abc import Mapping

from tokkit.model.network.losses.binary import BinaryCrossEntropy, BinaryFocal
from tokkit.model.network.losses.cross_entropy import CrossEntropy
from tokkit.model.network.losses.focal import Focal
from tokkit.model.network.losses.logit_adjusted import LogitAdjusted
from tokkit.model.network.losses.loss import REDUCTIONS, Loss
from tokkit.model.network.losses.squared_error import SquaredError

__all__ = ["ASKED", "FORMS", "LOSSES", "REDUCTIONS", "Loss"]

LOSSES: Mapping[str, type[Loss]] = {
    loss.name: loss
    for loss in (CrossEntropy, Focal, LogitAdjusted, BinaryCrossEntropy, BinaryFocal, SquaredError)
}
"""Every loss by its name, the default first."""

ASKED = (CrossEntropy.name, Focal.name, LogitAdjusted.name)
"""What ``--loss`` takes; `FORMS` says which loss that is for a task."""

FORMS: Mapping[str, Mapping[str, str]] = {
    CrossEntropy.name: {name: name for name in ASKED},
    BinaryCrossEntropy.name: {
        CrossEntropy.name: BinaryCrossEntropy.name,
        Focal.name: BinaryFocal.name,
    },
    SquaredError.name: {CrossEntropy.name: SquaredError.name},
}
"""The usual loss of a task -> the losses that suit it, by what is asked for."""
