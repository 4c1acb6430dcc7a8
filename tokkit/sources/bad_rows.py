"""What becomes of rows that cannot be read: the first is an error, or all are left out and counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tokkit.errors import InputError

_NAMED = 5
"""Lines that are named for each reason."""


class BadRows:
    """The bad rows of one file, by reason.

    >>> bad = BadRows(Path("a.csv"), skip=True)
    >>> bad.found(4, "3 fields where 2 are named", hint="mend that line")
    >>> bad.tell(print)
    a.csv: 1 row left out: 3 fields where 2 are named (a.csv:4)
    """

    def __init__(self, path: Path, skip: bool = False) -> None:
        self._path = path
        self._skip = skip
        self._lines: dict[str, list[int]] = {}

    def found(self, line: int, reason: str, hint: str, message: str | None = None) -> None:
        """A bad row that begins at ``line``; raises `InputError` unless bad rows are skipped.

        ``reason`` is what many rows may share, ``message`` what is said of this one.
        """
        if not self._skip:
            raise InputError(f"{self._path}:{line}: {message or reason}", hint=hint)
        self._lines.setdefault(reason, []).append(line)

    def __bool__(self) -> bool:
        """Whether any was found."""
        return bool(self._lines)

    def tell(self, say: Callable[[str], None]) -> None:
        """Says how many rows were left out, for each reason, and where the first of them stand."""
        for reason, lines in self._lines.items():
            first, *others = lines[:_NAMED]
            where = ", ".join([f"{self._path}:{first}", *map(str, others)])
            rows = "1 row" if len(lines) == 1 else f"{len(lines)} rows"
            say(f"{self._path}: {rows} left out: {reason} ({where}{' ...' if len(lines) > _NAMED else ''})")
