"""A page of tables: one file that needs no network, reads well on a phone, and whose tables can be sorted."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokkit.views.tables import Bar, Shaded, Table, in_words, is_number, printable

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--paper:#fff;--line:#d8dee8;--soft:#f4f6fa;--bar:#3b6ea8;
--mark:#d9822b}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ef;--paper:#14181f;--line:#333b48;--soft:#1d232d;--bar:#6fa3dc;
--mark:#e9a35b}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans KR",sans-serif}
h1{font-size:1.4rem;overflow-wrap:anywhere;margin:.5rem 0 0}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0 1rem}
.wide{overflow-x:auto;border:1px solid var(--line);border-radius:.4rem}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
td{overflow-wrap:break-word;min-width:3rem}
td.number,th.number{text-align:right;white-space:nowrap;overflow-wrap:normal}
td.words{min-width:9rem}
th{background:var(--soft);white-space:nowrap}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible{outline:2px solid var(--bar)}
th[aria-sort=ascending] button::after{content:" \\25B2"}
th[aria-sort=descending] button::after{content:" \\25BC"}
.bar{display:block;min-width:6rem;height:.45rem;margin-top:.2rem;border-radius:.2rem;background:var(--line)}
.bar i{display:block;height:100%;border-radius:.2rem;background:var(--bar)}
@media(max-width:40rem){th,th.number{white-space:normal}.bar{min-width:3.5rem}svg.lengths{min-width:34rem}
.prose thead{display:none}.prose tr{display:block;padding:.3rem 0;
border-bottom:1px solid var(--line)}.prose tr:last-child{border-bottom:0}.prose td{display:block;border:0;
padding:.1rem .6rem;overflow-wrap:anywhere}.prose td:first-child{font-weight:600}
.prose td.number{text-align:left}.prose td+td::before{content:attr(data-name) ": ";opacity:.7}}
svg{display:block;width:100%;height:auto;border:1px solid var(--line);border-radius:.4rem}
svg.lengths{border:0}
svg text{fill:var(--ink);font-size:11px}svg rect{fill:var(--bar)}svg line{stroke:var(--mark)}
"""

# rows of a table in a notebook
_DISPLAYED_ROWS = 60
_FRAGMENT_STYLE = (
    ".tokkit h2{font-size:1em;margin:1em 0 .3em}.tokkit th,.tokkit td{text-align:left;padding:.2em .6em}"
    ".tokkit td.number,.tokkit th.number{text-align:right;font-variant-numeric:tabular-nums}"
    ".tokkit .wide{overflow-x:auto}"
)

_SCRIPT = """
document.querySelectorAll("th button").forEach(button=>button.addEventListener("click",()=>{
const head=button.parentElement,table=head.closest("table"),body=table.tBodies[0],at=head.cellIndex;
const down=head.getAttribute("aria-sort")==="ascending";
table.querySelectorAll("th").forEach(each=>each.removeAttribute("aria-sort"));
head.setAttribute("aria-sort",down?"descending":"ascending");
const value=row=>row.cells[at].dataset.value;
const compare=(a,b)=>value(a)===undefined||value(b)===undefined
?row(a).localeCompare(row(b)):value(a)-value(b);
const row=each=>each.cells[at].textContent;
[...body.rows].sort((a,b)=>down?compare(b,a):compare(a,b)).forEach(each=>body.append(each));
}));
"""


@dataclass(frozen=True)
class Histogram:
    """A picture of how many rows have each length.

    lengths  length -> rows
    limits   lengths marked by a line, with the share of rows beyond it
    """

    title: str
    unit: str
    lengths: Mapping[int, int]
    limits: Sequence[int] = ()


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


