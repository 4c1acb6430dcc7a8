"""Reports of evaluations on terminals and pages: any class names, very many classes, nothing cut off."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.views.test_views_html import Read
from tokkit.model.metrics.calibration import reliability
from tokkit.model.metrics.classification import classifier_scores
from tokkit.views import html, reliability_plot
from tokkit.views.histogram import Histogram
from tokkit.views.reports import evaluation as reports
from tokkit.views.tables import Shaded, Table, as_tsv
from tokkit.views.terminal import as_text

NAMES = {
    "Korean": ["기쁨", "슬픔"],
    "markup": ["<script>alert(1)</script>", "[red]b[/red]", '"&', "a\tb\x1b[1m"],
    "hundred": [f"class {i}" for i in range(100)],
}


def reported(labels, rows=60, **more):
    rng = np.random.default_rng(1)
    targets = rng.integers(0, len(labels), rows)
    logits = rng.normal(size=(rows, len(labels))).astype(np.float32)
    scores = classifier_scores(logits, targets, labels)
    bins = reliability(rng.random(rows), rng.random(rows) < 0.5)
    row = {"id": 0, "text": "long " * 400, "label": labels[0], "predicted": labels[-1], "loss": 1.5}
    return {
        "kind": "model",
        **scores,
        "calibration": {**scores["calibration"], "bins": bins},
        "intervals": {"accuracy": [0.1, 0.2], "loss": [1.0, 2.0]},
        "lengths": [{"from": 1, "to": 8, "rows": rows, "loss": 1.0, "accuracy": 0.5, "macro_f1": 0.25}],
        "worst": [row],
        **more,
    }


def several(labels):
    models = {"a": reported(labels), "b": reported(labels, validation={"macro_f1": 0.5})}
    difference = {"accuracy": [-0.1, 0.1], "macro_f1": [-0.2, 0.1]}
    tested = {"test": "mcnemar", "p_value": 1e-9, "p_adjusted": 2e-9}
    compared = {"model": "a", "best": "b", "intervals": difference, **tested}
    return {"models": models, "best": "b", "best_by": "macro_f1", "comparisons": [compared], "split": "test"}


@pytest.mark.parametrize("labels", NAMES.values(), ids=NAMES)
class TestEveryEvaluation:
    def test_is_rendered_and_printed(self, labels):
        for width in (40, 100):
            text = as_text(reports.evaluation(reported(labels)), width, color=False)
            assert max(map(len, text.splitlines())) <= width
        printed = as_tsv(reports.evaluation(reported(labels)))
        assert printed.count("# ") >= 5
        assert "\n1 to 8\t60\t1.0\t0.5\t0.25\n" in printed
        assert "\x1b" not in printed

    def test_is_a_whole_page(self, labels):
        for result in (reported(labels), several(labels)):
            page = Read(html.page("t", reports.page_parts(result)))
            assert page.open == []
            assert page.tags.count("script") == 1
            assert {"b", "img", "red"}.isdisjoint(page.tags)
            heads = reports.headlines({"where": "test.csv", **result})
            assert Read(html.page("t", [], heads)).open == []


def test_evaluation_cuts_long_texts_and_says_so():
    text = as_tsv(reports.evaluation(reported(["a", "b"])))
    assert " long…" in text
    assert len(max(text.splitlines(), key=len)) < 250


def test_a_page_summarizes_the_models_of_folds_once():
    result, labels = several(["a", "b"]), ["a", "b"]
    folds = {f"cv/fold-{n}": {**reported(labels), "kind": "fold", "accuracy": n / 10} for n in (1, 2, 3)}
    result["models"] = {**folds, "cv": {**reported(labels), "kind": "ensemble"}}
    parts = {part.title: part for part in reports.page_parts(result)}
    rows = {row[0]: row[1:] for row in parts["cv: scores of its 3 models"].rows}
    assert rows["accuracy"] == pytest.approx((0.2, 0.081650, 0.1, 0.3), abs=1e-6)
    assert sum(title.startswith("Classes") for title in parts) == 1
    assert [title for title in parts if title.startswith("cv/fold")] == []


def test_evaluation_leads_with_scores_next_to_their_baselines():
    heads = {line.name: line for line in reports.headlines({**reported(["a", "b"]), "where": "test.csv"})}
    assert (heads["rows"].value, heads["rows"].detail) == ("60", "test.csv")
    assert heads["accuracy"].detail.startswith("95 % CI 0.1000 to 0.2000; majority class 0.")
    (only,) = reports.headlines({**reported(["a"]), "predicts_only": "a", "where": ""})[-1:]
    assert (only.name, only.severity) == ('predicts only "a"', "warning")


def test_evaluation_names_selection_on_the_test_set_for_what_it_is():
    result = several(["a", "b"])
    assert "which is selection on the test set: b" in reports.comparison(result)[0].title
    assert "on the validation rows: b" in reports.comparison({**result, "split": "validation"})[0].title
    assert "< 0.0001" in as_tsv(reports.comparison(result))


def test_evaluation_leaves_a_wide_matrix_to_the_page():
    titles = [table.title for table in reports.evaluation(reported(NAMES["hundred"]))]
    assert not any(title.startswith("Confusion") for title in titles)
    (listed,) = [t for t in reports.evaluation(reported(NAMES["hundred"])) if t.title.startswith("Most freq")]
    assert [row[2] for row in listed.rows] == sorted((row[2] for row in listed.rows), reverse=True)
    parts = reports.page_parts(reported(NAMES["hundred"]))
    assert any(isinstance(part, Table) and part.title.startswith("Confusion") for part in parts)


def test_evaluation_of_tags_has_one_confusion_and_marks_entities():
    row = {"id": 0, "text": "김민수 in 서울", "label": "B-PER O B-LOC", "predicted": "O O B-LOC", "loss": 1.5}
    row["tokens"] = row["text"].split()
    location = {"type": "LOC", "first": 2, "last": 3}
    row["spans"] = {"label": [{"type": "PER", "first": 0, "last": 1}, location], "predicted": [location]}
    types = {"labels": ["O", "LOC", "PER"], "matrix": [[5, 1, 0], [2, 3, 0], [0, 0, 4]]}
    result = reported(["O", "B-LOC", "B-PER", "I-LOC"], type_confusion=types, worst=[row])
    printed = as_tsv(reports.evaluation(result))
    assert "# Confusion of tokens by entity type (rows: true, columns: predicted)\n\tO\tLOC\tPER\n" in printed
    assert printed.count("# Confusion") == 1
    assert "label\tpredicted\tloss\n[김민수 PER] in [서울 LOC]\t김민수 in [서울 LOC]\t1.5\n" in printed
    page = html.page("t", reports.page_parts(result)).decode()
    assert page.count("<h2>Confusion") == 1
    assert '<mark class="k1">김민수 <b><bdi>PER</bdi></b></mark>' in page


def test_shaded_cells_are_counts_everywhere_and_shaded_on_a_page():
    table = Table("t", ["", "n"], [["a", Shaded(1234, 0.5)]])
    assert as_tsv([table]) == "# t\n\tn\na\t1234\n"
    assert "1,234" in as_text([table], 40, color=False)
    page = html.page("t", [table]).decode()
    assert 'data-value="1234" title="50.0%" style="background:color-mix(in srgb,var(--bar) 28%' in page


def test_reliability_drawings_stand_within_their_frame():
    bins = [{"from": 0.0, "to": 1 / 15, "rows": 3, "confidence": 0.02, "accuracy": 0.0}]
    bins.append({"from": 14 / 15, "to": 1.0, "rows": 9, "confidence": 1.0, "accuracy": 1.0})
    drawing = reliability_plot.reliability_drawing("t", bins)
    assert Read(html.page("t", [drawing])).open == []
    assert "confidence 100.0%, accuracy 100.0%: 9 rows" in drawing.shapes
    sizes = re.findall(r'<rect x="[^"]*" y="([^"]*)" width="[^"]*" height="([^"]*)"', drawing.shapes)
    (empty, none), (top, full) = ((float(y), float(height)) for y, height in sizes)
    assert (none, top) == (0, 0)
    assert empty == full  # both stand on the axis
    for format in ("png", "svg"):
        assert reliability_plot.reliability(bins, 0.1, format) == reliability_plot.reliability(
            bins, 0.1, format
        )


def test_a_narrow_terminal_cuts_no_number_next_to_a_name():
    rows = [("weighted F1", 0.806972, "0.7807 to 0.8692", 0.36367)]
    text = as_text([Table("t", ("", "model", "95 % CI", 'majority class ("기쁨")'), rows)], 40, color=False)
    assert "0.3637" in text


def test_pages_have_the_lengths_of_the_rows_below_the_scores():
    lengths = {"a": {3: 50, 9: 10}, "b": {4: 60}}
    parts = reports.page_parts(reported(["x", "y"]), {"model": lengths["a"]})
    assert [part.lengths for part in parts if isinstance(part, Histogram)] == [lengths["a"]]
    assert isinstance(parts[1], Histogram)
    parts = reports.page_parts(several(["x", "y"]), lengths)
    assert [part.lengths for part in parts if isinstance(part, Histogram)] == [*lengths.values()]


def test_the_first_column_of_several_models_names_them():
    table = reports.comparison(several(["x", "y"]))[0]
    assert [row[:2] for row in table.rows] == [("a", ""), ("b", "*")]
