"""The picture of a data set: class counts, lengths of each class, and what maximum lengths would cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokkit.views.fonts import drawable
from tokkit.views.plots import COLORS, GREY, ON_WHITE, SMALL, TALLEST, new_figure, picture_bytes, style

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Lengths, sorted and distinct, and the rows of each: both (n,).
Counted = tuple["NDArray[np.int64]", "NDArray[np.int64]"]

_BINS = 60
_HISTOGRAM_INCHES = 2.6
# Share of the rows whose lengths the histogram displays.
_DISPLAYED = 0.995
# Lengths that differ by more than this factor have a logarithmic axis.
_WIDE = 50
# Distance of the texts next to the histogram's lines, as a share of its height.
_STEP = 0.11


def dataset(
    title: str,
    counts: Mapping[str, Mapping[str, int]],
    lengths: Mapping[str, Mapping[str, Counted]],
    row_lengths: Mapping[str, Counted],
    unit: str,
    limits: Mapping[int, str],
    format: str,
) -> bytes:
    """Bars of the class counts, lengths per class, and a histogram of all; one color per split.

    title        what it is a picture of
    counts       split -> label -> rows; a data set without labels has the label ""
    lengths      split -> label -> lengths in ``unit``, where a row counts for each of its labels
    row_lengths  split -> lengths of all its rows
    limits       maximum lengths, and what to write next to each: lines with the share of rows beyond
    """
    labels = list(dict.fromkeys(label for split in counts.values() for label in split))
    classes = min(max(2.0, 1.2 + 0.28 * len(labels) * max(len(counts), 1)), TALLEST - _HISTOGRAM_INCHES)
    rows = ", ".join(f"{n.sum():,} {drawable([name])[0]}" for name, (_, n) in row_lengths.items())
    with style():
        figure = new_figure(9, classes + _HISTOGRAM_INCHES, f"{drawable([title])[0]}: {rows} rows")
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(classes, _HISTOGRAM_INCHES))[
            :, 0
        ]
        left, right = above.subplots(1, 2, sharey=True)
        splits = drawable(list(counts))
        thickness = min(0.8 / max(len(counts), 1), 0.6)
        quantiles: list[list[float]] = []
        for i, name in enumerate(counts):
            # The bars of a label share a band of 0.8 around its index: those of two are at -0.2 and +0.2.
            positions = [y + thickness * (i + 0.5 - len(counts) / 2) for y in range(len(labels))]
            numbers = [counts[name].get(label, 0) for label in labels]
            left.barh(positions, numbers, thickness * 0.9, color=COLORS[i % 8], linewidth=0)
            for y, number in zip(positions, numbers, strict=True):
                # The bars of the first label name the splits of all.
                text = f" {number:,}" + (f" {splits[i]}" if len(counts) > 1 and y < 0.5 else "")
                left.annotate(text, (number, y), va="center", fontsize=SMALL, color=COLORS[i % 8])
            for label, y in zip(labels, positions, strict=True):
                if label in lengths[name] and len(lengths[name][label][0]):
                    quantiles.append(_quantiles(lengths[name][label]))
                    _lengths(right, y, quantiles[-1], thickness, COLORS[i % 8])
        left.set_yticks(range(len(labels)), drawable([label or "all rows" for label in labels]))
        # Large to small, so that the first class is at the top.
        left.set_ylim(max(len(labels), 1) - 0.5, -0.5)
        # Room for the number behind the longest bar.
        left.margins(x=0.15)
        left.locator_params("x", nbins=4, integer=True)
        left.xaxis.set_major_formatter("{x:,.0f}")
        left.set_xlabel("rows")
        right.set_title("median, quartiles, and 5 to 95 %", loc="left", fontsize=SMALL, color=GREY)
        _length_axis(right, quantiles, unit)
        _histogram(below.subplots(), dict(zip(splits, row_lengths.values(), strict=True)), unit, limits)
        return picture_bytes(figure, format)


def _lengths(axes: Any, y: float, quantiles: Sequence[float], thickness: float, color: str) -> None:
    p5, q1, median, q3, p95 = quantiles
    axes.plot([p5, p95], [y, y], color=color, linewidth=1)
    axes.barh(y, q3 - q1, thickness * 0.5, left=q1, color=color, linewidth=0)
    half = thickness * 0.3
    axes.plot([median, median], [y - half, y + half], color="black", linewidth=1.5)


def _length_axis(axes: Any, quantiles: Sequence[Sequence[float]], unit: str) -> None:
    axes.set_xlabel(f"{unit} per text")
    smallest = min((values[0] for values in quantiles), default=0)
    if smallest > 0 and max(values[4] for values in quantiles) > _WIDE * smallest:
        axes.set_xscale("log")
        axes.set_xlabel(f"{unit} per text (logarithmic)")
    else:
        axes.set_xlim(left=0)
        axes.locator_params("x", nbins=5, integer=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")


def _quantiles(counted: Counted) -> list[float]:
    """The lengths that 5, 25, 50, 75 and 95 per cent of the rows do not exceed."""
    import numpy as np

    lengths, rows = counted
    ends = np.cumsum(rows)
    rows_below = np.array([0.05, 0.25, 0.5, 0.75, 0.95]) * (ends[-1] - 1)
    # Row p, counted from 0 in order of length, has the first length whose end exceeds p: lengths 3 and 7 of 2
    # rows and 1 row have the ends 2 and 3, so row 2 has length 7.
    return lengths[np.searchsorted(ends, rows_below, "right")].astype(float).tolist()


def _histogram(axes: Any, lengths: Mapping[str, Counted], unit: str, limits: Mapping[int, str]) -> None:
    """Shares of the rows of each split by length, up to the 99.5th percentile or the recommended length."""
    import numpy as np

    filled = {name: counted for name, counted in lengths.items() if len(counted[0])}
    axes.set_xlabel(f"{unit} per text")
    axes.set_ylabel("share of rows")
    if not filled:
        return
    values, rows = _joined(list(filled.values()))
    ends = np.cumsum(rows)
    # A few very long texts would compress all others into the first bins.
    percentile = int(values[np.searchsorted(ends, _DISPLAYED * ends[-1])])
    longest = max(percentile, *(limit + 1 for limit in limits if limits[limit]), 0)
    # A whole number, rounded up: of fractional bins, some would hold one length more and look like peaks.
    step = max(1, -(-(longest + 1) // _BINS))
    edges = np.arange(0, longest + step + 1, step)
    for i, (name, (of_split, weights)) in enumerate(filled.items()):
        # Every split sums to 1, so that splits of different sizes can be compared.
        heights, _ = np.histogram(of_split, edges, weights=weights / weights.sum())
        one = len(filled) == 1
        axes.stairs(heights, edges, fill=one, linewidth=0 if one else 1.5, color=COLORS[i % 8])
        if not one:
            at = (1.01, 1 - _STEP * i)
            axes.annotate(name, at, xycoords="axes fraction", va="top", fontsize=SMALL, color=COLORS[i % 8])
    beyond = {limit: float(rows[values > limit].sum()) / float(ends[-1]) for limit in [*limits, edges[-1]]}
    # Nobody chooses a length that truncates most rows.
    marked = [n for n in limits if n <= edges[-1] and (limits[n] or beyond[n] < 0.5)]
    # Texts step down from line to line: next to lines that are close, they would overlap; bars end below.
    axes.set_ylim(0, axes.get_ylim()[1] / (1 - _STEP * len(marked)))
    for number, limit in enumerate(marked):
        color, width = ("black", 1.5) if limits[limit] else (GREY, 0.8)
        axes.axvline(limit, color=color, linewidth=width, linestyle="--")
        text = f"{limit}{limits[limit]}: truncates {beyond[limit]:.1%}"
        left = limit < 0.7 * edges[-1]
        axes.annotate(
            text,
            (limit, 0.99 - _STEP * number),
            xycoords=("data", "axes fraction"),
            xytext=(3 if left else -3, 0),
            textcoords="offset points",
            ha="left" if left else "right",
            va="top",
            fontsize=SMALL,
            color=color,
            bbox=ON_WHITE,
        )
    if rest := beyond[edges[-1]]:
        axes.set_xlabel(
            f"{unit} per text; not displayed: the longest {rest:.1%} of rows, up to {values[-1]:,}"
        )
    axes.set_xlim(0, edges[-1])
    axes.xaxis.set_major_formatter("{x:,.0f}")


def _joined(parts: Sequence[Counted]) -> Counted:
    import numpy as np

    empty = np.empty(0, np.int64)
    lengths = np.concatenate([empty, *(lengths for lengths, _ in parts)])
    rows = np.concatenate([empty, *(rows for _, rows in parts)])
    order = np.argsort(lengths, kind="stable")
    return lengths[order], rows[order]