def page(title: str, about: str, parts: Sequence[Part]) -> bytes:
    """The page as UTF-8: the same values give the same bytes. Data in it is escaped."""
    body = "\n".join(_RENDERERS[type(part)](part) for part in parts)
    # The policy is a second barrier behind the escaping: nothing is loaded, whatever the data contain.
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';\
script-src 'unsafe-inline'">
<title>{_text(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{_text(title)}</h1>
<p>{_text(about)}</p>
{body}
<script>{_SCRIPT}</script>
</body>
</html>
""".encode()


def fragment(parts: Sequence[Part]) -> str:
    """The tables as a part of another page, in its fonts and colors. Data in it is escaped."""
    body = "\n".join(_RENDERERS[type(part)](_beginning(part)) for part in parts)
    # buttons sort the tables of a page, by a script that is not part of this
    plain = body.replace('<button type="button">', "").replace("</button>", "")
    return f'<div class="tokkit"><style>{_FRAGMENT_STYLE}</style>\n{plain}\n</div>'


def _beginning(part: Part) -> Part:
    """The part, of a long table its first rows and how many are left out."""
    if not isinstance(part, Table) or len(part.rows) <= _DISPLAYED_ROWS:
        return part
    more = len(part.rows) - _DISPLAYED_ROWS
    return Table(f"{part.title} ({more:,} further rows)", part.columns, part.rows[:_DISPLAYED_ROWS])


def _text(text: str) -> str:
    return html.escape(printable(text))


def _table(table: Table) -> str:
    # `all` is true for a table without rows, hence the first condition.
    numeric = [
        bool(table.rows) and all(is_number(row[i]) for row in table.rows) for i in range(len(table.columns))
    ]
    longest = max((len(str(cell)) for row in table.rows for cell in row), default=0)
    prose = ' class="prose"' if longest > _SENTENCE else ""
    names = [f' data-name="{_text(name)}"' if prose else "" for name in table.columns]
    heads = "".join(
        f'<th{_class(number)} scope="col"><button type="button">{_heading(name)}</button></th>'
        for name, number in zip(table.columns, numeric, strict=True)
    )
    rows = "\n".join("<tr>" + "".join(map(_cell, row, numeric, names)) + "</tr>" for row in table.rows)
    return f"""<h2>{_text(table.title)}</h2>
<div class="wide" tabindex="0"><table{prose}>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>"""


def _heading(name: str) -> str:
    """The name of a column; a short one is not broken."""
    return _text(name.replace(" ", "\u00a0") if len(name) <= _SHORT_NAME else name)


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _cell(cell: Any, number: bool, name: str) -> str:
    if isinstance(cell, Bar):
        bar = f'<span class="bar"><i style="width:{min(cell.share, 1):.2%}"></i></span>'
        return f'<td{name} data-value="{cell.share:.6f}">{cell}{bar}</td>'
    if isinstance(cell, Shaded):
        shade = f"color-mix(in srgb,var(--bar) {_DARKEST * min(cell.share, 1):.0%},transparent)"
        attributes = f'data-value="{cell.count}" title="{cell.share:.1%}"'
        return f'<td{name} class="number" {attributes} style="background:{shade}">{in_words(cell)}</td>'
    text = _text(in_words(cell))
    if not number:
        return f'<td{name} class="words">{text}</td>' if len(text) > _SHORT else f"<td{name}>{text}</td>"
    # Counts and shares are not negative: empty cells sort before all of them.
    value = -1 if cell is None else str(cell).rstrip("%")
    return f'<td{name} class="number" data-value="{value}">{text}</td>'


# Maximum opacity of the shade of a cell, so that its text stays readable.
_DARKEST = 0.55

# Characters of a heading and a cell that stay on their line, and of a cell as wide as a phone.
_SHORT_NAME, _SHORT, _SENTENCE = 6, 24, 60

_WIDTH, _HEIGHT, _BELOW, _ABOVE, _BINS = 640, 200, 22, 30, 64


def _histogram(histogram: Histogram) -> str:
    total = sum(histogram.lengths.values())
    heading = f"<h2>{_text(histogram.title)}</h2>"
    if not total:
        return f"{heading}\n<p>no texts</p>"
    last = _where_nearly_all_end(histogram.lengths, total)
    # A whole number, rounded up: of fractional bins, some would hold one length more and look like peaks.
    step = max(1, -(-(last + 1) // _BINS))
    heights = [0] * (last // step + 1)
    for length, rows in histogram.lengths.items():
        if length <= last:
            heights[length // step] += rows
    room, width, end = _HEIGHT - _BELOW - _ABOVE, _WIDTH / len(heights), len(heights) * step
    bars = "".join(
        f'<rect x="{i * width:.1f}" y="{_HEIGHT - _BELOW - room * rows / max(heights):.1f}" '
        f'width="{max(width - 1, 0.5):.1f}" height="{room * rows / max(heights):.1f}">'
        f"<title>{_from_to(i * step, step)} {_text(histogram.unit)}: {rows:,} rows</title></rect>"
        for i, rows in enumerate(heights)
    )
    lines = ""
    for i, limit in enumerate(limit for limit in histogram.limits if limit < end):
        beyond = sum(rows for length, rows in histogram.lengths.items() if length > limit) / total
        x = limit / end * _WIDTH
        # A label near the right border is on the left of its line, or it would be cut off.
        anchor, x_text = ("end", x - 3) if x > 0.85 * _WIDTH else ("start", x + 3)
        # Labels alternate between two heights: those of close limits, 32 and 64, would overlap on one.
        lines += (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{_HEIGHT - _BELOW}" stroke-dasharray="4 3"/>'
            f'<text x="{x_text:.1f}" y="{12 + 13 * (i % 2)}" text-anchor="{anchor}">'
            f"{limit}: {beyond:.1%} longer</text>"
        )
    axis = (
        f'<text x="2" y="{_HEIGHT - 6}">0</text>'
        f'<text x="{_WIDTH - 2}" y="{_HEIGHT - 6}" text-anchor="end">{end} {_text(histogram.unit)}</text>'
    )
    label = _text(f"{histogram.title}: rows by {histogram.unit}")
    return (
        f'{heading}\n<div class="wide" tabindex="0"><svg class="lengths" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-label="{label}">{bars}{lines}{axis}</svg></div>'
    )


def _drawing(drawing: Drawing) -> str:
    return (
        f'<h2>{_text(drawing.title)}</h2>\n<svg viewBox="0 0 {drawing.width} {drawing.height}" '
        f'style="max-width:{drawing.most}px" role="img" aria-label="{_text(drawing.title)}">'
        f"{drawing.shapes}</svg>"
    )


def _from_to(first: int, step: int) -> str:
    return str(first) if step == 1 else f"{first} to {first + step - 1}"


def _where_nearly_all_end(lengths: Mapping[int, int], total: int) -> int:
    """The length that 99.5 % of the rows do not exceed: few very long ones would press the rest together."""
    rows = 0
    for length in sorted(lengths):
        rows += lengths[length]
        if rows >= 0.995 * total:
            return length
    return max(lengths)


_RENDERERS: Mapping[type, Callable[[Any], str]] = {Table: _table, Histogram: _histogram, Drawing: _drawing}
