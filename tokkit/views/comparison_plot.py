"""A picture of tokenizers on the same rows: tokens per word, and how long the rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokkit.views.fonts import drawable
from tokkit.views.names import short_names
from tokkit.views.plots import TALLEST, new_figure, picture_bytes, style

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Okabe and Ito 2008: distinguishable with color blindness.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#8a8a8a")
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
    legend = drawable([short[name] for name in names])
    with style():
        figure = new_figure(11, height)
        left, right = figure.subplots(1, 2)
        for number, name in enumerate(names):
            look = {"color": _COLORS[number % len(_COLORS)], "label": legend[number]}
            # The marks of one label share 0.7 of its line: those of two tokenizers are at -0.175 and +0.175.
            offset = 0.7 * ((number + 0.5) / len(names) - 0.5)
            _fertility(left, result["tokenizers"][name], labels, offset, _MARKERS[number % 8], look)
            _survival(right, lengths[name], look)
        left.set_yticks(range(len(labels) + 1), ["all rows", *drawable(labels)])
        # Large to small, so that the first line is at the top.
        left.set_ylim(len(labels) + 0.5, -0.5)
        left.axhline(0.5, color="#cccccc", linewidth=0.8)
        left.set_xlabel("tokens per word (95 % interval)")
        left.grid(axis="x", alpha=0.3)
        longest = max((int(rows.max(initial=0)) for rows in lengths.values()), default=0)
        # A limit far beyond the longest row would compress the curves into the left part.
        for limit in (limit for limit in _LIMITS if limit < 2 * longest):
            right.axvline(limit, color="#aaaaaa", linewidth=0.8, linestyle="--")
        right.set_xscale("log", base=2)
        # A logarithmic axis labels its ticks as powers by default: 2^7 for 128.
        right.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        right.set_ylim(0, 1.02)
        right.set_xlabel("tokens, special ones included")
        right.set_ylabel("share of rows that are longer")
        right.legend(loc="best", fontsize=8)
        return picture_bytes(figure, format)


def _partition(measured: Mapping[str, Any]) -> str:
    return "groups" if measured.get("groups") else "classes"


def _fertility(
    axes: Any, measured: Mapping[str, Any], labels: Sequence[str], offset: float, marker: str, look: Any
) -> None:
    parts = measured[_partition(measured)]
    for line, part in enumerate([measured, *(parts[label] for label in labels)]):
        value, bounds = part["fertility"], part["intervals"].get("fertility")
        if value is None:
            continue
        low, high = bounds or (value, value)
        axes.plot([low, high], [line + offset] * 2, color=look["color"], linewidth=1.2)
        axes.plot([value], [line + offset], marker, color=look["color"], markersize=5)


def _survival(axes: Any, lengths: NDArray[np.int64], look: Any) -> None:
    """Share of rows longer than n, for the lengths that occur (of very many, evenly spread ones)."""
    import numpy as np

    at, rows = np.unique(lengths, return_counts=True)
    longer = 1 - np.cumsum(rows) / max(len(lengths), 1)
    points = np.unique(np.linspace(0, len(at) - 1, min(len(at), _MOST_POINTS)).round().astype(int))
    # A row without tokens has length 0, which has no place on a logarithmic axis.
    axes.step(np.maximum(at[points], 1), longer[points], where="post", **look)
