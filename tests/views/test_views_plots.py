"""Pictures: the same bytes for the same values, whatever the classes are."""

from __future__ import annotations

import subprocess
import sys
import warnings
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest

from tokkit.views import confusion_plot, dataset_plot, plots

LABELS = {
    "no": [],
    "one": ["joy"],
    "Korean": ["기쁨", "슬픔", "분노"],
    "thirty": [f"class {i}" for i in range(30)],
    "nasty": ["$x^2", "a_b", "[b]", "\x1b[31m", "a\nb", "", "_hidden", "<&>"],
}


def counted(lengths):
    """Distinct lengths and the rows of each."""
    return np.unique(np.array(list(lengths), np.int64), return_counts=True)


def whole(lengths):
    """Lengths of all rows of each split, of rows with one label each."""
    return {
        split: counted([n for pair in by_label.values() for n in np.repeat(*pair)])
        for split, by_label in lengths.items()
    }


def of_dataset(counts, lengths, unit, limits, format):
    """The picture of a data set whose rows have one label each."""
    return dataset_plot.dataset("a.csv", counts, lengths, whole(lengths), unit, limits, format)


def picture(kind, labels, format):
    if kind == "matrix":
        return confusion_plot.confusion_matrix(
            labels, [[i + j for j in range(len(labels))] for i in range(len(labels))], format
        )
    if kind == "curves":
        rows = [
            {
                "epoch": i,
                **{f"{s}_{w}": 1 / (i + 1) for s in ("train", "validation") for w in ("loss", "accuracy")},
            }
            for i in range(len(labels))
        ]
        return plots.curves([rows], format)
    lengths = {
        split: {label: counted(range(i % 7)) for i, label in enumerate(labels)} for split in ("train", "test")
    }
    counts = {
        split: {label: len(v[0]) for label, v in by_label.items()} for split, by_label in lengths.items()
    }
    return of_dataset(counts, lengths, "words", dict.fromkeys([2, 4, 600], ""), format)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("kind", ["classes", "matrix", "curves"])
class TestEveryPlot:
    def test_is_a_png(self, kind, labels, tmp_path):
        (tmp_path / "p.png").write_bytes(picture(kind, labels, "png"))
        height, width, _ = matplotlib.image.imread(tmp_path / "p.png").shape
        assert height > 300
        assert width > 300

    def test_is_the_same_svg_twice(self, kind, labels):
        labels = labels[:12]
        svg = picture(kind, labels, "svg")
        assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert svg == picture(kind, labels, "svg")
        assert b"<dc:date>" not in svg


def test_plots_give_the_same_png_in_two_processes():
    program = (
        "import hashlib, sys; import numpy as np; from tokkit.views import dataset_plot\n"
        "lengths = {'a': {'x': (np.array([1, 2]), np.array([5, 1]))}}\n"
        "values = ({'a': {'x': 6}}, lengths, {'a': lengths['a']['x']}, 'words', {1: ''})\n"
        "for format in sys.argv[1:]:\n"
        "    picture = dataset_plot.dataset('a.csv', *values, format)\n"
        "    print(hashlib.sha256(picture).hexdigest())"
    )
    command = [sys.executable, "-c", program, *plots.FORMATS]
    runs = [subprocess.check_output(command) for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0].split())) == len(plots.FORMATS)


def test_plots_of_nothing_are_pictures():
    assert of_dataset({}, {}, "words", {}, "png")
    assert of_dataset({"train": {}}, {"train": {}}, "words", {}, "png")
    assert of_dataset({"train": {"": 0}}, {"train": {"": counted([])}}, "words", {8: ""}, "svg")


def test_plots_do_not_warn_of_characters_without_a_font():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture("classes", ["기쁨", "👩‍👩‍👧", "\U0010fffd"], "png")


def test_plots_boxes_and_limits_are_of_all_rows():
    lengths = {"train": {"x": counted([1, 2, 3, 4, 100])}}
    svg = dataset_plot.dataset(
        "a.csv", {"train": {"x": 5}}, lengths, whole(lengths), "tokens", {3: ""}, "svg"
    ).decode()
    assert "3: truncates 40.0%" in svg  # an SVG has the text of outlines in a comment


@pytest.mark.long
def test_plots_of_very_many_classes_stay_within_limits():
    labels = [str(i) for i in range(700)]
    counts = {split: dict.fromkeys(labels, 2) for split in ("train", "test")}
    lengths = {split: {label: counted([1, 2]) for label in labels} for split in counts}
    assert len(confusion_plot.confusion_matrix(labels, [[1] * 700] * 700, "png")) < 5_000_000
    assert len(of_dataset(counts, lengths, "words", {1: ""}, "png")) < 5_000_000
