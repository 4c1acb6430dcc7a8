"""Review files: rows of a data set that a person decides about, one JSON object a line, in UTF-8.

{"id": 7, "split": "train", "row": 6, "hash": "823cddb0af6ae6ba", "text": "low lower", "label": "joy",
 "suggested": "sadness", "score": 0.93, "reasons": ["predicted sadness (0.97), labeled joy (0.01)"],
 "decision": null, "new_label": null, "reason": null}

A person, or the page of `explore`, fills in ``decision``: ``keep``, ``drop`` or ``relabel`` with a
``new_label``, and a ``reason`` if there is one to remember. Of a decision only ``split``, ``row`` (from 0),
``hash`` (`row_hash`) and ``decision`` are read, and those two.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit.data.row_hash import Label
from tokkit.errors import InputError, did_you_mean
from tokkit.sources import paths

KEEP, DROP, RELABEL = "keep", "drop", "relabel"
DECISIONS = (KEEP, DROP, RELABEL)
# What a person fills in.
_UNDECIDED: dict[str, None] = {"decision": None, "new_label": None, "reason": None}
_NEEDED = ("split", "row", "hash")


@dataclass(frozen=True)
class ReviewRow:
    """A row that somebody should look at.

    row        number in its split, from 0
    hash       `row_hash` of its text and label
    suggested  the label that a model would give; None where it suggests none
    score      from 0 to 1: the higher, the more it is worth a look
    """

    id: Any
    split: str
    row: int
    hash: str
    text: str
    label: Label
    suggested: Label
    score: float
    reasons: list[str]


@dataclass(frozen=True)
class Decision:
    """What a person decided about a row.

    line      of the file, from 1
    decision  one of `DECISIONS`; None where the row is still undecided
    """

    line: int
    split: str
    row: int
    hash: str
    decision: str | None
    new_label: Label
    reason: str | None

    @property
    def choice(self) -> tuple[str | None, Label]:
        """What makes two decisions the same."""
        return self.decision, self.new_label


def review_lines(rows: Iterable[ReviewRow]) -> bytes:
    """The content of a review file, with every row undecided."""
    records = ({**asdict(row), **_UNDECIDED} for row in rows)
    # An id may be of any type that a column has; a date, say, is written as text.
    lines = (json.dumps(record, ensure_ascii=False, default=str) + "\n" for record in records)
    return "".join(lines).encode("utf-8", "surrogatepass")


def read_decisions(path: Path) -> list[Decision]:
    """The decisions of a review file, one for each row, in the order of the file.

    Raises `InputError` naming the line for what is no decision, and for a row with two different ones.
    """
    if not paths.is_path(path):
        raise paths.missing(path)
    decisions: dict[tuple[str, int], Decision] = {}
    for line, record in review_records(path):
        decision = _decision(path, line, record)
        first = decisions.setdefault((decision.split, decision.row), decision)
        if first.choice == decision.choice:
            continue
        # One undecided line and a decided one do not contradict each other.
        if first.decision is None:
            decisions[decision.split, decision.row] = decision
        elif decision.decision is not None:
            raise InputError(
                f"{path}: lines {first.line} and {line} decide differently about row {decision.row} of "
                f"{decision.split}: {_described(first)}, and {_described(decision)}",
                hint="delete one of the two lines",
            )
    return list(decisions.values())


def _described(decision: Decision) -> str:
    to = "" if decision.new_label is None else f" to {json.dumps(decision.new_label, ensure_ascii=False)}"
    return f"{decision.decision}{to}"


def review_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every line that is not blank, with its number; raises `InputError` for one that is no JSON object."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    for line, text in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
            # A lone surrogate, which an escape may spell, is no text that a table can hold.
            json.dumps(record, ensure_ascii=False).encode()
        # Bytes that are no UTF-8 raise a ValueError as well.
        except (ValueError, RecursionError) as error:
            raise review_error(path, line, "is no JSON object") from error
        if not isinstance(record, dict):
            raise review_error(path, line, "is no JSON object")
        yield line, record


def review_error(path: Path, line: int, what: str) -> InputError:
    """What is wrong with a line of a review file."""
    return InputError(
        f"{path}:{line}: {what}; a review file has a row a line, with its decision",
        hint=f"look at the first lines:\nhead -n 3 {shlex.quote(str(path))}",
    )


def _decision(path: Path, line: int, record: dict[str, Any]) -> Decision:
    if missing := [name for name in _NEEDED if record.get(name) is None]:
        raise review_error(path, line, f'has no "{missing[0]}"')
    split, row, row_hash = (record[name] for name in _NEEDED)
    if not isinstance(row, int) or isinstance(row, bool) or row < 0:
        raise review_error(path, line, f'"row" is {row!r}, not a number of a row, from 0')
    written, label = record.get("decision"), _label(path, line, record.get("new_label"))
    decision = written.strip().casefold() or None if isinstance(written, str) else written
    if decision is not None and decision not in DECISIONS:
        near = did_you_mean(str(decision), DECISIONS)
        raise InputError(
            f'{path}:{line}: unknown decision "{written}"{near}: choose from {", ".join(DECISIONS)}',
            hint="correct that line; a row that is undecided has null",
        )
    if (decision == RELABEL) != (label is not None):
        problem = "relabel without a new_label" if label is None else f'"new_label" with {_or_null(decision)}'
        raise InputError(
            f"{path}:{line}: {problem}",
            hint='correct that line: "decision": "relabel", "new_label": the label that the row should have',
        )
    reason = record.get("reason")
    return Decision(
        line, str(split), row, str(row_hash), decision, label, None if reason is None else str(reason)
    )


def _or_null(decision: str | None) -> str:
    return "no decision" if decision is None else f"the decision {decision}"


def _label(path: Path, line: int, value: Any) -> Label:
    """A new label; numbers and truth values as a table has them."""
    if value is None or value == "":
        return None
    if isinstance(value, list):
        return [_name(path, line, item) for item in value]
    return _name(path, line, value)


def _name(path: Path, line: int, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int) or (isinstance(value, float) and value.is_integer()):
        return value.strip() if isinstance(value, str) else str(int(value))
    raise review_error(
        path, line, f'"new_label" is {json.dumps(value)[:40]}, not a label or a list of labels'
    )


def first_rows(decisions: Sequence[Decision], most: int = 3) -> str:
    """The first of the rows, for a message: ``row 3 of train, row 9 of train ...``."""
    named = [f"row {decision.row} of {decision.split}" for decision in decisions[:most]]
    return ", ".join(named) + (" ..." if len(decisions) > most else "")
