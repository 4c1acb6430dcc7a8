"""The picture of a comparison, and short names of tokenizers."""

from __future__ import annotations

from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest

from tokkit.views import comparison_plot
from tokkit.views.names import short_names

LABELS = {
    "none": [],
    "Korean": ["기쁨", "슬픔"],
    "many": [f"class {i}" for i in range(30)],
    "nasty": ["$x^2", "_a", ""],
}


def picture(labels, format, names=("a/8000", "b/8000"), partition="classes"):
    part = {"fertility": 1.5, "intervals": {"fertility": [1.4, 1.7]}}
    wordless = {"fertility": None, "intervals": {}}
    parts = {label: wordless if i == 1 else part for i, label in enumerate(labels)}
    result = {"tokenizers": {name: {**part, "classes": {}, partition: parts} for name in names}}
    lengths = {name: np.arange(2000) % 700 + 2 * i for i, name in enumerate(names)}
    return comparison_plot.comparison(result, lengths, format)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_comparison_plot_is_a_png_and_the_same_svg_twice(labels, tmp_path):
    (tmp_path / "p.png").write_bytes(picture(labels, "png"))
    height, width, _ = matplotlib.image.imread(tmp_path / "p.png").shape
    assert min(height, width) > 300
    svg = picture(labels, "svg", partition="groups")
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert svg == picture(labels, "svg", partition="groups")


def test_comparison_plot_of_many_tokenizers_and_of_no_tokens():
    assert picture([], "svg", names=[f"t{i}" for i in range(12)])
    nothing = {"fertility": None, "intervals": {}, "classes": {}}
    assert comparison_plot.comparison({"tokenizers": {"a": nothing}}, {"a": np.zeros(3, np.int64)}, "png")


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["runs/a/8000", "runs/b/8000", "out/"], ["a/8000", "b/8000", "out"]),
        (["out", "x/out"], ["out", "x/out"]),
        (["/a", "a"], ["/a", "a"]),
        (["bert-base-uncased"], ["bert-base-uncased"]),
        (["/"], ["/"]),
    ],
)
def test_names_are_short_and_never_the_same(names, short):
    assert list(short_names(names).values()) == short
