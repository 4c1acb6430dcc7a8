"""Pictures, as the bytes of a PNG or SVG file; the same values give the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokkit.views.tables import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
_FONTS = (
    *("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "NanumBarunGothic", "Malgun Gothic", "AppleGothic"),
    *("Apple SD Gothic Neo", "UnDotum", "Noto Sans CJK JP", "Droid Sans Fallback", "WenQuanYi Zen Hei"),
)
_TALLEST = 120.0
"""Inches a picture is high at most, whatever the number of classes; 2^16 pixels are the library's limit."""
_BLUE, _ORANGE, _GREY = "#3b6ea8", "#d9822b", "#8a8a8a"


def classes_and_lengths(
    counts: Mapping[str, Mapping[str, int]],
    lengths: Mapping[str, Mapping[str, Iterable[int]]],
    unit: str,
    format: str,
) -> bytes:
    """Bars of the class counts, and boxes of the lengths per class; one colour a split.

    counts    split -> label -> rows; a data set without labels has the label ""
    lengths   split -> label -> lengths of its texts in ``unit``
    """
    from matplotlib.figure import Figure

    labels = list(dict.fromkeys(label for split in counts.values() for label in split))
    names = list(counts)
    height = min(max(3.0, 1.2 + 0.28 * len(labels) * max(len(names), 2)), _TALLEST)
    with _style():
        figure = Figure(figsize=(11, height), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        thickness = 0.8 / max(len(names), 1)
        for i, name in enumerate(names):
            color = (_BLUE, _ORANGE, _GREY)[i % 3]
            places = [y - 0.4 + thickness * (i + 0.5) for y in range(len(labels))]
            values = [list(lengths[name].get(label, ())) for label in labels]
            rows = [counts[name].get(label, 0) for label in labels]
            left.barh(places, rows, height=thickness * 0.9, color=color, label=printable(name))
            for place, count in zip(places, rows, strict=True):
                left.annotate(f" {count:,}", (count, place), va="center", fontsize=8)
            _boxes(right, values, places, thickness, color)
        left.set_yticks(range(len(labels)), [printable(label) or "all rows" for label in labels])
        left.invert_yaxis()
        left.margins(x=0.15)
        left.set_xlabel("rows")
        right.set_xlabel(f"{unit} per text (box: quartiles, whiskers: 5 % and 95 %)")
        right.set_xlim(left=0)
        if len(names) > 1:
            left.legend(loc="best", fontsize=8)
        return _bytes(figure, format)


def _boxes(
    axes: Any, values: Sequence[Sequence[int]], places: Sequence[float], thickness: float, color: str
) -> None:
    filled = [(v, place) for v, place in zip(values, places, strict=True) if len(v)]
    if not filled:
        return
    axes.boxplot(
        [v for v, _ in filled],
        positions=[place for _, place in filled],
        orientation="horizontal",
        widths=thickness * 0.8,
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": color, "alpha": 0.6},
        medianprops={"color": "black"},
        manage_ticks=False,
    )


_WIDEST_MATRIX, _NUMBERED_LABELS = 40.0, 64


def confusion_matrix(labels: Sequence[str], matrix: Sequence[Sequence[int]], format: str) -> bytes:
    """Counts per true (rows) and predicted (columns) label; shaded by the share of the true label's rows.

    With very many labels the shades stand alone.
    """
    from matplotlib.figure import Figure

    shares = [[n / max(sum(row), 1) for n in row] for row in matrix]
    shown = [printable(label) for label in labels]
    side = min(max(4.0, 1.6 + 0.6 * len(labels)), _WIDEST_MATRIX)
    with _style():
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
        return _bytes(figure, format)


def curves(history: Sequence[Mapping[str, Any]], format: str) -> bytes:
    """Loss and accuracy per epoch, in training and on the validation split."""
    from matplotlib.figure import Figure

    epochs = [row["epoch"] for row in history]
    with _style():
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        axes = figure.subplots(1, 2)
        for each, what in zip(axes, ("loss", "accuracy"), strict=True):
            for name, color in (("train", _BLUE), ("validation", _ORANGE)):
                each.plot(epochs, [row[f"{name}_{what}"] for row in history], "o-", color=color, label=name)
            each.set_xlabel("epoch")
            each.set_ylabel(what)
            each.set_xticks(epochs)
            each.grid(alpha=0.3)
        axes[0].legend()
        return _bytes(figure, format)


def undrawable(labels: Sequence[str]) -> list[str]:
    """The labels with characters that no font on this system can draw."""
    covered = [_characters(font) for font in _font_families()]
    return [label for label in labels if any(not any(ord(c) in font for font in covered) for c in label)]


def _style() -> Any:
    from matplotlib import rc_context

    return rc_context(
        {
            "font.family": _font_families(),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.unicode_minus": False,
            "svg.hashsalt": "tokkit",
            "text.parse_math": False,
        }
    )


def _font_families() -> list[str]:
    """DejaVu Sans and, where the system has one, a font with Korean, Chinese and Japanese characters."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *[name for name in _FONTS if name in installed][:1]]


def _characters(family: str) -> set[int]:
    from matplotlib import font_manager, ft2font

    return set(ft2font.FT2Font(font_manager.findfont(family)).get_charmap())


def _bytes(figure: Figure, format: str) -> bytes:
    stream = io.BytesIO()
    empty = {"Software": None} if format == "png" else {"Date": None, "Creator": None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # whoever draws asks `undrawable`
        figure.savefig(stream, format=format, dpi=150, metadata=empty)
    return stream.getvalue()
