"""A page of tables: one file that needs no network, reads well on a phone, and whose tables can be sorted."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import repeat
from string import Template
from typing import Any

from tokkit.views.histogram import Histogram, histogram_figure
from tokkit.views.tables import (
    Bar,
    Headline,
    Marked,
    Severity,
    Shaded,
    Table,
    beginning,
    decimals,
    in_words,
    is_number,
)
from tokkit.views.text import printable

# rows of a table in a notebook
_DISPLAYED_ROWS = 60
_FRAGMENT_STYLE = (
    ".tokkit h2{font-size:1em;margin:1em 0 .3em}.tokkit th,.tokkit td{text-align:left;padding:.2em .6em}"
    ".tokkit td.number,.tokkit th.number{text-align:right;font-variant-numeric:tabular-nums}"
    ".tokkit .wide{overflow-x:auto}"
)


@dataclass(frozen=True)
class Drawing:
    """A picture as SVG shapes.

    shapes         content of its ``<svg>``; ``rect``, ``line`` and ``text`` get the colors of the page
    width, height  size of its coordinate system
    most           maximum width in pixels
    """

    title: str
    shapes: str
    width: float
    height: float
    most: int


Part = Table | Histogram | Drawing


def page(
    title: str,
    parts: Sequence[Part],
    headlines: Sequence[Headline] = (),
    about: Sequence[tuple[str, str]] = (),
    date: str | None = None,
) -> bytes:
    """The page as UTF-8: the same values give the same bytes. Data in it is escaped.

    headlines  tiles above everything else
    about      what was measured, with which version: names and values, below everything else
    date       in the page; without one, a browser displays when the file was saved, which is not in its bytes

    `report.html` is the template, `report.css` the style sheet and `report.js` the script of every page.
    """
    sections = [_section(part, f' id="part-{number}"') for number, part in enumerate(parts, 1)]
    links = [
        f'<li><a href="#part-{number}">{_text(part.title.partition(";")[0])}</a></li>'
        for number, part in enumerate(parts, 1)
    ]
    tiles = f'<ul class="tiles">{"".join(map(_tile, headlines))}</ul>' if headlines else ""
    contents = f"<ol>{''.join(links)}</ol>" if len(parts) > 1 else ""
    return document(
        title,
        style=asset("report.css"),
        script=asset("report.js"),
        body=_REPORT.format(
            title=_text(title), theme=_THEME, tiles=tiles, contents=contents, sections="\n".join(sections)
        ),
        about=about,
        date=date,
    )


_THEME = '<button type="button" id="theme" aria-label="Light or dark">\u25d0</button>'
_REPORT = """<header>
<div class="title"><h1>{title}</h1>{theme}</div>
{tiles}
</header>
<nav aria-label="Contents">
{contents}
</nav>
<main>
{sections}
</main>"""


def document(
    title: str,
    *,
    style: str,
    script: str,
    body: str,
    about: Sequence[tuple[str, str]],
    date: str | None,
    kind: str = "report",
    data: str = "",
) -> bytes:
    """A whole page in the template `report.html`, as UTF-8; ``body`` and ``data`` are HTML already.

    about, date   as in `page`
    kind          class of its body, by which the style sheet tells pages apart
    """
    facts = [*((name, _text(value)) for name, value in about), ("date", _text(date or ""))]
    described = "".join(
        f"<dt>{_text(name)}</dt><dd{_SAVED if name == 'date' and not date else ''}>{value}</dd>"
        for name, value in facts
    )
    return (
        Template(asset("report.html"))
        .substitute(
            title=_text(title),
            style=style,
            script=script,
            kind=kind,
            body=body,
            data=data,
            about=f"<dl>{described}</dl>",
        )
        .encode()
    )


_SAVED = " data-saved"


def asset(name: str) -> str:
    """A template, style sheet or script of this folder."""
    return files(__package__).joinpath(name).read_text("utf-8")


def _tile(headline: Headline) -> str:
    mark = f"{_MARKS[headline.severity]} " if headline.severity else ""
    value, detail = _in_sentence(headline.value), _in_sentence(headline.detail)
    return (
        f'<li class="{headline.severity}"><span>{mark}{_text(headline.name)}</span>'
        f"<b>{value}</b><small>{detail}</small></li>"
    )


# Next to the color, for who does not see it.
_MARKS = {"error": "\u2716", "warning": "\u26a0\ufe0e"}


def _section(part: Part, attributes: str = "") -> str:
    """A part under its heading; pictures and narrow tables take half the width of a wide screen."""
    whole = isinstance(part, Table) and (len(part.columns) > _HALF or _longest(part) > _SENTENCE)
    half = "" if whole else ' class="half"'
    content = _RENDERERS[type(part)](part)
    return f"<section{attributes}{half}><h2>{_text(part.title)}</h2>\n{content}</section>"


def fragment(parts: Sequence[Part]) -> str:
    """The tables as a part of another page, in its fonts and colors. Data in it is escaped."""
    begun = (beginning(part, _DISPLAYED_ROWS) if isinstance(part, Table) else part for part in parts)
    body = "\n".join(map(_section, begun))
    # buttons sort the tables of a page, by a script that is not part of this
    plain = body.replace('<button type="button">', "").replace("</button>", "")
    return f'<div class="tokkit"><style>{_FRAGMENT_STYLE}</style>\n{plain}\n</div>'


def _text(text: str) -> str:
    return html.escape(printable(text))


def _in_sentence(text: str) -> str:
    """The text; in one that begins from left to right, words from right to left leave numbers in place.

    >>> _in_sentence("most فرح 52%")
    'most <bdi>فرح</bdi> 52%'
    """
    escaped = _FLAG.sub(lambda flag: f'<span class="flag">{flag[0]}</span>', _text(text))
    first = _STRONG.search(escaped)
    if first is None or _RIGHT_TO_LEFT.match(first[0]):
        return escaped
    return _RIGHT_TO_LEFT.sub(lambda words: f"<bdi>{words[0]}</bdi>", escaped)


# Hebrew, Arabic, Syriac, Thaana, N'Ko and their presentation forms.
_RTL = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_RIGHT_TO_LEFT = re.compile(f"[{_RTL}]+(?: +[{_RTL}]+)*")
_STRONG = re.compile(r"[^\W\d_]")
# Options of a command, which are not broken at their hyphens.
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def _table(table: Table) -> str:
    # `all` is true for a table without rows, hence the first condition.
    numeric = [
        bool(table.rows) and all(is_number(row[i]) for row in table.rows) for i in range(len(table.columns))
    ]
    prose = ' class="prose"' if _longest(table) > _PROSE else ""
    names = [f' data-name="{_text(name)}"' if prose else "" for name in table.columns]
    heads = "".join(
        f'<th{_class(number)} scope="col"><button type="button">{_heading(name)}</button></th>'
        for name, number in zip(table.columns, numeric, strict=True)
    )
    digits = repeat(decimals(table))
    rows = "\n".join(f"<tr>{''.join(map(_cell, row, numeric, names, digits))}</tr>" for row in table.rows)
    return f"""<div class="wide" tabindex="0"><table{prose}>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>"""


def _longest(table: Table) -> int:
    return max((len(str(cell)) for row in table.rows for cell in row), default=0)


def _heading(name: str) -> str:
    """The name of a column; a short one is not broken."""
    return _text(name.replace(" ", "\u00a0") if len(name) <= _SHORT_NAME else name)


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _cell(cell: Any, number: bool, name: str, digits: int) -> str:
    if isinstance(cell, Bar):
        bar = f'<span class="bar"><i style="width:{min(cell.share, 1):.2%}"></i></span>'
        return f'<td{name} data-value="{cell.share:.6f}">{cell}{bar}</td>'
    if isinstance(cell, Shaded):
        shade = f"color-mix(in srgb,var(--bar) {_DARKEST * min(cell.share, 1):.0%},transparent)"
        attributes = f'data-value="{cell.count}" title="{cell.share:.1%}"'
        return f'<td{name} class="number" {attributes} style="background:{shade}">{in_words(cell)}</td>'
    if isinstance(cell, Severity):
        return f'<td{name}><span class="{cell.level}">{_MARKS[cell.level]} {cell}</span></td>'
    if isinstance(cell, Marked):
        return f'<td{name} class="words" dir="auto">{" ".join(map(_piece, *_kinds(cell)))}</td>'
    text = _in_sentence(in_words(cell, digits))
    if not number:
        kind = _WORDS if len(text) > _SHORT else _WORD if len(text) <= _ONE_WORD else ""
        kind = _COMMAND if str(cell).startswith("tokkit ") else kind
        return f'<td{name}{kind} dir="auto">{text}</td>'
    # Counts and shares are not negative: empty cells sort before all of them.
    value = -1 if cell is None else str(cell).rstrip("%")
    return f'<td{name} class="number" data-value="{value}">{text}</td>'


def _kinds(cell: Marked) -> tuple[list[str], list[str | None], list[int]]:
    texts, kinds = zip(*cell.pieces, strict=True) if cell.pieces else ((), ())
    return list(texts), list(kinds), [cell.kinds.index(kind) if kind else 0 for kind in kinds]


def _piece(text: str, kind: str | None, number: int) -> str:
    if kind is None:
        return _text(text)
    return f'<mark class="k{number % _HUES}">{_text(text)} <b><bdi>{_text(kind)}</bdi></b></mark>'


_WORDS, _WORD, _COMMAND = ' class="words"', ' class="word"', ' class="command"'
_HUES = 6

# Maximum opacity of the shade of a cell, so that its text stays readable.
_DARKEST = 0.55

# Characters of a heading and a cell that stay on their line, and of a cell as wide as a phone.
_SHORT_NAME, _ONE_WORD, _SHORT, _SENTENCE = 6, 12, 24, 60
# Characters of a cell from which on a phone displays the cells of a row below each other.
_PROSE = 40
# Columns of a table that half the width of a wide screen has room for.
_HALF = 3


def _drawing(drawing: Drawing) -> str:
    return (
        f'<svg viewBox="0 0 {drawing.width} {drawing.height}" style="max-width:{drawing.most}px" role="img" '
        f'aria-label="{_text(drawing.title)}">{drawing.shapes}</svg>'
    )


def _histogram(histogram: Histogram) -> str:
    if not histogram.lengths:
        return "<p>no texts</p>"
    figure = histogram_figure(histogram)
    note = f'<p class="note">{_text(figure.note)}</p>' if figure.note else ""
    return _drawing(Drawing(figure.label, figure.shapes, figure.width, figure.height, figure.most)) + note


_RENDERERS: Mapping[type, Callable[[Any], str]] = {Table: _table, Histogram: _histogram, Drawing: _drawing}
