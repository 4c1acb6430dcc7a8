"""Tables: drawn on a terminal, tab-separated when piped.

What stands in a cell is shown as it is: no markup is read from data, control characters are escaped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A title, column names, and rows of strings, numbers or None."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def as_tsv(tables: Iterable[Table]) -> str:
    """The tables one after another, each under a line ``# title``, cells separated by tabs."""
    blocks = []
    for table in tables:
        lines = [table.columns, *table.rows]
        text = "\n".join("\t".join(printable(_plain(cell)) for cell in line) for line in lines)
        blocks.append(f"# {printable(table.title)}\n{text}\n")
    return "\n".join(blocks)


def as_drawn(tables: Iterable[Table], width: int, color: bool) -> str:
    """The tables for a terminal ``width`` columns wide; what does not fit a line is folded, never cut.

    A table with more columns than can be read at that width is drawn as records: a line a value.
    """
    import io

    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=color, no_color=not color, highlight=False)
    for table in tables:
        drawn = _drawn(table)
        if console.measure(drawn, options=console.options.update(max_width=_UNBOUNDED)).minimum > width:
            drawn = _as_records(table)
        console.print(drawn)
    return stream.getvalue()


_UNBOUNDED = 100_000
_NARROWEST = 8
"""Columns of a terminal below which text is not folded further."""


def _drawn(table: Table) -> Any:
    from rich.cells import cell_len
    from rich.text import Text

    drawn = _empty(table.title)
    for i, name in enumerate(table.columns):
        numeric = all(_is_number(row[i]) for row in table.rows) and bool(table.rows)
        cells = [printable(_shown(row[i])) for row in table.rows]
        widest = max(map(cell_len, [*cells, *printable(name).split()]), default=0)
        drawn.add_column(
            Text(printable(name)),
            justify="right" if numeric else "left",
            overflow="fold",
            min_width=widest if numeric else min(widest, _NARROWEST),
        )
    for row in table.rows:
        drawn.add_row(*(Text(printable(_shown(cell))) for cell in row))
    return drawn


def _is_number(cell: Any) -> bool:
    """Whether a cell is a number, a share of hundred, or empty."""
    return cell is None or isinstance(cell, int | float) or bool(_SHARE.fullmatch(cell))


_SHARE = re.compile(r"[\d.]+%")


def _as_records(table: Table) -> Any:
    from rich.text import Text

    drawn = _empty(table.title)
    drawn.show_header = False
    drawn.add_column(overflow="fold", style="bold")
    drawn.add_column(overflow="fold")
    for row in table.rows:
        for name, cell in zip(table.columns, row, strict=True):
            drawn.add_row(Text(printable(name)), Text(printable(_shown(cell))))
        drawn.add_section()
    return drawn


def _empty(title: str) -> Any:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    return RichTable(
        title=Text(printable(title), style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )


def printable(text: str) -> str:
    r"""The text with control and format characters escaped, except the joiners emoji and scripts need.

    >>> printable("a\x1b[31m\tb")
    'a\\x1b[31m\\tb'
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in _JOINERS or _is_space(character)
        else _escape(character)
        for character in text
    )


_JOINERS = "\u200c\u200d"


def _is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _plain(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _shown(cell: Any) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.4f}".rstrip("0").rstrip(".")
