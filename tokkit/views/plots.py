"""Pictures, as the bytes of a PNG or SVG file; the same values give the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokkit.views.fonts import families

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
# Maximum height of a picture in inches; the limit of the library is 2^16 pixels.
TALLEST = 120.0
BLUE, ORANGE, GREY = "#3b6ea8", "#d9822b", "#8a8a8a"


# Evaluations up to which each has a tick.
_TICKED = 20


def curves(history: Sequence[Mapping[str, Any]], format: str) -> bytes:
    """Loss and accuracy by evaluation, in training and on the validation split, where there are such."""
    epochs = [row["epoch"] for row in history]
    with style():
        figure = new_figure(9, 3.6)
        panels = figure.subplots(1, 2)
        for axes, what in zip(panels, ("loss", "accuracy"), strict=True):
            for name, color in (("train", BLUE), ("validation", ORANGE)):
                if values := [row[f"{name}_{what}"] for row in history if f"{name}_{what}" in row]:
                    axes.plot(epochs, values, "o-", color=color, label=name)
            axes.set_xlabel("epoch")
            axes.set_ylabel(what)
            if len(epochs) <= _TICKED:
                axes.set_xticks(epochs)
            axes.grid(alpha=0.3)
        if history:
            panels[0].legend()
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
