"""The picture of a data set: class counts, lengths of each class, and what maximum lengths would cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokkit.views.fonts import drawable
from tokkit.views.plots import BLUE, GREY, ORANGE, TALLEST, new_figure, picture_bytes, style

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Lengths, sorted and distinct, and the rows of each: both (n,).
Counted = tuple["NDArray[np.int64]", "NDArray[np.int64]"]

_COLORS = (BLUE, ORANGE, GREY)
_BINS = 60
_HISTOGRAM_INCHES = 2.6


def dataset(
    counts: Mapping[str, Mapping[str, int]],
    lengths: Mapping[str, Mapping[str, Counted]],
    unit: str,
    limits: Sequence[int],
    format: str,
) -> bytes:
    """Bars of the class counts, boxes of the lengths per class, and a histogram of all; one color per split.

    counts    split -> label -> rows; a data set without labels has the label ""
    lengths   split -> label -> lengths of its texts in ``unit``
    limits    maximum lengths: vertical lines in the histogram, each with the share of rows beyond it
    """
    labels = list(dict.fromkeys(label for split in counts.values() for label in split))
    classes = min(max(3.0, 1.2 + 0.28 * len(labels) * max(len(counts), 1)), TALLEST - _HISTOGRAM_INCHES)
    with style():
        figure = new_figure(11, classes + _HISTOGRAM_INCHES)
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(classes, _HISTOGRAM_INCHES))[
            :, 0
        ]
        left, right = above.subplots(1, 2, sharey=True)
        split_labels = drawable(list(counts))
        thickness = 0.8 / max(len(counts), 1)
        for i, name in enumerate(counts):
            # The bars of a label share a band of 0.8 around its index: those of two are at -0.2 and +0.2.
            positions = [y - 0.4 + thickness * (i + 0.5) for y in range(len(labels))]
            rows = [counts[name].get(label, 0) for label in labels]
            left.barh(positions, rows, height=thickness * 0.9, color=_COLORS[i % 3], label=split_labels[i])
            boxes = []
            for label, y, count in zip(labels, positions, rows, strict=True):
                left.annotate(f" {count:,}", (count, y), va="center", fontsize=8)
                if label in lengths[name] and len(lengths[name][label][0]):
                    boxes.append((lengths[name][label], y))
            if boxes:
                _boxes(right, boxes, thickness, _COLORS[i % 3])
        names = drawable([label or "all rows" for label in labels])
        left.set_yticks(range(len(labels)), names)
        # Large to small, so that the first class is at the top.
        left.set_ylim(max(len(labels), 1) - 0.5, -0.5)
        # Room for the number behind the longest bar.
        left.margins(x=0.15)
        left.xaxis.set_major_formatter("{x:,.0f}")
        left.set_xlabel("rows")
        right.set_xlabel(f"{unit} per text (box: quartiles, whiskers: 5 % and 95 %)")
        right.set_xlim(left=0)
        if len(counts) > 1:
            left.legend(loc="best", fontsize=8)
        _histogram(below.subplots(), dict(zip(split_labels, lengths.values(), strict=True)), unit, limits)
        return picture_bytes(figure, format)


def _boxes(axes: Any, lengths: Sequence[tuple[Counted, float]], thickness: float, color: str) -> None:
    keys = ("whislo", "q1", "med", "q3", "whishi")
    boxes = [dict(zip(keys, _quantiles(counted), strict=True)) for counted, _ in lengths]
    axes.bxp(
        boxes,
        positions=[position for _, position in lengths],
        orientation="horizontal",
        widths=thickness * 0.8,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": color, "alpha": 0.6},
        medianprops={"color": "black"},
        manage_ticks=False,
    )


def _quantiles(counted: Counted) -> list[float]:
    """The lengths that 5, 25, 50, 75 and 95 per cent of the rows do not exceed."""
    import numpy as np

    lengths, rows = counted
    ends = np.cumsum(rows)
    rows_below = np.array([0.05, 0.25, 0.5, 0.75, 0.95]) * (ends[-1] - 1)
    # Row p, counted from 0 in order of length, has the first length whose end exceeds p: lengths 3 and 7 of 2
    # rows and 1 row have the ends 2 and 3, so row 2 has length 7.
    return lengths[np.searchsorted(ends, rows_below, "right")].astype(float).tolist()


def _histogram(
    axes: Any, lengths: Mapping[str, Mapping[str, Counted]], unit: str, limits: Sequence[int]
) -> None:
    """Shares of the rows of each split by length, up to the 99.5th percentile of all rows."""
    import numpy as np

    by_split = {name: _joined(list(by_label.values())) for name, by_label in lengths.items()}
    filled = {name: counted for name, counted in by_split.items() if len(counted[0])}
    explanation = "; lines: maximum lengths and the share of rows they truncate" if limits else ""
    axes.set_xlabel(f"{unit} per text{explanation}")
    axes.set_ylabel("share of rows")
    if not filled:
        return
    everything = _joined(list(filled.values()))
    ends = np.cumsum(everything[1])
    # A few very long texts would compress all others into the first bins.
    longest = int(everything[0][np.searchsorted(ends, 0.995 * ends[-1])])
    # A whole number, rounded up: of fractional bins, some would hold one length more and look like peaks.
    step = max(1, -(-(longest + 1) // _BINS))
    edges = np.arange(0, longest + step + 1, step)
    for i, (name, (values, rows)) in enumerate(filled.items()):
        # Every split sums to 1, so that splits of different sizes can be compared.
        heights, _ = np.histogram(values, edges, weights=rows / rows.sum())
        axes.stairs(heights, edges, fill=True, alpha=0.45, color=_COLORS[i % 3], label=name)
    for limit in limits:
        beyond = float(everything[1][everything[0] > limit].sum()) / float(ends[-1])
        if limit <= edges[-1]:
            axes.axvline(limit, color="black", linewidth=0.8, linestyle="--")
            words, coordinates = f" {limit}: {beyond:.1%}", ("data", "axes fraction")
            axes.annotate(words, (limit, 0.97), xycoords=coordinates, va="top", fontsize=8)
    axes.set_xlim(0, edges[-1])


def _joined(parts: Sequence[Counted]) -> Counted:
    import numpy as np

    empty = np.empty(0, np.int64)
    lengths = np.concatenate([empty, *(lengths for lengths, _ in parts)])
    rows = np.concatenate([empty, *(rows for _, rows in parts)])
    order = np.argsort(lengths, kind="stable")
    return lengths[order], rows[order]
