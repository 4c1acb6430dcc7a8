"""The map of rows: the same bytes for the same points, whatever the classes are."""

from __future__ import annotations

from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest

from tokkit.views import map_plot

CLASSES = {
    "none": [None],
    "one": ["joy"],
    "Korean": ["기쁨", "슬픔", "분노"],
    "eleven": [f"class {i}" for i in range(11)],
    "nasty": ["$x^2", "a_b", "\x1b[31m", "a\nb", "_hidden", "<&>", "long " * 40, None],
}


def map_picture(classes, format, rows=400):
    points = np.random.default_rng(0).normal(size=(rows, 2)).astype(np.float32)
    return map_plot.class_map(points, [classes[i % len(classes)] for i in range(rows)], format)


@pytest.mark.parametrize("classes", CLASSES.values(), ids=CLASSES)
def test_the_map_is_a_png_and_the_same_svg_twice(classes, tmp_path):
    (tmp_path / "p.png").write_bytes(map_picture(classes, "png"))
    height, width, _ = matplotlib.image.imread(tmp_path / "p.png").shape
    assert min(height, width) > 300
    svg = map_picture(classes, "svg")
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert svg == map_picture(classes, "svg")


@pytest.mark.parametrize(("classes", "panels"), [(1, 2), (2, 3), (30, 31)])
def test_the_map_has_a_panel_a_class_and_one_for_all(classes, panels):
    svg = map_picture([f"class {i}" for i in range(classes)], "svg").decode()
    assert svg.count('id="axes_') == panels


def test_the_most_frequent_classes_have_the_panels():
    labels = [None, *(f"c{i:02}" for i in range(60) for _ in range(1 + (i == 59)))]
    assert map_plot.panels(labels)[0] == "c59"
    assert map_plot.panels(labels)[1:] == [f"c{i:02}" for i in range(map_plot.MOST_PANELS - 1)]


def test_a_map_of_rows_that_all_lie_on_one_point():
    assert map_plot.class_map(np.zeros((7, 2), np.float32), ["a", "b"] * 3 + [None], "png")
