"""Cases that the default suite leaves to the long one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def quick_of(values: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """The values as parameters of a test; those that are not in ``quick`` run with ``-m long`` alone."""
    return [value if value in quick else pytest.param(value, marks=pytest.mark.long) for value in values]
