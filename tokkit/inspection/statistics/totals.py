"""What is counted of a data set: sums over rows, split by split, that add up whichever thread saw which."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tokkit.inspection.statistics.histograms import LabelledLengths
from tokkit.inspection.statistics.row_sample import RowSample
from tokkit.runtime.strings import Strings


@dataclass(frozen=True)
class RowBatch:
    """Some rows of a split.

    split     its number
    pairs     second texts; None where rows are single texts
    labels    None where the data set has none
    others    other columns whose distinct values are counted, by name
    first     number of the first of them within the split
    amount    of work that they are
    """

    split: int
    texts: Strings
    pairs: Strings | None
    labels: Strings | None
    others: dict[str, Strings]
    first: int
    amount: int


@dataclass
class SplitSums:
    """Sums over the rows of a split, as far as one thread saw them; ``sample`` where one is wanted."""

    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    labels: Counter[int] = field(default_factory=Counter)
    unknown: Counter[int] = field(default_factory=Counter)
    scripts: Counter[int] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, LabelledLengths] = field(default_factory=dict)
    sample: RowSample | None = None

    def lengths_in(self, unit: str) -> LabelledLengths:
        return self.lengths.setdefault(unit, LabelledLengths())

    def renumber(self, labels: NDArray[np.int32], scripts: NDArray[np.int32]) -> None:
        """Give labels and scripts other numbers: i becomes ``labels[i]`` and ``scripts[i]``."""
        # the last element is that of no label, whose index is -1
        known = np.append(labels, -1).tolist()
        self.labels = Counter({known[label]: rows for label, rows in self.labels.items()})
        self.unknown = Counter({known[label]: tokens for label, tokens in self.unknown.items()})
        self.scripts = Counter({int(scripts[number]): rows for number, rows in self.scripts.items()})
        for lengths in self.lengths.values():
            lengths.renumber(labels)
        if self.sample is not None:
            self.sample.renumber(labels)

    def absorb(self, other: SplitSums) -> None:
        """Adds the sums of another thread."""
        self.rows += other.rows
        for name in ("missing", "labels", "unknown", "scripts", "marks"):
            getattr(self, name).update(getattr(other, name))
        for unit, lengths in other.lengths.items():
            self.lengths_in(unit).absorb(lengths)
        if self.sample is not None and other.sample is not None:
            self.sample.absorb(other.sample)


@dataclass(frozen=True)
class Duplicates:
    """What the distinct texts of a data set say; arrays by number of the split.

    distinct   (splits,) different texts
    conflicts  (splits + 1,) distinct texts with several labels, in each split and in all of them
    shared     (splits, splits) rows of the second whose text is in the first
    """

    distinct: NDArray[np.int64]
    conflicts: NDArray[np.int64]
    shared: NDArray[np.int64]

    @classmethod
    def zeros(cls, splits: int) -> Duplicates:
        return cls(*(np.zeros(shape, np.int64) for shape in (splits, splits + 1, (splits, splits))))

    def absorb(self, other: Duplicates) -> None:
        """Adds what another thread counted."""
        for name in ("distinct", "conflicts", "shared"):
            getattr(self, name)[...] += getattr(other, name)


@dataclass(frozen=True)
class Aggregate:
    """Everything that was counted.

    labels         names of labels by number
    scripts        names of scripts by number
    normalized     the same as ``duplicates`` says, of the texts when normalized
    distinct       (splits,) distinct values of each further column in each split
    examples       texts of leaks, conflicts and duplicates, as `examples.best` gives them
    """

    splits: list[SplitSums]
    labels: list[str]
    scripts: list[str | None]
    duplicates: Duplicates
    normalized: Duplicates
    distinct: dict[str, NDArray[np.int64]]
    examples: dict[str, list[bytes]]


class Labels:
    """Numbers for labels, the same in all threads."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def number(self, name: str) -> int:
        with self._lock:
            if name not in self._numbers:
                self._numbers[name] = len(self.names)
                self.names.append(name)
            return self._numbers[name]
