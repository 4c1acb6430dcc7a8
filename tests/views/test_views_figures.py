"""What a reader sees in a picture: headings, units, names next to marks, no overlap, no outline, no zero."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.views.test_views_plots import counted, of_dataset
from tokkit.views import comparison_plot, confusion_plot, map_plot, plots, reliability_plot

MANY = [f"the intent of card number {i} and the rest" for i in range(77)]
LABELS = {
    "six": ["sadness", "joy", "love", "anger", "fear", "surprise"],
    "scripts": ["기쁨", "غضب شديد", "😀 joy", "e\u0301té", "ein Klassenname, der kein Ende nimmt und nimmt"],
    "one": ["joy"],
}


@pytest.fixture
def figure(monkeypatch):
    """Draw a picture, and give its figure."""
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, stream, **_: figures.append(figure))

    def of(draw, *values, **options):
        draw(*values, "png", **options)
        figures[-1].draw_without_rendering()
        return figures[-1]

    return of


def texts(figure):
    """All of them, each on one line."""
    return [" ".join(text.get_text().split()) for text in figure.findobj(Text) if text.get_visible()]


def overlaps(figure):
    """Pairs of texts on one another, rotated ones aside: their boxes do not say."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    # A figure has ticks beyond its axes, too, which are not drawn.
    beyond = {
        id(tick.label1)
        for panel in figure.axes
        for axis in (panel.xaxis, panel.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    drawn = [
        text
        for text in figure.findobj(Text)
        if text.get_text().strip() and not text.get_rotation() % 90 and id(text) not in beyond
    ]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in drawn if text.get_visible()]
    return [
        (one, other)
        for (one, box), (other, its) in itertools.combinations(boxes, 2)
        # A pixel is anti-aliasing.
        if min(box.x1, its.x1) - max(box.x0, its.x0) > 1 and min(box.y1, its.y1) - max(box.y0, its.y0) > 1
    ]


def matrix(n):
    return [[90 if i == j else (i + j) % 2 for j in range(n)] for i in range(n)]


def history(epochs, measure="macro_f1"):
    return [
        {
            "epoch": float(epoch),
            "train_loss": 1 / epoch,
            "validation_loss": 1.01 / epoch,
            f"validation_{measure}": 1 - 1 / epoch,
            "lr": 0.1,
        }
        for epoch in range(1, epochs + 1)
    ]


def drawn_dataset(figure, labels, splits=("train", "validation", "test"), limits=()):
    lengths = {split: {label: counted(range(2, 60)) for label in labels} for split in splits}
    counts = {split: dict.fromkeys(labels, 58) for split in splits}
    limits = {limit: " (recommended)" if limit == 48 else "" for limit in limits}
    return figure(of_dataset, counts, lengths, "tokens", limits)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
class TestEveryFigure:
    def test_of_a_data_set_has_no_overlap_and_no_outline(self, figure, labels):
        drawn = drawn_dataset(figure, labels, limits=(45, 48, 50, 56))
        assert overlaps(drawn) == []
        bars = [bar for panel in drawn.axes for bar in panel.patches]
        assert {bar.get_linewidth() for bar in bars if bar.get_fill()} <= {0}

    def test_of_a_confusion_matrix_has_no_overlap_and_room_for_cells(self, figure, labels):
        drawn = figure(confusion_plot.confusion_matrix, labels, matrix(len(labels)))
        assert overlaps(drawn) == []
        [axes] = drawn.axes
        assert axes.get_window_extent().width / drawn.dpi > 0.5 * len(labels)

    def test_of_tokenizers_has_no_overlap(self, figure, labels):
        part = {"fertility": 1.5, "intervals": {"fertility": [1.4, 1.7]}}
        one = {**part, "classes": dict.fromkeys(labels, part)}
        names = ["runs/a", "runs/b", "runs/c"]
        result = {"dataset": "reviews.csv", "tokenizers": dict.fromkeys(names, one)}
        lengths = {name: np.arange(1, 400) + i for i, name in enumerate(names)}
        drawn = figure(comparison_plot.comparison, result, lengths)
        assert overlaps(drawn) == []
        # next to its mark, and next to its curve
        assert [text.strip() for text in texts(drawn)].count("a") == 2
        assert not any(panel.get_legend() for panel in drawn.axes)


def test_a_confusion_matrix_has_shares_and_counts_and_leaves_zeros_blank(figure):
    drawn = figure(confusion_plot.confusion_matrix, ["a", "b", "c"], [[3, 1, 0], [0, 0, 0], [1, 0, 9999]])
    assert "Confusion in % of true rows, with counts" in texts(drawn)
    cells = [text for text in texts(drawn) if "% " in text and "Confusion" not in text]
    assert cells == ["75% 3", "25% 1", "<0.1% 1", "100% 9,999"]
    assert {"4", "0", "10,000"} <= set(texts(drawn)), "the rows of each true label"


def test_a_large_confusion_matrix_has_names_that_fit_their_lines(figure):
    drawn = figure(confusion_plot.confusion_matrix, MANY, matrix(77))
    assert not any("%" in text for text in texts(drawn) if "Confusion" not in text)
    assert overlaps(drawn) == []
    assert max(map(len, (text.get_text() for text in drawn.axes[0].get_yticklabels()))) <= 32


def test_the_recommended_length_is_drawn_and_the_clipped_tail_is_said(figure):
    lengths = {"train": {"joy": counted([*range(1, 1000), 50_000])}}
    limits = {400: "", 504: " (recommended)", 800: ""}
    drawn = figure(of_dataset, {"train": {"joy": 1000}}, lengths, "tokens", limits)
    assert "504 (recommended): truncates 49.6%" in texts(drawn)
    assert any("not displayed: the longest 0.1% of rows, up to 50,000" in text for text in texts(drawn))
    assert "a.csv: 1,000 train rows" in texts(drawn)
    histogram = drawn.axes[-1]
    assert [list(line.get_xdata()) for line in histogram.lines] == [[504, 504], [800, 800]], (
        "400 truncates most rows"
    )


def test_the_recommended_length_is_drawn_where_hardly_a_row_is_as_long(figure):
    lengths = {"train": {"joy": counted([5] * 999 + [15])}}
    drawn = figure(of_dataset, {"train": {"joy": 1000}}, lengths, "tokens", {8: " (recommended)", 16: ""})
    assert "8 (recommended): truncates 0.1%" in texts(drawn)
    assert drawn.axes[-1].get_xlim()[1] > 8


def test_lengths_of_many_orders_are_on_a_logarithmic_axis(figure):
    lengths = {"train": {"a": counted([2, 3, 4]), "b": counted([9000, 9900])}}
    drawn = figure(of_dataset, {"train": {"a": 3, "b": 2}}, lengths, "words", {})
    assert drawn.axes[1].get_xscale() == "log"
    assert "words per text (logarithmic)" in texts(drawn)


def test_the_points_of_reliability_have_the_area_of_their_rows(figure):
    bins = [
        {"from": 0.4, "to": 0.5, "rows": 100, "confidence": 0.45, "accuracy": 0.3},
        {"from": 0.9, "to": 1.0, "rows": 400, "confidence": 0.95, "accuracy": 0.9},
    ]
    drawn = figure(reliability_plot.reliability, bins, 0.0712)
    points = drawn.axes[0].collections[-1]
    small, large = points.get_sizes()
    assert large == 4 * small
    assert points.get_offsets().tolist() == [[0.45, 0.3], [0.95, 0.9]]
    assert "Reliability: ECE 0.0712" in texts(drawn)
    assert overlaps(drawn) == []


def test_labels_of_reliability_are_outside_of_points_on_the_edge(figure):
    bins = [
        {"from": start, "to": start + 0.1, "rows": 400, "confidence": start + 0.1, "accuracy": 1.0}
        for start in (0.0, 0.4, 0.9)
    ]
    drawn = figure(reliability_plot.reliability, bins, 0.3)
    [axes] = drawn.axes
    points = axes.collections[-1]
    radius = (points.get_sizes().max() / np.pi) ** 0.5 * drawn.dpi / 72
    renderer = FigureCanvasAgg(drawn).get_renderer()
    for text in (axes.texts[-1], axes._left_title):
        box = text.get_window_extent(renderer)
        for x, y in axes.transData.transform(points.get_offsets()):
            assert box.y0 >= y + radius or box.x0 >= x + radius, text.get_text()


def test_bars_end_below_the_names_of_maximum_lengths(figure):
    counts, lengths = {"train": {"joy": 9}}, {"train": {"joy": counted([21] * 9)}}
    drawn = figure(of_dataset, counts, lengths, "tokens", {24: " (recommended)", 22: ""})
    axes = next(panel for panel in drawn.axes if panel.get_ylabel() == "share of rows")
    renderer = FigureCanvasAgg(drawn).get_renderer()
    lowest = min(text.get_window_extent(renderer).y0 for text in axes.texts)
    assert lowest > axes.transData.transform((0, 1.0))[1]


@pytest.mark.parametrize("measure", ["macro_f1", "span_f1"])
def test_the_best_epoch_is_marked_on_every_panel(figure, measure):
    drawn = figure(plots.curves, [history(4, measure)], best=[3.0], metric="it")
    assert "Training; ring: epoch 3, best by it" in texts(drawn)
    rings = [line for panel in drawn.axes for line in panel.lines if line.get_markersize() == 9]
    assert [list(ring.get_ydata()) for ring in rings] == [[1.01 / 3], [1 - 1 / 3]]
    assert measure.replace("_f1", " F1") in texts(drawn)
    assert overlaps(drawn) == []


def test_the_best_epochs_of_folds_are_marked(figure):
    drawn = figure(plots.curves, [history(4), history(2)], best=[3.0, 2.0], metric="macro F1")
    assert "Training of 2 folds; rings: best epochs by macro F1" in texts(drawn)
    rings = [line for line in drawn.axes[0].lines if line.get_markersize() == 9]
    assert [list(ring.get_xdata()) for ring in rings] == [[3], [2]]


def test_scores_of_folds_that_are_equal_have_labels_apart(figure):
    scores = [{"loss": 1.0}, {"loss": 2.0}]
    drawn = figure(lambda format: plots.fold_scores(scores, {"loss": 1.5}, format))
    assert "mean of the folds 1.5000" in texts(drawn)
    assert overlaps(drawn) == []


def test_a_map_says_which_classes_have_no_panel(figure):
    points = np.random.default_rng(0).normal(size=(154, 2)).astype(np.float32)
    drawn = figure(map_plot.class_map, points, MANY * 2)
    assert "UMAP of hidden states: near rows are similar; the 48 most frequent of 77 classes" in texts(drawn)
