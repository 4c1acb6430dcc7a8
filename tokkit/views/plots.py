"""Pictures, as the bytes of a PNG or SVG file; the same values give the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokkit.views.fonts import drawable, families

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
TALLEST = 120.0
"""Inches a picture is high at most, whatever the number of classes; 2^16 pixels are the library's limit."""
BLUE, ORANGE, GREY = "#3b6ea8", "#d9822b", "#8a8a8a"


_WIDEST_MATRIX, _NUMBERED_LABELS = 40.0, 64


def confusion_matrix(labels: Sequence[str], matrix: Sequence[Sequence[int]], format: str) -> bytes:
    """Counts per true (rows) and predicted (columns) label; shaded by the share of the true label's rows.

    With very many labels the shades stand alone.
    """
    from matplotlib.figure import Figure

    shares = [[n / max(sum(row), 1) for n in row] for row in matrix]
    shown = drawable(labels)
    side = min(max(4.0, 1.6 + 0.6 * len(labels)), _WIDEST_MATRIX)
    with style():
        figure = Figure(figsize=(side + 1, side), layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(shares or [[0.0]], cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(labels)), shown, rotation=45, ha="right")
        axes.set_yticks(range(len(labels)), shown)
        for i, row in enumerate(matrix if len(labels) <= _NUMBERED_LABELS else ()):
            for j, count in enumerate(row):
                color = "white" if shares[i][j] > 0.5 else "black"
                axes.text(j, i, f"{count:,}", ha="center", va="center", color=color, fontsize=9)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        figure.colorbar(image, ax=axes, label="share of the true label's rows", shrink=0.8)
        return picture_bytes(figure, format)


def curves(history: Sequence[Mapping[str, Any]], format: str) -> bytes:
    """Loss and accuracy per epoch, in training and on the validation split."""
    from matplotlib.figure import Figure

    epochs = [row["epoch"] for row in history]
    with style():
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        axes = figure.subplots(1, 2)
        for each, what in zip(axes, ("loss", "accuracy"), strict=True):
            for name, color in (("train", BLUE), ("validation", ORANGE)):
                each.plot(epochs, [row[f"{name}_{what}"] for row in history], "o-", color=color, label=name)
            each.set_xlabel("epoch")
            each.set_ylabel(what)
            each.set_xticks(epochs)
            each.grid(alpha=0.3)
        axes[0].legend()
        return picture_bytes(figure, format)


def style() -> Any:
    """What every picture of tokkit looks like; entered with ``with``."""
    from matplotlib import rc_context

    return rc_context(
        {
            "font.family": families(),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.unicode_minus": False,
            "svg.hashsalt": "tokkit",
            "text.parse_math": False,
        }
    )


def picture_bytes(figure: Figure, format: str) -> bytes:
    """The file of a figure, without dates and versions."""
    stream = io.BytesIO()
    empty = {"Software": None} if format == "png" else {"Date": None, "Creator": None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # labels are `drawable`
        figure.savefig(stream, format=format, dpi=150, metadata=empty)
    return stream.getvalue()
