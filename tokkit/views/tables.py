"""Tables: what is in them, and tab-separated text of it for pipes.

The content of a cell is data: markup in it is not interpreted, control characters are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tokkit.views.text import printable

# What a command returns, as ``--json`` prints it.
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A title, column names, and rows of strings, numbers or None.

    narrow  what a terminal displays that is too narrow for its columns
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    narrow: Table | None = None


def facts(title: str, rows: Iterable[tuple[str, Any]]) -> Table:
    """A name and a value per row, without the rows that have no value."""
    return Table(title, ("", "value"), [row for row in rows if row[1] is not None])


def beginning(table: Table, rows: int) -> Table:
    """The first rows of a table; its title then says how many are left out."""
    if (more := len(table.rows) - rows) <= 0:
        return table
    return replace(table, title=f"{table.title} ({more:,} further rows)", rows=table.rows[:rows])


def skipped(result: Result) -> list[Table]:
    """The rows that were left out, by reason; no table where there are none."""
    left_out = result.get("left_out")
    return [Table("Skipped rows", ("reason", "rows"), list(left_out.items()))] if left_out else []


@dataclass(frozen=True)
class Headline:
    """One of the lines that matter most: on a terminal a row, on a page a tile.

    severity  ``error`` or ``warning`` where something should be done about it
    """

    name: str
    value: str
    detail: str = ""
    severity: str = ""


def headlines(title: str, lines: Iterable[Headline]) -> Table:
    """The lines as a table."""
    return Table(title, ("", "value", "detail"), [(line.name, line.value, line.detail) for line in lines])


@dataclass(frozen=True)
class Severity:
    """A cell that says ``error`` or ``warning``, where there are colors in one."""

    level: str

    def __str__(self) -> str:
        return self.level


@dataclass(frozen=True)
class Marked:
    """A cell of text of which parts are something.

    pieces  text, and what it is, as the type of an entity; None for all other text
    kinds   everything that may be, in the order of their colors

    >>> str(Marked([("Mira Kim", "PER"), ("left", None), ("Seoul", "LOC")], ["LOC", "PER"]))
    '[Mira Kim PER] left [Seoul LOC]'
    """

    pieces: Sequence[tuple[str, str | None]]
    kinds: Sequence[str]

    def __str__(self) -> str:
        return " ".join(text if kind is None else f"[{text} {kind}]" for text, kind in self.pieces)


def marked(tokens: Sequence[str], spans: Sequence[Result], kinds: Sequence[str]) -> Marked:
    """Tokens whose spans, ``{type, first, last}`` with ``last`` exclusive, are marked."""
    pieces: list[tuple[str, str | None]] = []
    end = 0
    for span in [*spans, {"type": None, "first": len(tokens), "last": len(tokens)}]:
        pieces += [(token, None) for token in tokens[end : span["first"]]]
        pieces += [(" ".join(tokens[span["first"] : span["last"]]), span["type"])] if span["type"] else []
        end = span["last"]
    return Marked(pieces, kinds)


# Styles of `Spans` and `Severity`, by name.
STYLES = {
    **{"even": "black on bright_cyan", "odd": "black on bright_yellow"},
    **{"unknown": "bold white on red", "special": "bold", "error": "bold red", "warning": "yellow"},
}


@dataclass(frozen=True)
class Spans:
    """A cell of pieces of text, each in one of `STYLES`; a bar between them, as color may not be there."""

    pieces: Sequence[tuple[str, str]]

    def __str__(self) -> str:
        return " | ".join(text for text, _ in self.pieces)


@dataclass(frozen=True)
class Bar:
    """A cell that is a share of 1: a bar of at most ``width`` columns on a terminal, else a percentage."""

    share: float
    width: int = 12

    def __str__(self) -> str:
        return f"{self.share:.1%}"

    def as_text(self) -> str:
        """The share as a percentage and a bar of block characters.

        >>> Bar(0.5, 3).as_text()
        ' 50.0% █▌'
        """
        eighths = round(8 * self.width * min(self.share, 1))
        part = _EIGHTHS[eighths % 8]
        return f"{self!s:>6} {'█' * (eighths // 8)}{part}".rstrip()


_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


@dataclass(frozen=True)
class Shaded:
    """A cell that is a count, on a page shaded by its share of something."""

    count: int
    share: float

    def __str__(self) -> str:
        return str(self.count)


def as_tsv(tables: Iterable[Table]) -> str:
    """The tables one after another, each under a line ``# title``, cells separated by tabs."""
    blocks = []
    for table in tables:
        lines = [table.columns, *table.rows]
        # Tabs and line ends inside a cell are escaped: each row is one line with as many cells as columns.
        text = "\n".join(
            "\t".join(printable("" if cell is None else str(cell)) for cell in line) for line in lines
        )
        blocks.append(f"# {printable(table.title)}\n{text}\n")
    return "\n".join(blocks)


def is_number(cell: Any) -> bool:
    """Whether a cell is a number, a share of hundred, or empty."""
    if isinstance(cell, Bar):
        return False
    return cell is None or isinstance(cell, int | float | Shaded) or bool(_SHARE.fullmatch(str(cell)))


_SHARE = re.compile(r"[\d.]+%")


def decimals(table: Table) -> int:
    """The decimals that all fractions of the table are displayed with: as many as one needs, at most 4.

    >>> decimals(Table("", ("a", "b"), [(0.25, 10.0), (1.0, 3)]))
    2
    """
    fractions = [f"{cell:.4f}" for row in table.rows for cell in row if isinstance(cell, float)]
    return max((len(text.rstrip("0").partition(".")[2]) for text in fractions), default=0)


def in_words(cell: Any, digits: int = 0) -> str:
    """A cell as a person reads it: numbers with commas, a dash where there is nothing.

    digits  decimals of a fraction
    """
    if cell is None:
        return "-"
    if isinstance(cell, Bar):
        return cell.as_text()
    if isinstance(cell, Shaded):
        return f"{cell.count:,}"
    # A bool is an int in Python: as a number, True would become 1.
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.{digits}f}"
