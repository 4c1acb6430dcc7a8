"""What every file that is read in batches has, whatever its format."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tokkit.sources.delimited import Say

if TYPE_CHECKING:
    import polars as pl

    from tokkit.runtime.strings import Strings

SAMPLE = 5000
"""Rows from which columns are guessed."""

ROWS = 1 << 14
"""Rows of a batch where the format does not say."""


@dataclass(frozen=True)
class Batch:
    """Some rows: a column a name, and the bytes of the file that were read for them."""

    columns: list[Strings]
    read: int


class NeedsTable(Exception):
    """Only all rows together tell what a column holds, so that the file is to be read as a table."""


class BatchedFile(Protocol):
    """A file whose rows are read a part at a time, to the same values as `tables.read_table` gives.

    names   its columns, ``nested`` those of lists, objects or bytes, whose values are not given
    known   whether the names of the columns come with the format
    sample  its first rows, as the table would have them
    say     told what is left out
    """

    names: list[str]
    nested: frozenset[str]
    known: bool
    sample: pl.DataFrame
    say: Say

    def batches(self, chosen: Collection[str] = ()) -> Iterator[Batch]:
        """All rows. ``chosen`` are the columns of text and label, where an empty string is a missing one.

        Raises `InputError` for what cannot be read, `NeedsTable` where a later row is unlike the sample.
        """
