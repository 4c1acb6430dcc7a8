"""A number for each label, as it is written on the command line.

joy=0.25,sadness=0.5,anger=1  ->  [1.0, 0.25, 0.5], in the order of the labels
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tokkit.errors import UsageError, did_you_mean

_LABEL_AND_NUMBER = re.compile(r"(.+?)=([0-9.eE+-]+)(?:,|$)")


def is_by_label(written: str) -> bool:
    """Whether this is to be numbers by label, well or badly written."""
    return "=" in written


def numbers_by_label(
    option: str, written: str, labels: Sequence[str], others: Sequence[str] = ()
) -> list[float]:
    """The numbers, from 0 up, by id; a label may hold commas and equals signs.

    others  what the option takes beside them

    Raises `UsageError` for what is written otherwise, for a label there is not, and for one without a number.

    >>> numbers_by_label("--alpha", "joy=0.25,anger=1", ["anger", "joy"])
    [1.0, 0.25]
    """
    pairs = _LABEL_AND_NUMBER.findall(written)
    if not pairs or sum(len(label) + len(number) + 2 for label, number in pairs) - 1 != len(written):
        raise UsageError(
            f'{option} "{written}": neither {" nor ".join((*others, "a number for every label"))}',
            hint=f"{option} " + ",".join(f"{label}=0.5" for label in labels[:3]),
        )
    found: dict[str, float] = {}
    for label, number in pairs:
        if label not in labels:
            raise UsageError(f'{option}: no label "{label}"{did_you_mean(label, labels)}')
        try:
            found[label] = float(number)
        except ValueError:
            found[label] = math.nan
        if not (math.isfinite(found[label]) and found[label] >= 0):
            raise UsageError(f"{option} {label}={number}: is no number from 0 up")
    if lacking := [label for label in labels if label not in found]:
        raise UsageError(f'{option}: no number for the label "{lacking[0]}"', hint=f"add {lacking[0]}=0.5")
    return [found[label] for label in labels]
