"""A picture of tokenizers on the same rows: tokens per word, and how long the rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.views.fonts import drawable
from tokkit.views.names import short_names
from tokkit.views.plots import COLORS, GREY, ON_WHITE, SMALL, TALLEST, new_figure, picture_bytes, style

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MARKERS = "osD^vPX*"
_LIMITS = (128, 256, 512)
_MOST_POINTS = 400


def parts_of(result: Mapping[str, Any]) -> list[str]:
    """The labels of the groups, or else of the classes, next to all rows."""
    first = next(iter(result["tokenizers"].values()))
    return list(first[_partition(first)])


def comparison(result: Mapping[str, Any], lengths: Mapping[str, NDArray[np.int64]], format: str) -> bytes:
    """Tokens per word with 95 % intervals, over all rows and of each part; and the share of rows longer than
    any number of tokens, which is what that maximum length would cut.

    result    what `compare` gives as a dict
    lengths   tokenizer -> (rows,) tokens of each row, special ones included
    """
    names = list(result["tokenizers"])
    short = short_names(names)
    labels = parts_of(result)
    # 0.22 inches per mark: with less, the names on the vertical axis overlap.
    height = min(max(3.4, 1.6 + 0.22 * (len(labels) + 1) * max(len(names), 2)), TALLEST)
    displayed = drawable([short[name] for name in names])
    heading = f"Tokens per word, and lengths of rows{_on(result)}"
    with style():
        figure = new_figure(9, height, heading)
        left, right = figure.subplots(1, 2)
        for number, name in enumerate(names):
            look = {"color": COLORS[number % len(COLORS)]}
            # The marks of one label share 0.7 of its line: those of two tokenizers are at -0.175 and +0.175.
            offset = 0.7 * ((number + 0.5) / len(names) - 0.5)
            marker = _MARKERS[number % len(_MARKERS)]
            _fertility(left, result["tokenizers"][name], labels, offset, marker, displayed[number], look)
            _survival(right, lengths[name], look)
        _name_curves(right, list(lengths.values()), displayed)
        left.set_yticks(range(len(labels) + 1), ["all rows", *drawable(labels)])
        # Large to small, so that the first line is at the top.
        left.set_ylim(len(labels) + 0.5, -0.5)
        left.axhline(0.5, color="#cccccc", linewidth=0.8)
        left.set_xlabel("tokens per word (line: 95 % CI)")
        left.grid(axis="x", alpha=0.3)
        longest = max((int(rows.max(initial=0)) for rows in lengths.values()), default=0)
        # A limit far beyond the longest row would compress the curves into the left part.
        for limit in (limit for limit in _LIMITS if limit < 2 * longest):
            right.axvline(limit, color="#aaaaaa", linewidth=0.8, linestyle="--")
            right.annotate(f" {limit}", (limit, 1.0), fontsize=SMALL, color=GREY)
        right.set_xscale("log", base=2)
        # A logarithmic axis labels its ticks as powers by default: 2^7 for 128.
        right.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        right.set_ylim(0, 1.02)
        right.set_xlabel("tokens, special ones included (logarithmic)")
        right.set_ylabel("share of rows that are longer")
        return picture_bytes(figure, format)


def _on(result: Mapping[str, Any]) -> str:
    return f" of {drawable([Path(result['dataset']).name])[0]}" if "dataset" in result else ""


def _partition(measured: Mapping[str, Any]) -> str:
    return "groups" if measured.get("groups") else "classes"


def _fertility(
    axes: Any,
    measured: Mapping[str, Any],
    labels: Sequence[str],
    offset: float,
    marker: str,
    name: str,
    look: Any,
) -> None:
    parts = measured[_partition(measured)]
    for line, part in enumerate([measured, *(parts[label] for label in labels)]):
        value, bounds = part["fertility"], part["intervals"].get("fertility")
        if value is None:
            continue
        low, high = bounds or (value, value)
        axes.plot([low, high], [line + offset] * 2, color=look["color"], linewidth=1.2)
        axes.plot([value], [line + offset], marker, color=look["color"], markersize=5)
        if not line:
            axes.annotate(f"  {name}", (high, offset), va="center", fontsize=SMALL, **look)


def _survival(axes: Any, lengths: NDArray[np.int64], look: Any) -> None:
    """Share of rows longer than n, for the lengths that occur (of very many, evenly spread ones)."""
    import numpy as np

    at, rows = np.unique(lengths, return_counts=True)
    longer = 1 - np.cumsum(rows) / max(len(lengths), 1)
    points = np.unique(np.linspace(0, len(at) - 1, min(len(at), _MOST_POINTS)).round().astype(int))
    # A row without tokens has length 0, which has no place on a logarithmic axis.
    axes.step(np.maximum(at[points], 1), longer[points], where="post", **look)


def _name_curves(axes: Any, lengths: Sequence[NDArray[np.int64]], names: Sequence[str]) -> None:
    """Write the names of the curves right of all of them, each at a height of its own."""
    import numpy as np

    if not all(map(len, lengths)):
        return
    for number, name in enumerate(names):
        height = 1 - (number + 0.5) / len(names)
        # Where a curve falls to this height: as many rows are longer.
        at = [max(float(np.quantile(of_one, 1 - height, method="higher")), 1) for of_one in lengths]
        axes.annotate(
            name,
            (at[number], height),
            xytext=(1.2 * max(at), height),
            va="center",
            fontsize=SMALL,
            color=COLORS[number % len(COLORS)],
            bbox=ON_WHITE,
            arrowprops={"arrowstyle": "-", "color": COLORS[number % len(COLORS)], "linewidth": 0.8},
        )
