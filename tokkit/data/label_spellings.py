"""Labels that are most likely one class: they differ only in white space, case, Unicode form
or a final .0.

{"good": 5, "Good": 1, "good ": 2, "bad": 4}  ->  {"good": ["Good", "good", "good "]}
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from tokkit.data.dataset import ONE, Dataset, sort_labels
from tokkit.errors import UsageError
from tokkit.runtime.normalization import normalize

# characters without width, which are no white space for Python
_INVISIBLE = re.compile(r"[\u200b\u2060\ufeff]")
# a whole number as pandas writes it next to a missing one: 1.0
_WHOLE = re.compile(r"(-?\d+)\.0+")


def alike(rows: Mapping[str, int]) -> dict[str, list[str]]:
    """The name of a class -> its spellings, where there are several; from the rows of each label.

    The name is the spelling of most rows, white space aside; of as many rows, the first by code point.
    """
    spellings: dict[str, list[str]] = {}
    for label in sort_labels(rows):
        tidy = _tidy(label)
        if key := whole[1] if (whole := _WHOLE.fullmatch(tidy)) else tidy.casefold():
            spellings.setdefault(key, []).append(label)
    return {_name(labels, rows): labels for labels in spellings.values() if len(labels) > 1}


def _name(labels: list[str], rows: Mapping[str, int]) -> str:
    tidied = Counter[str]()
    for label in labels:
        tidied[_tidy(label)] += rows[label]
    return min(tidied, key=lambda name: (-tidied[name], name))


def merged(dataset: Dataset) -> tuple[Dataset, dict[str, dict[str, int]]]:
    """The data set with one name for such labels, and the rows of each spelling under that name.

    What was read, `Split.original`, stays as it is.

    Raises `UsageError` for rows that have lists of labels or tags.
    """
    rows = counts(dataset)
    column = dataset.require_labels()
    if dataset.label_kind != ONE:
        raise UsageError(
            f"--labels merge: the rows of {dataset.source} have lists of labels or tags",
            hint="give one of them another name (--label-names)",
        )
    spellings = alike(rows)
    names = {label: name for name, labels in spellings.items() for label in labels}
    splits = {
        name: replace(split, frame=split.frame.with_columns(pl.col(column).replace(names)))
        for name, split in dataset.splits.items()
    }
    return replace(dataset, splits=splits), {
        name: {label: rows[label] for label in labels} for name, labels in spellings.items()
    }


def counts(dataset: Dataset) -> Counter[str]:
    """The rows of each label in all splits, as far as they have one each."""
    if dataset.label_column is None or dataset.label_kind != ONE:
        return Counter()
    labels = pl.concat([dataset.labels(name).drop_nulls() for name in dataset.splits])
    return Counter(labels.to_list())


def sentence(spellings: Mapping[str, list[str]], most: int = 3) -> str:
    """The spellings in a sentence."""
    listed = [" and ".join(map(_quoted, labels)) for labels in list(spellings.values())[:most]]
    more = f" and {len(spellings) - most} more" if len(spellings) > most else ""
    return f"labels differ only in white space, case, Unicode form or a final .0: {'; '.join(listed)}{more}"


def _quoted(label: str) -> str:
    # It looks like the label whose letters are composed.
    form = "" if unicodedata.is_normalized("NFC", label) else " (decomposed letters)"
    return f'"{label}"{form}'


def _tidy(label: str) -> str:
    return normalize("NFC", " ".join(_INVISIBLE.sub("", label).split()))
