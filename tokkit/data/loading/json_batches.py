"""A file with a JSON object a line as batches of columns.

A column has one kind of value, which its first rows tell: strings, whole numbers, numbers, truth values. What
a column of several kinds becomes is known when all of it was seen: `NeedsTable`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tokkit.data.loading.batches import ROWS, SAMPLE, Batch, NeedsTable
from tokkit.runtime.strings import Strings
from tokkit.sources.bad_rows import BadRows
from tokkit.sources.delimited import Say
from tokkit.sources.json_rows import frame_of_rows, json_lines

Row = dict[str, Any]

_WRITTEN: dict[frozenset[type], Callable[[Any], str]] = {
    frozenset({str}): str,
    frozenset({int}): str,
    frozenset({bool}): lambda value: "true" if value else "false",
    frozenset({int, float}): lambda value: repr(float(value)),
}
"""Kinds of values that a column may hold together, and how a value becomes a string."""
_EXACT = 2**53
"""Numbers below it are the same as fractions; what others become depends on their column."""


class JsonLinesFile:
    """Columns of a file with an object a line; see `BatchedFile`."""

    nested: frozenset[str] = frozenset()
    known = False

    def __init__(self, path: Path, field: str | None, skip_bad: bool, say: Say) -> None:
        self._path, self._field = path, field
        self.say = say
        self._bad = BadRows(path, skip_bad)
        rows = list(islice(json_lines(path, field, BadRows(path, skip_bad)), SAMPLE))
        self.names = list(dict.fromkeys(name for row in rows for name in row))
        self._kinds = {name: _kinds_of([row.get(name) for row in rows]) for name in self.names}
        self.sample = frame_of_rows(rows)

    def batches(self, chosen: Collection[str] = ()) -> Iterator[Batch]:
        """All rows; says at the end which were left out."""
        read: list[int] = []
        rows = json_lines(self._path, self._field, self._bad, read.append)
        while batch := list(islice(rows, ROWS)):
            if not set().union(*batch) <= self._kinds.keys():
                raise NeedsTable
            yield Batch([self._column(name, batch) for name in self.names], sum(read))
            read.clear()
        self._bad.tell(self.say)

    def _column(self, name: str, rows: Sequence[Row]) -> Strings:
        kinds = self._kinds[name]
        values = [row.get(name) for row in rows]
        if not _types(values) <= kinds or not _are_exact(values, kinds):
            raise NeedsTable
        written = _WRITTEN[kinds]
        return Strings.of_list(["" if value is None else written(value) for value in values])


def _kinds_of(values: Sequence[Any]) -> frozenset[type]:
    """Those of `_WRITTEN` that hold all the values, strings where there is none; raises `NeedsTable`."""
    found = _types(values)
    kinds = next((kinds for kinds in _WRITTEN if found <= kinds), None)
    if kinds is None or not _are_exact(values, kinds):
        raise NeedsTable
    return kinds


def _types(values: Sequence[Any]) -> set[type]:
    return {type(value) for value in values} - {type(None)}


def _are_exact(values: Sequence[Any], kinds: frozenset[type]) -> bool:
    """Whether whole numbers stay what they are where they stand among fractions."""
    return float not in kinds or all(value is None or abs(value) < _EXACT for value in values)
