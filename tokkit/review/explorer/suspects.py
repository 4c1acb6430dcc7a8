"""The rows of a review file, as `audit` writes it: suspects, with the label suggested and the reasons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tokkit.data.review_file import review_error, review_records
from tokkit.errors import counted
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
    if not paths.is_path(path):
        raise paths.missing(path)
    for line, record in review_records(path):
        row = by_position.get((record.get("split"), record.get("row"), record.get("hash")))
        if row is None:
            missing += 1
            continue
        score, reasons = record.get("score"), record.get("reasons")
        if not isinstance(score, int | float | None):
            raise review_error(path, line, f'"score" is {json.dumps(score)[:40]}, not a number')
        named = reasons if isinstance(reasons, list) else [reasons] if reasons else []
        suspects.append(Suspect(row, record.get("suggested"), float(score or 0), list(map(str, named))))
    if missing:
        progress.say(
            f"{path}: {counted(missing, 'row', 'are', ',')} not in the page: of other data, or changed since"
        )
    return suspects
