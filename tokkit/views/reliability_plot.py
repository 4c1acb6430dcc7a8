"""Reliability diagram, accuracy by confidence: as a picture, and as SVG for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokkit.views.html import Drawing
from tokkit.views.plots import BLUE, GREY, ORANGE, new_figure, picture_bytes, style

# ``{from, to, rows, confidence, accuracy}`` of each bin that has rows.
Bins = Sequence[Mapping[str, Any]]

# Pixels on a page: the side of the square, and the space for labels of its axes.
_SIDE, _BELOW, _LEFT = 260, 30, 40
# Maximum width on a page in pixels: a square drawing would fill a wide screen.
_WIDEST = 420


def reliability(bins: Bins, format: str) -> bytes:
    """Accuracy by confidence, where bars that reach the diagonal are perfect; below, the rows of each bin."""
    left, rows = [b["from"] for b in bins], [b["rows"] for b in bins]
    confidence, accuracy = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
    bars: Any = {"width": [b["to"] - b["from"] for b in bins], "align": "edge", "edgecolor": "white"}
    with style():
        figure = new_figure(5, 5.6)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.bar(left, accuracy, color=BLUE, **bars)
        above.plot([0, 1], [0, 1], "--", color=GREY, label="perfect")
        # The mean confidence of a bin is rarely its middle: the point is where the bar should end.
        above.plot(confidence, accuracy, "o", color=ORANGE, markersize=4)
        above.set_ylabel("accuracy")
        above.set_ylim(0, 1)
        above.legend(loc="upper left")
        below.bar(left, rows, color=GREY, **bars)
        below.set_xlim(0, 1)
        below.set_xlabel("confidence")
        below.set_ylabel("rows")
        return picture_bytes(figure, format)


def reliability_drawing(title: str, bins: Bins) -> Drawing:
    """The same for a page; each bar has its figures as a tooltip."""
    bars = "".join(
        f'<rect x="{_LEFT + _SIDE * b["from"]:.1f}" y="{_SIDE * (1 - b["accuracy"]):.1f}" '
        f'width="{max(_SIDE * (b["to"] - b["from"]) - 1, 0.5):.1f}" '
        f'height="{_SIDE * b["accuracy"]:.1f}">'
        f"<title>confidence {b['confidence']:.1%}, accuracy {b['accuracy']:.1%}: "
        f"{b['rows']:,} rows</title></rect>"
        for b in bins
    )
    diagonal = f'<line x1="{_LEFT}" y1="{_SIDE}" x2="{_LEFT + _SIDE}" y2="0" stroke-dasharray="4 3"/>'
    axes = (
        f'<text x="{_LEFT}" y="{_SIDE + 14}">0</text>'
        f'<text x="{_LEFT + _SIDE}" y="{_SIDE + 14}" text-anchor="end">100%</text>'
        f'<text x="{_LEFT + _SIDE / 2}" y="{_SIDE + 14}" text-anchor="middle">confidence</text>'
        f'<text x="{_LEFT - 4}" y="12" text-anchor="end">100%</text>'
        f'<text x="{_LEFT - 4}" y="{_SIDE}" text-anchor="end">0</text>'
        f'<text x="{_LEFT - 8}" y="{_SIDE / 2}" text-anchor="middle" '
        f'transform="rotate(-90 {_LEFT - 8} {_SIDE / 2})">accuracy</text>'
    )
    return Drawing(title, bars + diagonal + axes, _LEFT + _SIDE + 8, _SIDE + _BELOW, most=_WIDEST)
