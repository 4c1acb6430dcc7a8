"""Tables as aligned text for a terminal of any width."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import accumulate, takewhile
from typing import Any

from tokkit.errors import counted
from tokkit.views.tables import STYLES, Severity, Spans, Table, decimals, in_words, is_number
from tokkit.views.text import folded, printable, shorten


def as_text(tables: Iterable[Table], width: int, color: bool) -> str:
    """The tables for a terminal ``width`` columns wide; what does not fit a line is folded between words.

    Of a cell of more than 1,000 characters its beginning is displayed, with their number.
    The first column, which holds names, is folded only where the rest would not fit, and columns then move
    closer. Rows become columns where these are fewer and fit. Instead of a table with too many columns, its
    `narrow` one is printed, or its columns in parts below each other, or records, one value per line.
    """
    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=color, no_color=not color, highlight=False)
    for wide in tables:
        forms = [_shortened(form) for form in (wide, wide.narrow) if form is not None]
        attempts = (
            _rich_table(table, width, *attempt)
            for form in forms
            for attempt in _ATTEMPTS
            for table in (form, *_transposed(form))
        )
        printed = next(filter(None, attempts), None)
        console.print(*([printed] if printed else _parts(forms[-1], width) or [_as_records(forms[-1])]))
    return stream.getvalue()


# Characters of a cell on a terminal.
_LONGEST_CELL = 1_000
# Columns of a terminal that a word may take before it is folded, at most two fifths of them.
_LONGEST_WORD = 24
# Columns that a name of the first column may take before it is folded in any case.
_LONGEST_NAME = 30
# Parts of a table with too many columns, of which a reader still makes one.
_MOST_PARTS = 3
# Steps in which the width of a column grows, as parts of its usual width.
_FINEST = 20
# Rows that are folded to choose the widths of columns.
_MEASURED_ROWS = 100

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


def _transposed(table: Table) -> list[Table]:
    """The table with a column for each row, where these are fewer than its columns and have names."""
    names = [str(row[0]) for row in table.rows]
    if not 0 < len(names) < len(table.columns) - 1 or len({*names}) < len(names):
        return []
    digits = decimals(table)
    rows = [
        (name, *(in_words(row[i], digits) for row in table.rows)) for i, name in enumerate(table.columns) if i
    ]
    return [Table(table.title, (table.columns[0], *names), rows)]


def _parts(table: Table, width: int) -> list[Any]:
    """The table in parts of some of its columns each, its names in all; none where they would be many."""
    names = list(takewhile(lambda i: not _is_numeric(table, i), range(len(table.columns))))
    names = names if len(names) < len(table.columns) else [0]
    digits = decimals(table)
    parts: list[Any] = []
    start = len(names)
    if any(len(in_words(cell, digits)) > _LONGEST_WORD for row in table.rows for cell in row[start:]):
        return []
    while start < len(table.columns):
        for end in range(len(table.columns), start, -1):
            part = _only(table, [*names, *range(start, end)], title="" if parts else table.title)
            if printed := _rich_table(part, width, True, 1):
                break
        else:
            return []
        parts.append(printed)
        start = end
    return parts if len(parts) <= _MOST_PARTS else []


def _only(table: Table, columns: Sequence[int], title: str) -> Table:
    return Table(
        title, [table.columns[i] for i in columns], [[row[i] for i in columns] for row in table.rows]
    )


def _is_numeric(table: Table, column: int) -> bool:
    return bool(table.rows) and all(is_number(row[column]) for row in table.rows)


def _rich_table(table: Table, width: int, fold_names: bool, space: int) -> Any:
    """The table as rich prints it; None where a word or a number would not fit its column."""
    from rich.cells import cell_len
    from rich.text import Text

    digits = decimals(table)
    cells = [[printable(in_words(cell, digits)) for cell in row] for row in table.rows]
    names = list(map(printable, table.columns))
    least, usual, most = [], [], []
    numeric = [_is_numeric(table, i) for i in range(len(names))]
    for i, name in enumerate(names):
        texts = [name, *(row[i] for row in cells)]
        word = max((cell_len(word) for text in texts for word in text.split()), default=0)
        widest = max((cell_len(text) for text in texts[1:]), default=0)
        # A number folded over two lines would read as two numbers.
        whole = numeric[i] or (i == 0 and widest <= _LONGEST_NAME and not fold_names)
        least.append(max(min(word, _LONGEST_WORD, width * 2 // 5), widest if whole else 0))
        lengths = sorted(map(cell_len, texts))
        usual.append(lengths[len(lengths) * 3 // 4])
        most.append(lengths[-1])
    # A line between columns, and one at each edge, which take space too.
    available = width - (2 * space + 1) * (len(names) - 1) - 2
    # As wide as each other, or as their cells are: whichever takes fewer lines.
    fitting = filter(None, (_widths(least, shape, most, available) for shape in ([1] * len(names), usual)))
    widths = min(fitting, key=lambda widths: _lines([names, *cells], widths), default=None)
    if widths is None:
        return None
    table_to_print = _empty(table.title)
    table_to_print.padding = (0, space)
    for name, right, columns in zip(names, numeric, widths, strict=True):
        justify: Any = "right" if right else "left"
        table_to_print.add_column(Text(name), justify=justify, overflow="fold", width=columns)
    for row in table.rows:
        table_to_print.add_row(*(_as_text(cell, digits) for cell in row))
    return table_to_print


def _lines(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> int:
    """The lines that the first rows take in columns of these widths."""
    return sum(
        max(folded(text, width).count("\n") for text, width in zip(row, widths, strict=True))
        for row in rows[:_MEASURED_ROWS]
    )


def _widths(
    least: Sequence[int], shape: Sequence[int], most: Sequence[int], available: int
) -> list[int] | None:
    """Widths of columns in proportion to ``shape``, within bounds; None where they do not fit.

    >>> _widths([4, 8, 6], [10, 18, 80], [10, 20, 90], 50)
    [5, 9, 36]
    """
    if sum(least) > available:
        return None
    for scale in range(_FINEST * max(most, default=1), -1, -1):
        widths = [
            min(longest, max(low, length * scale // _FINEST))
            for low, length, longest in zip(least, shape, most, strict=True)
        ]
        if sum(widths) <= available:
            break
    # What rounding left, one by one.
    while sum(widths) < min(available, sum(most)):
        for i in reversed(range(len(widths))):
            widths[i] += widths[i] < most[i] and sum(widths) < available
    return widths


def _as_text(cell: Any, digits: int) -> Any:
    from rich.text import Text

    if isinstance(cell, Severity):
        return Text(cell.level, style=STYLES[cell.level])
    if not isinstance(cell, Spans):
        return Text(printable(in_words(cell, digits)))
    styled = [Text(printable(text), style=STYLES[style]) for text, style in cell.pieces]
    return Text(" | ").join(styled)


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

    bold = Text(printable(title), style="bold") if title else None
    return RichTable(title=bold, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
