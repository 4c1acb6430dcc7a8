"""A map of rows: one panel for all classes and one for each class."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokkit.views.fonts import drawable
from tokkit.views.plots import BLUE, COLORS, picture_bytes, style
from tokkit.views.text import shorten

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

# Classes with a panel of their own, the most frequent ones.
MOST_PANELS = 48
# Side of a panel in inches, maximum number of columns, and range of width by height of the whole.
_SIDE, _COLUMNS, _SHAPES = 2.6, 7, (1, 2)
# Inches around all panels, and above each.
_MARGIN, _TITLE, _HEADING = 0.1, 0.3, 0.35
_OTHERS = "#dddddd"
_LONGEST_TITLE = 26


def panels(labels: Sequence[str | None]) -> list[str]:
    """The classes with a panel of their own: the most frequent, then by name."""
    counts = Counter(label for label in labels if label is not None)
    return sorted(counts, key=lambda label: (-counts[label], label))[:MOST_PANELS]


def class_map(points: NDArray[np.float32], labels: Sequence[str | None], format: str) -> bytes:
    """All rows in the color of their class, and each class alone in front of the others in gray.

    points   (rows, 2)
    labels   of each row; rows with None are gray everywhere
    """
    import numpy as np
    from matplotlib.figure import Figure

    counts = Counter(labels)
    names = panels(labels)
    of = np.array([names.index(label) if label in names else -1 for label in labels], dtype=np.int64)
    colors = _colors(len(names))
    diameter = _diameter(len(points))
    with style():
        figure = Figure()
        everywhere, *of_classes = _grid(figure, len(names) + 1)
        titles = drawable(names)
        # In random order, so that no class hides the others.
        order = np.random.default_rng(0).permutation(len(points))
        shades = np.array([*colors, _OTHERS if names else BLUE])
        x, y = points[order].T
        # As vectors, an SVG would have one element per point and panel; pixels keep its size bounded.
        everywhere.scatter(x, y, s=diameter**2, c=shades[of[order]], linewidths=0, rasterized=True)
        everywhere.set_title(f"all ({len(points):,})", fontsize=9)
        for number, axes in enumerate(of_classes):
            # Gray first: what is plotted later lies on top.
            shade = colors[number] if len(names) <= len(COLORS) else BLUE
            own = min(_diameter(counts[names[number]]), 1.5 * diameter)
            for rows, color, size in ((of != number, _OTHERS, diameter), (of == number, shade, own)):
                axes.plot(
                    *points[rows].T, "o", color=color, markersize=size, markeredgewidth=0, rasterized=True
                )
            axes.set_title(
                f"{shorten(titles[number], _LONGEST_TITLE)} ({counts[names[number]]:,})", fontsize=9
            )
        classes = len(counts.keys() - {None})
        rest = f"; the {len(names)} most frequent of {classes} classes" if classes > len(names) else ""
        heading = f"UMAP of hidden states: near rows are similar{rest}"
        # In inches from the top left corner.
        width, height = figure.get_size_inches()
        at = {"x": _MARGIN / width, "y": 1 - _MARGIN / height, "ha": "left", "va": "top"}
        figure.suptitle(heading, **at, fontsize=11, fontweight="bold")
        limits = _limits(points)
        for axes in (everywhere, *of_classes):
            axes.set(xticks=[], yticks=[], xlim=limits[0], ylim=limits[1])
            axes.spines[:].set_visible(True)
            axes.spines[:].set_color("#aaaaaa")
        return picture_bytes(figure, format)


def _diameter(rows: int) -> float:
    """Diameter of a point in typographic points: smaller the more rows there are."""
    return min(max(math.sqrt(3000 / max(rows, 1)), 0.8), 3.5)


def _grid(figure: Figure, n: int) -> list[Axes]:
    """Square panels, and the size of the figure for them."""
    # By hand: the constrained layout of the library takes a minute for this many panels.
    fewest, most = (math.ceil(math.sqrt(shape * n)) for shape in _SHAPES)
    # As many columns as leave the fewest panels of the last row empty.
    columns = min(range(min(fewest, _COLUMNS), min(most, _COLUMNS, n) + 1), key=lambda columns: -n % columns)
    lines = math.ceil(n / columns)
    side = _SIDE if n > 1 else 2 * _SIDE
    width = columns * (side + _MARGIN) + _MARGIN
    height = lines * (side + _TITLE) + _MARGIN + _HEADING
    figure.set_size_inches(width, height)
    grid = figure.subplots(
        *(lines, columns),
        squeeze=False,
        gridspec_kw={
            **{"left": _MARGIN / width, "right": 1 - _MARGIN / width, "wspace": _MARGIN / side},
            **{"bottom": _MARGIN / height, "top": 1 - (_TITLE + _HEADING) / height, "hspace": _TITLE / side},
        },
    ).ravel()
    for unused in grid[n:]:
        unused.remove()
    return list(grid[:n])


def _colors(n: int) -> list[str]:
    """This many colors that are distinguishable with color blindness."""
    from matplotlib import colormaps, colors

    if n <= len(COLORS):
        return list(COLORS[:n])
    # Dark to light, which color blindness leaves; the light end would vanish on white.
    return [colors.to_hex(colormaps["viridis"](0.92 * i / (n - 1))) for i in range(n)]


def _limits(points: NDArray[np.float32]) -> list[tuple[float, float]]:
    low, high = points.min(axis=0), points.max(axis=0)
    # The constant keeps the limits apart where all points are equal: matplotlib warns of equal limits.
    margin = 0.03 * (high - low) + 1e-6
    return [(float(low[i] - margin[i]), float(high[i] + margin[i])) for i in (0, 1)]
