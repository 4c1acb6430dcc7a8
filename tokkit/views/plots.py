"""Pictures, as the bytes of a PNG or SVG file; the same values give the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from tokkit.views.fonts import drawable, families

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
# Maximum height of a picture in inches; the limit of the library is 2^16 pixels.
TALLEST = 120.0
BLUE, ORANGE, GREY = "#3b6ea8", "#d9822b", "#8a8a8a"


# Evaluations up to which each has a tick.
_TICKED = 20
# Characters in a line of a title.
_TITLE = 42
# Prefix of a column -> legend and color.
_SPLITS = {"train": ("train (with dropout)", BLUE), "validation": ("validation", ORANGE)}


def curves(histories: Sequence[Sequence[Mapping[str, Any]]], format: str, loss: str = "loss") -> bytes:
    """Each measure by evaluation, in training and on the validation split, where there are such.

    histories   one for each fold; of several, each is a thin line, and their mean a thick one
    loss        what the columns ``train_loss`` and ``validation_loss`` are
    """
    rows = [row for history in histories for row in history]
    names = {"loss": loss, "cross_entropy": "cross-entropy", "accuracy": "accuracy"}
    names |= {"macro_f1": "macro F1", "span_f1": "span F1"}
    displayed = [name for name in names if any(f"{split}_{name}" in row for split in _SPLITS for row in rows)]
    with style():
        figure = new_figure(4.5 * max(len(displayed), 2), 3.6)
        panels = figure.subplots(1, max(len(displayed), 2))
        for axes, name in zip(panels, displayed, strict=False):
            for split, (legend, color) in _SPLITS.items():
                _draw_lines(axes, histories, f"{split}_{name}", legend, color)
            axes.set_xlabel("epoch")
            axes.set_title("\n".join(wrap(drawable([names[name]])[0], _TITLE)), fontsize="medium")
            epochs = sorted({row["epoch"] for row in rows})
            if len(epochs) <= _TICKED:
                axes.set_xticks(epochs)
            axes.grid(alpha=0.3)
            axes.legend()
        return picture_bytes(figure, format)


def _draw_lines(
    axes: Any, histories: Sequence[Sequence[Mapping[str, Any]]], column: str, legend: str, color: str
) -> None:
    by_epoch: dict[float, list[float]] = {}
    several = len(histories) > 1
    for history in histories:
        points = [(row["epoch"], row[column]) for row in history if row.get(column) is not None]
        if several and points:
            axes.plot(*zip(*points, strict=True), "-", color=color, alpha=0.3, linewidth=1)
        for epoch, value in points:
            by_epoch.setdefault(epoch, []).append(value)
    # The mean of fewer folds, where some stopped earlier, would jump.
    complete = {epoch: values for epoch, values in by_epoch.items() if len(values) == len(histories)}
    if complete:
        means = [sum(complete[epoch]) / len(histories) for epoch in sorted(complete)]
        label = f"{legend}, mean of {len(histories)} folds" if several else legend
        axes.plot(sorted(complete), means, "o-", color=color, label=label)


def fold_scores(scores: Sequence[Mapping[str, Any]], out_of_fold: Mapping[str, Any], format: str) -> bytes:
    """Scores of each fold as points, with their mean, and of all rows out of fold as a line.

    scores   name of a score, as displayed -> its value, of each fold
    """
    with style():
        figure = new_figure(4.5 * max(len(out_of_fold), 1), 3.6)
        panels = figure.subplots(1, max(len(out_of_fold), 1), squeeze=False)[0]
        folds = range(1, len(scores) + 1)
        for axes, (name, value) in zip(panels, out_of_fold.items(), strict=False):
            values = [of_fold[name] for of_fold in scores]
            axes.plot(folds, values, "o", color=BLUE, label="fold")
            axes.axhline(sum(values) / len(values), color=BLUE, linewidth=1, label="mean of the folds")
            axes.axhline(value, color=ORANGE, linestyle="--", linewidth=1, label="all rows, out of fold")
            axes.set_xlabel("fold")
            axes.set_ylabel(name)
            axes.set_xticks(folds)
            axes.grid(alpha=0.3)
            axes.legend()
        return picture_bytes(figure, format)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, whose parts are laid out without overlap."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


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
