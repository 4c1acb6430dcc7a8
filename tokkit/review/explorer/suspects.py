"""The rows of a review file, as `audit` writes it: suspects, with the label suggested and the reasons."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tokkit.errors import InputError, counted
from tokkit.progress import Progress
from tokkit.review.explorer.rows import HASH, ROW, SPLIT
from tokkit.sources import paths


@dataclass(frozen=True)
class Suspect:
    """row        index in the page
    suggested  a label, as JSON has it; None where none is suggested
    score      the higher, the more it is worth a look
    """

    row: int
    suggested: Any
    score: float
    reasons: Sequence[str]


def read_suspects(path: Path, rows: pl.DataFrame, progress: Progress) -> list[Suspect]:
    """The suspects among the rows of a page, in the order of the file.

    A row that has another hash than in the file has changed since, and is left out with a message. Raises
    `InputError` for what is no review file.
    """
    by_position = {key: i for i, key in enumerate(rows.select(SPLIT, ROW, HASH).iter_rows())}
    suspects = []
    missing = 0
    for line, record in _records(path):
        row = by_position.get((record.get("split"), record.get("row"), record.get("hash")))
        if row is None:
            missing += 1
            continue
        score, reasons = record.get("score"), record.get("reasons")
        if not isinstance(score, int | float | None):
            raise _error(path, line, f'"score" is {json.dumps(score)[:40]}, not a number')
        named = reasons if isinstance(reasons, list) else [reasons] if reasons else []
        suspects.append(Suspect(row, record.get("suggested"), float(score or 0), list(map(str, named))))
    if missing:
        progress.say(
            f"{path}: {counted(missing, 'row', 'are', ',')} not in the page: of other data, or changed since"
        )
    return suspects


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if not paths.is_path(path):
        raise paths.missing(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    for line, text in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        # Bytes that are no UTF-8 raise a ValueError as well.
        except (ValueError, RecursionError) as error:
            raise _error(path, line, "is no JSON object") from error
        if not isinstance(record, dict) or "hash" not in record:
            raise _error(path, line, "is no JSON object with a hash")
        yield line, record


def _error(path: Path, line: int, what: str) -> InputError:
    return InputError(
        f"{path}:{line}: {what}; a review file has a row a line, as the command audit writes it",
        hint=f"look at the first lines:\nhead -n 3 {shlex.quote(str(path))}",
    )
