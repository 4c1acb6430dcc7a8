"""Tables: aligned text on a terminal, tab-separated when piped.

The content of a cell is data: markup in it is not interpreted, control characters are escaped.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from typing import Any

from tokkit.errors import counted
from tokkit.views.text import printable, shorten

# What a command returns, as ``--json`` prints it.
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A title, column names, and rows of strings, numbers or None.

    narrow  what a terminal displays that is too narrow for its columns; None for one value per line
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


def as_text(tables: Iterable[Table], width: int, color: bool) -> str:
    """The tables for a terminal ``width`` columns wide; what does not fit a line is folded.

    Of a cell of more than 1,000 characters its beginning is displayed, with their number.
    The first column, which holds names, is folded only where the rest would not fit, and columns then move
    closer; instead of a table with too many columns for that width, its `narrow` one is printed, or records,
    one value per line.
    """
    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=color, no_color=not color, highlight=False)
    # rich limits a measured width to that of the console, where every table would appear to fit.
    unbounded = console.options.update(max_width=_UNBOUNDED)

    def fits(attempt: Any) -> bool:
        return console.measure(attempt, options=unbounded).minimum <= width

    for wide in tables:
        tried = [wide] if wide.narrow is None else [wide, wide.narrow]
        shortened = list(map(_shortened, tried))
        attempts = (_rich_table(table, *attempt) for table in shortened for attempt in _ATTEMPTS)
        console.print(next(filter(fits, attempts), None) or _as_records(shortened[-1]))
    return stream.getvalue()


_UNBOUNDED = 100_000
# Characters of a cell on a terminal.
_LONGEST_CELL = 1_000
# Columns of a terminal below which text is not folded further.
_NARROWEST = 8
# Columns that a name of the first column may take before it is folded in any case.
_LONGEST_NAME = 30

# Whether the first column is folded, and the space around columns.
_ATTEMPTS = ((False, 1), (True, 1), (True, 0))


def _shortened(table: Table) -> Table:
    rows = [[_short(cell) for cell in row] for row in table.rows]
    return Table(_short(table.title), [_short(name) for name in table.columns], rows)


def _short(cell: Any) -> Any:
    if isinstance(cell, str) and len(cell) > _LONGEST_CELL:
        return f"{shorten(cell, _LONGEST_CELL)} ({counted(len(cell), 'character', style=',')})"
    if isinstance(cell, Spans) and sum(len(text) for text, _ in cell.pieces) > _LONGEST_CELL:
        ends = accumulate(len(text) for text, _ in cell.pieces)
        first = sum(1 for _ in takewhile(lambda end: end <= _LONGEST_CELL, ends))
        rest = len(cell.pieces) - first
        return Spans([*cell.pieces[:first], (f"… ({rest:,} further pieces)", "special")])
    return cell


def _rich_table(table: Table, fold_names: bool, space: int) -> Any:
    from rich.cells import cell_len
    from rich.text import Text

    table_to_print = _empty(table.title)
    table_to_print.padding = (0, space)
    digits = decimals(table)
    for i, name in enumerate(table.columns):
        numeric = all(is_number(row[i]) for row in table.rows) and bool(table.rows)
        cells = [printable(in_words(row[i], digits)) for row in table.rows]
        widest = max(map(cell_len, [*cells, *printable(name).split()]), default=0)
        whole = i == 0 and widest <= _LONGEST_NAME and not fold_names
        table_to_print.add_column(
            Text(printable(name)),
            justify="right" if numeric else "left",
            overflow="fold",
            # A number folded over two lines would read as two numbers.
            min_width=widest if numeric or whole else min(widest, _NARROWEST),
            no_wrap=whole,
        )
    for row in table.rows:
        table_to_print.add_row(*(_as_text(cell, digits) for cell in row))
    return table_to_print


def _as_text(cell: Any, digits: int) -> Any:
    from rich.text import Text

    if isinstance(cell, Severity):
        return Text(cell.level, style=STYLES[cell.level])
    if not isinstance(cell, Spans):
        return Text(printable(in_words(cell, digits)))
    styled = [Text(printable(text), style=STYLES[style]) for text, style in cell.pieces]
    return Text(" | ").join(styled)


def is_number(cell: Any) -> bool:
    """Whether a cell is a number, a share of hundred, or empty."""
    if isinstance(cell, Bar):
        return False
    return cell is None or isinstance(cell, int | float | Shaded) or bool(_SHARE.fullmatch(str(cell)))


_SHARE = re.compile(r"[\d.]+%")


def _as_records(table: Table) -> Any:
    from rich.text import Text

    table_to_print = _empty(table.title)
    table_to_print.show_header = False
    digits = decimals(table)
    table_to_print.add_column(overflow="fold", style="bold")
    table_to_print.add_column(overflow="fold")
    for row in table.rows:
        for name, cell in zip(table.columns, row, strict=True):
            table_to_print.add_row(Text(printable(name)), _as_text(cell, digits))
        table_to_print.add_section()
    return table_to_print


def _empty(title: str) -> Any:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    bold = Text(printable(title), style="bold")
    return RichTable(title=bold, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


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
