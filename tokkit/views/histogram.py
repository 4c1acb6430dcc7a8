"""A histogram of lengths as SVG: axes with units, maximum lengths as lines, and how many rows exceed them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokkit.errors import counted


@dataclass(frozen=True)
class Histogram:
    """A picture of how many rows have each length.

    lengths      length -> rows
    limits       lengths marked by a line, with the share of rows beyond it
    recommended  that of them which is recommended; it is marked in any case
    """

    title: str
    unit: str
    lengths: Mapping[int, int]
    limits: Sequence[int] = ()
    recommended: int | None = None


@dataclass(frozen=True)
class Figure:
    """Shapes within ``width`` x ``height``, at most ``most`` pixels wide; ``note`` says what is not in it."""

    label: str
    shapes: str
    note: str
    width: int = 460
    height: int = 230
    most: int = 720


_BINS = 48
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 452, 40, 188
# Lines of the axes: about as many as their labels have room for.
_ACROSS, _UP = 6, 4
# Pixels of a label of a limit beyond which it is on the left of its line, or it would be cut off.
_LABEL = 150
# A share below it has a second decimal.
_SMALL = 0.01


def histogram_figure(histogram: Histogram) -> Figure:
    """The histogram up to the length that 99.5 % of the rows do not exceed, which the note says."""
    total = sum(histogram.lengths.values())
    last = _where_nearly_all_end(histogram.lengths, total)
    end = last + 1
    # A whole number, rounded up: of fractional bins, some would hold one length more and look like peaks.
    step = -(-end // _BINS)
    heights = [0] * -(-end // step)
    for length, rows in histogram.lengths.items():
        if length <= last:
            heights[length // step] += rows
    # Room for the line of the length that is recommended, unless it is far from all rows.
    advised = histogram.recommended
    end = max(len(heights) * step, min(advised + 1, 2 * end) if advised else 0)
    shapes = _axes(end, max(heights), histogram.unit) + _bars(heights, step, end, histogram.unit)
    marked = sorted({limit for limit in (*histogram.limits, advised) if limit is not None and limit < end})
    for number, limit in enumerate(marked):
        name = f"recommended {limit}" if limit == advised else str(limit)
        shapes += _limit(name, limit, _beyond(histogram.lengths, limit) / total, number, end)
    beyond, longest = _beyond(histogram.lengths, last), max(histogram.lengths)
    cut = f"Not drawn: longer rows, {beyond:,} of {total:,}, up to {longest:,} {histogram.unit}."
    return Figure(f"{histogram.title}: rows by {histogram.unit}", shapes, cut if beyond else "")


def _axes(end: int, most: int, unit: str) -> str:
    across = "".join(
        f'<text class="quiet" x="{_x(at, end):.1f}" y="{_BOTTOM + 15}" text-anchor="middle">{at:,}</text>'
        for at in _ticks(end, _ACROSS)
    )
    up = ""
    for at in _ticks(most, _UP):
        y = _y(at, most)
        up += (
            f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="quiet" x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{at:,}</text>'
        )
    names = (
        f'<text x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 34}" text-anchor="middle">'
        f"length in {html.escape(unit)}</text>"
        f'<text x="12" y="{(_TOP + _BOTTOM) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 12 {(_TOP + _BOTTOM) / 2})">rows</text>'
    )
    return up + across + names


def _bars(heights: Sequence[int], step: int, end: int, unit: str) -> str:
    width = (_RIGHT - _LEFT) * step / end
    return "".join(
        f'<rect x="{_x(i * step, end):.1f}" y="{_y(rows, max(heights)):.1f}" '
        f'width="{max(width - 1, 0.5):.1f}" height="{_BOTTOM - _y(rows, max(heights)):.1f}">'
        f"<title>{_from_to(i * step, step)} {html.escape(unit)}: "
        f"{counted(rows, 'row', style=',')}</title></rect>"
        for i, rows in enumerate(heights)
    )


def _limit(name: str, limit: int, beyond: float, number: int, end: int) -> str:
    x = _x(limit, end)
    anchor, x_text = ("end", x - 3) if x > _RIGHT - _LABEL else ("start", x + 3)
    line = "" if name.startswith("recommended") else ' class="limit"'
    # Labels alternate between two heights: those of close limits, 32 and 64, would overlap on one.
    return (
        f'<line{line} x1="{x:.1f}" x2="{x:.1f}" y1="6" y2="{_BOTTOM}" stroke-dasharray="4 3"/>'
        f'<text x="{x_text:.1f}" y="{14 + 14 * (number % 2)}" text-anchor="{anchor}">'
        f"{name}: {beyond:.{2 if 0 < beyond < _SMALL else 1}%} longer</text>"
    )


def _x(length: int, end: int) -> float:
    return _LEFT + (_RIGHT - _LEFT) * length / end


def _y(rows: int, most: int) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * rows / most


def _ticks(end: int, most: int) -> range:
    """At most so many round numbers between 0 and ``end``.

    >>> list(_ticks(28, 6)), list(_ticks(3, 4))
    ([0, 5, 10, 15, 20, 25], [0, 1, 2, 3])
    """
    step = 1
    while end // step + 1 > most:
        # 1, 2, 5, 10, 20, 50, ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return range(0, end + 1, step)


def _beyond(lengths: Mapping[int, int], limit: int) -> int:
    return sum(rows for length, rows in lengths.items() if length > limit)


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
