"""One file with every row: it needs neither network nor server, and looks like the reports.

The columns are opened by the browser itself (`DecompressionStream`). `report.css` is its style sheet as it is
that of the reports, with the rules for its panes after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from numpy.typing import NDArray

from tokkit.views import html
from tokkit.views.explorer.columns import packed

# Name, version and license of the libraries in `vendor/`, whose licenses are next to them.
LIBRARIES = (
    ("crossfilter2", "1.5.4", "Apache-2.0"),
    ("d3-array", "3.2.4", "ISC"),
    ("d3-quadtree", "3.0.1", "ISC"),
)
# In the order in which they use each other.
_SCRIPTS = (
    *("columns", "search", "filters", "charts", "confusion", "map"),
    *("rows", "tokens", "entities", "decisions", "explorer", "detail"),
)


def explorer_page(
    title: str,
    summary: Mapping[str, Any],
    columns: Mapping[str, NDArray[Any]],
    tokens: tuple[Mapping[str, Any], Mapping[str, NDArray[Any]]] | None,
    about: Sequence[tuple[str, str]],
    date: str | None = None,
) -> bytes:
    """The page as UTF-8: the same values give the same bytes. Data in it is escaped.

    summary  plain values that describe the columns, as `explorer.js` reads them
    columns  opened with the page
    tokens   a summary and columns that are opened later, when the first row is displayed
    about, date   as in `html.page`
    """
    libraries = [("libraries", ", ".join(f"{name} {version} ({kind})" for name, version, kind in LIBRARIES))]
    data = {"columns": packed(summary, columns)} | ({} if tokens is None else {"tokens": packed(*tokens)})
    return html.document(
        title,
        style=html.asset("report.css") + _asset("explorer.css"),
        script=_script(),
        body=_asset("explorer.html"),
        about=[*about, *libraries],
        date=date,
        kind="explorer",
        data="".join(
            f'<script type="application/octet-stream" id="data-{name}">{text}</script>\n'
            for name, text in data.items()
        ),
    )


def _script() -> str:
    """All scripts as one; libraries first."""
    libraries = [_asset(f"vendor/{name}.min.js") for name, _, _ in LIBRARIES]
    own = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    return "\n".join([*libraries, html.asset("report.js"), f'(()=>{{"use strict";\n{own}}})();\n'])


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
