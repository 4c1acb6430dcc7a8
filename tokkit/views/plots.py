"""Pictures, as the bytes of a PNG or SVG file; the same values give the same bytes."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from tokkit.views.fonts import drawable, families
from tokkit.views.names import score_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
# Maximum height of a picture in inches; the limit of the library is 2^16 pixels.
TALLEST = 120.0
# Okabe and Ito 2008: distinguishable with color blindness.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#8a8a8a")
BLUE, ORANGE, GREY = COLORS[0], COLORS[1], "#666666"
# Font size of what is written next to marks.
SMALL = 8
# Behind text that lies on lines.
ON_WHITE = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}

# Size of a panel of curves or scores in inches.
_PANEL = (3.8, 3.6)
# Evaluations up to which each has a tick.
_TICKED = 20
# Characters in a line of a measure's name, and in an inch of a heading.
_LINE, _HEADING = 42, 9
# Distance of two lines of text, as a share of a panel's height.
_LINE_HEIGHT = 0.05
# Prefix of a column -> name and color.
_SPLITS = {"train": ("train (with dropout)", BLUE), "validation": ("validation", ORANGE)}


def curves(
    histories: Sequence[Sequence[Mapping[str, Any]]],
    format: str,
    loss: str = "loss",
    *,
    best: Sequence[float] = (),
    metric: str = "",
) -> bytes:
    """Each measure by evaluation, in training and on the validation split, where there are such.

    histories   one for each fold; of several, each is a thin line, and their mean a thick one
    loss        what the columns ``train_loss`` and ``validation_loss`` are
    best        epoch of the best evaluation of each history, marked on its validation line
    metric      the score that picked them
    """
    rows = [row for history in histories for row in history]
    columns = (column.partition("_") for row in rows for column in row)
    measures = list(dict.fromkeys(measure for split, _, measure in columns if split in _SPLITS))
    with style():
        panels = _panels(len(measures), _curves_heading(best, metric))
        for axes, measure in zip(panels, measures, strict=False):
            labels = []
            for split, (name, color) in _SPLITS.items():
                labels += _draw_lines(axes, histories, f"{split}_{measure}", name, color)
            for history, epoch in zip(histories, best, strict=False):
                values = [row.get(f"validation_{measure}") for row in history if row["epoch"] == epoch]
                axes.plot([epoch], values, "o", color="none", markeredgecolor="black", markersize=9)
            axes.set_xlabel("epoch")
            name = drawable([loss], 4 * _LINE)[0] if measure == "loss" else score_name(measure)
            axes.set_ylabel("\n".join(wrap(name, _LINE)))
            epochs = sorted({row["epoch"] for row in rows})
            if len(epochs) <= _TICKED:
                axes.set_xticks(epochs)
            axes.grid(alpha=0.3)
            _label_lines(axes, labels)
        return picture_bytes(panels[0].figure, format)


def _curves_heading(best: Sequence[float], metric: str) -> str:
    if len(best) > 1:
        return f"Training of {len(best)} folds; rings: best epochs by {drawable([metric])[0]}"
    return f"Training; ring: epoch {best[0]:g}, best by {drawable([metric])[0]}" if best else "Training"


def _draw_lines(
    axes: Any, histories: Sequence[Sequence[Mapping[str, Any]]], column: str, name: str, color: str
) -> list[tuple[float, str, str]]:
    """Draw the line of each history, of several their mean too; returns what `_label_lines` takes."""
    by_epoch: dict[float, list[float]] = {}
    several = len(histories) > 1
    for history in histories:
        points = [(row["epoch"], row[column]) for row in history if row.get(column) is not None]
        if several and points:
            axes.plot(*zip(*points, strict=True), "-", color=color, alpha=0.3, linewidth=1)
        for epoch, value in points:
            by_epoch.setdefault(epoch, []).append(value)
    # The mean of fewer folds, where some stopped earlier, would jump.
    means = {
        e: sum(by_epoch[e]) / len(histories) for e in sorted(by_epoch) if len(by_epoch[e]) == len(histories)
    }
    if means:
        axes.plot(list(means), list(means.values()), "o-", color=color, markersize=4)
    text = name.replace(" (", "\n(") + (f"\nmean of {len(histories)} folds" if several else "")
    ends = means or {epoch: values[0] for epoch, values in by_epoch.items()}
    return [(ends[max(ends)], text, color)] if ends else []


def fold_scores(scores: Sequence[Mapping[str, Any]], out_of_fold: Mapping[str, Any], format: str) -> bytes:
    """Scores of each fold as points, with their mean, and of all rows out of fold as a line.

    scores   name of a score, as displayed -> its value, of each fold
    """
    with style():
        panels = _panels(len(out_of_fold), f"Scores of {len(scores)} folds on their validation rows")
        folds = range(1, len(scores) + 1)
        for axes, (name, value) in zip(panels, out_of_fold.items(), strict=False):
            values = [of_fold[name] for of_fold in scores]
            mean = sum(values) / len(values)
            axes.plot(folds, values, "o", color=BLUE)
            axes.axhline(mean, color=BLUE, linewidth=1)
            axes.axhline(value, color=ORANGE, linestyle="--", linewidth=1)
            axes.set_xlabel("fold")
            axes.set_ylabel(name)
            axes.set_xticks(folds)
            axes.grid(alpha=0.3)
            lines = {"mean of\nthe folds": (mean, BLUE), "all rows,\nout of fold": (value, ORANGE)}
            _label_lines(axes, [(y, f"{text}\n{y:.4f}", color) for text, (y, color) in lines.items()])
        return picture_bytes(panels[0].figure, format)


def _panels(n: int, heading: str) -> list[Any]:
    """This many panels side by side, at least one, in a new figure."""
    figure = new_figure(max(n, 2) * _PANEL[0], _PANEL[1], heading)
    return list(figure.subplots(1, max(n, 1), squeeze=False)[0])


def _label_lines(axes: Any, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write the texts of lines next to their right ends, as far apart as they need to be.

    labels   height of the end, text and color of each line
    """
    low, high = axes.get_ylim()
    bottom, heights = -math.inf, []
    for y, text, _ in sorted(labels):
        half = (high - low) * _LINE_HEIGHT * (text.count("\n") + 1) / 2
        heights.append(max(y, bottom + half))
        bottom = heights[-1] + half
    # Those below move down as far as those above were moved up.
    shift = (sum(heights) - sum(y for y, _, _ in labels)) / max(len(labels), 1)
    for y, (_, text, color) in zip(heights, sorted(labels), strict=True):
        axes.text(
            *(1.02, y - shift, text),
            color=color,
            fontsize=SMALL,
            va="center",
            transform=axes.get_yaxis_transform(),
        )


def new_figure(width: float, height: float, heading: str) -> Figure:
    """A figure of this size in inches with a heading, whose parts are laid out without overlap."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    lines = wrap(heading, int(_HEADING * width))
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def style() -> Any:
    """The style of every picture, as a context manager."""
    from matplotlib import rc_context

    return rc_context(
        {
            "font.family": families(),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.unicode_minus": False,
            # Ids in an SVG are random without a salt.
            "svg.hashsalt": "tokkit",
            # Labels may have dollar signs, which would start a formula.
            "text.parse_math": False,
        }
    )


def picture_bytes(figure: Figure, format: str) -> bytes:
    """The file of a figure, without dates and versions, so that the same values give the same bytes."""
    stream = io.BytesIO()
    # By default, a PNG names the version of matplotlib, an SVG the version and the date.
    empty = {"Software": None} if format == "png" else {"Date": None, "Creator": None}
    with warnings.catch_warnings():
        # Labels are `drawable`: characters that no font has are replaced before.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(stream, format=format, dpi=150, metadata=empty)
    return stream.getvalue()
