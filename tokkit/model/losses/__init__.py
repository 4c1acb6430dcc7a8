"""What training minimizes: one registry, a module a loss."""

from __future__ import annotations

from collections.abc import Mapping

from tokkit.model.losses.cross_entropy import CrossEntropy
from tokkit.model.losses.loss import Loss

LOSSES: Mapping[str, type[Loss]] = {CrossEntropy.name: CrossEntropy}
"""Every loss by its name, the default first."""
