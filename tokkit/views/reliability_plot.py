"""Reliability diagram, accuracy by confidence: as a picture, and as SVG for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokkit.errors import counted
from tokkit.views.html import Drawing
from tokkit.views.plots import BLUE, GREY, SMALL, new_figure, picture_bytes, style

# ``{from, to, rows, confidence, accuracy}`` of each bin that has rows.
Bins = Sequence[Mapping[str, Any]]

# Pixels on a page: the side of the square, and the space for labels of its axes.
_SIDE, _BELOW, _LEFT = 260, 30, 40
# Maximum width on a page in pixels: a square drawing would fill a wide screen.
_WIDEST = 420
# Areas of points of a picture in square points: of the largest, and the smallest that is seen.
_LARGEST, _SMALLEST = 400.0, 4.0


def reliability(bins: Bins, ece: float, format: str) -> bytes:
    """Accuracy by confidence, a point for each bin, whose area is its rows.

    ece   expected calibration error
    """
    rows = [b["rows"] for b in bins]
    confidence, accuracy = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
    with style():
        heading = f"Reliability: ECE {ece:.4f}"
        figure = new_figure(5.2, 5.4, heading)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1)
        # How far a bin is from the diagonal, weighted by its rows, is the error.
        axes.vlines(confidence, confidence, accuracy, color=BLUE, linewidth=1)
        areas = [max(_LARGEST * n / max(rows), _SMALLEST) for n in rows]
        axes.scatter(confidence, accuracy, areas, color=BLUE, linewidths=0, alpha=0.7, clip_on=False)
        look: Any = {"color": GREY, "fontsize": SMALL}
        axes.text(0.02, 0.97, "accuracy above confidence", va="top", **look)
        axes.text(0.98, 0.03, "confidence above accuracy", ha="right", **look)
        # Labels outside of the square leave room for the largest point on its edge.
        axes.text(1.05, 1, "perfect", va="center", **look)
        area = f"area of a point: its predictions, {max(rows):,} at most"
        axes.set_title(area, loc="left", pad=(_LARGEST / 3) ** 0.5 + 3, **look)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_xlabel("confidence: probability of the prediction, mean of the bin")
        axes.set_ylabel("accuracy: share of correct predictions")
        return picture_bytes(figure, format)


def reliability_drawing(title: str, bins: Bins) -> Drawing:
    """The same for a page; each bar has its figures as a tooltip."""
    bars = "".join(
        f'<rect x="{_LEFT + _SIDE * b["from"]:.1f}" y="{_SIDE * (1 - b["accuracy"]):.1f}" '
        f'width="{max(_SIDE * (b["to"] - b["from"]) - 1, 0.5):.1f}" '
        f'height="{_SIDE * b["accuracy"]:.1f}">'
        f"<title>confidence {b['confidence']:.1%}, accuracy {b['accuracy']:.1%}: "
        f"{counted(b['rows'], 'row', style=',')}</title></rect>"
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
