"""A picture of a confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tokkit.views.fonts import drawable
from tokkit.views.plots import SMALL, new_figure, picture_bytes, style

# Labels up to which each cell has its share, and under it its count.
_NUMBERED_LABELS = 30
# Side of a cell in inches, with and without these; of all cells at most; width of a character of a label.
_NUMBERED, _BARE, _WIDEST, _CHARACTER = 0.6, 0.25, 40.0, 0.09
_POINTS_PER_INCH = 72


def confusion_matrix(
    labels: Sequence[str], matrix: Sequence[Sequence[int]], format: str, unit: str = "rows"
) -> bytes:
    """Share of each true label's rows by predicted label (columns), and counts; blank where there are none.

    unit   what is counted

    With more than 30 labels, cells are shaded without numbers.
    """
    from rich.cells import cell_len

    totals = [sum(row) for row in matrix]
    shares = [[n / max(total, 1) for n in row] for row, total in zip(matrix, totals, strict=True)]
    names = drawable(labels)
    numbered = len(labels) <= _NUMBERED_LABELS
    cell = min(_NUMBERED if numbered else _BARE, _WIDEST / max(len(labels), 1))
    side = max(cell * len(labels), 2 * _NUMBERED)
    margin = _CHARACTER * max(map(cell_len, names), default=0)
    # Names may not be higher than their line.
    look: Any = {"fontsize": min(10, 0.7 * cell * _POINTS_PER_INCH)}
    with style():
        heading = f"Confusion in % of true {unit}" + ", with counts" * numbered
        figure = new_figure(side + margin + 1.6, side + 0.75 * margin + 1.4, heading)
        axes = figure.subplots()
        # A fixed range: a shade means the same share in every plot. `imshow` rejects an empty matrix.
        shade = axes.imshow(
            [[share or math.nan for share in row] for row in shares] or [[0.0]], cmap="Blues", vmin=0, vmax=1
        )
        axes.set_xticks(range(len(labels)), names, rotation=45, ha="right", rotation_mode="anchor", **look)
        axes.set_yticks(range(len(labels)), names, **look)
        for i, row in enumerate(matrix):
            axes.text(len(labels) - 0.3, i, f"{totals[i]:,}", va="center", **look)
            for j, count in enumerate(row if numbered else ()):
                # Dark text would vanish on the dark half of the color map.
                color = "white" if shares[i][j] > 0.5 else "black"
                text = f"{_per_cent(shares[i][j])}\n{count:,}" if count else ""
                cell_text = axes.text(j, i, text, ha="center", va="center", color=color, fontsize=SMALL)
                # The layout would measure hundreds of texts that lie within the axes anyway.
                cell_text.set_in_layout(False)
        axes.text(len(labels) - 0.3, -0.6, unit, **look)
        axes.spines[:].set(visible=True, color="#cccccc")
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        if not numbered:
            figure.colorbar(shade, ax=axes, label=f"share of the true label's {unit}", shrink=0.3, pad=0.01)
        return picture_bytes(figure, format)


def _per_cent(share: float) -> str:
    """A share that is not 0, never as 0.

    >>> _per_cent(0.9), _per_cent(0.0123), _per_cent(0.0001)
    ('90%', '1.2%', '<0.1%')
    """
    if share < 0.001:
        return "<0.1%"
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
