"""A picture of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

from tokkit.views.fonts import drawable
from tokkit.views.plots import new_figure, picture_bytes, style

# Maximum side in inches; labels up to which each cell has its number.
_WIDEST, _NUMBERED_LABELS = 40.0, 64
# Side of a cell in inches, with and without its number.
_NUMBERED, _BARE = 0.6, 0.25


def confusion_matrix(
    labels: Sequence[str], matrix: Sequence[Sequence[int]], format: str, *, normalized: bool = False
) -> bytes:
    """Counts per true (rows) and predicted (columns) label, shaded by the share of the true label's rows.

    normalized  whether the cells have that share in per cent instead of the count

    With more than 64 labels, cells are shaded without numbers.
    """
    shares = [[n / max(sum(row), 1) for n in row] for row in matrix]
    names = drawable(labels)
    # The side grows with the labels, up to what the library can render as one picture.
    numbered = len(labels) <= _NUMBERED_LABELS
    side = min(max(4.0, 1.6 + (_NUMBERED if numbered else _BARE) * len(labels)), _WIDEST)
    with style():
        figure = new_figure(side + 1, side)
        axes = figure.subplots()
        # A fixed range: a shade means the same share in every plot. `imshow` rejects an empty matrix.
        image = axes.imshow(shares or [[0.0]], cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(labels)), names, rotation=45, ha="right")
        axes.set_yticks(range(len(labels)), names)
        for i, row in enumerate(matrix if numbered else ()):
            for j, count in enumerate(row):
                # Dark text would vanish on the dark half of the color map.
                color = "white" if shares[i][j] > 0.5 else "black"
                text = f"{100 * shares[i][j]:.1f}" if normalized else f"{count:,}"
                axes.text(j, i, text, ha="center", va="center", color=color, fontsize=9)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        if normalized:
            axes.set_title("per cent of the true label's rows", fontsize=10)
        figure.colorbar(image, ax=axes, label="share of the true label's rows", shrink=0.8)
        return picture_bytes(figure, format)
