"""`explore`: the columns of the page are what `stats`, the tokenizer and the predictions say; bad input."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import tokkit
from tests.model.conftest import sentences, write_csv
from tokkit.cli.main import run
from tokkit.data.dataset import ONE, SEVERAL, TAGS
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.row_hash import row_hash
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.model.features.nearest_rows import nearest_rows
from tokkit.review.explorer import predictions
from tokkit.review.explorer.page_columns import ExploredRows
from tokkit.review.explorer.predictions import RowPredictions
from tokkit.views.explorer.columns import as_small

HARD = [
    ("</script><script>alert(1)</script>", "joy"),
    ("<!-- <img src=x onerror=alert(1)> &amp; ${7*7}", "joy"),
    ("오늘은 정말 기쁘다 😀👨‍👩‍👧", "joy"),
    ("أنا سعيد جدا اليوم 123", "joy"),
    ("İstanbul straße ﬁne e\u0301", "sadness"),
    ("e\u0301" * 3 + " \u2028 \u202e abc", "anger"),
    ("", "joy"),
    ("no label here", ""),
]
COPIES = [("The same text!", "joy"), ("the SAME text", "joy"), ("The same text!", "sadness")]


def write_rows(path: Path, rows) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "label"])
        writer.writerows([f"{path.stem}-{i}", text, label] for i, (text, label) in enumerate(rows))
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two splits with every difficulty, and a tokenizer."""
    here = tmp_path_factory.mktemp("explore")
    (here / "data").mkdir()
    write_rows(here / "data" / "train.csv", [*HARD, *sentences(60, 1), *COPIES])
    write_rows(here / "data" / "test.csv", [*sentences(20, 2), HARD[2], COPIES[0]])
    tokkit.train_wordpiece(here / "data" / "test.csv", here / "wp", vocab_size=150, recipe="korean")
    return here


@pytest.fixture(scope="module")
def page(data):
    tokkit.explore(data / "data", data / "page.html", tokenizer=data / "wp", max_length=12)
    return data / "page.html"


def opened(path, name="columns"):
    """The summary and the columns of a page, as a browser opens them."""
    text = re.search(rf'id="data-{name}">([^<]*)</script>', path.read_text("utf-8"))[1]
    content = gzip.decompress(base64.b64decode(text))
    size = int.from_bytes(content[:4], "little")
    header = json.loads(content[4 : 4 + size])
    columns = {
        column: np.frombuffer(content, f"<{kind}", length, 4 + size + offset)
        for column, (kind, offset, length) in header["columns"].items()
    }
    return header["summary"], columns


def strings(columns, name):
    text = columns[name].tobytes().decode("utf-8").encode("utf-16-le")
    ends = np.cumsum(columns[f"{name}.units"]) * 2
    return [text[start:end].decode("utf-16-le") for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def with_flag(summary, columns, name):
    return columns["flags"] >> summary["flags"].index(name) & 1 == 1


def read(data, split):
    return pl.read_csv(data / "data" / f"{split}.csv").with_columns(pl.col("text", "label").fill_null(""))


def test_the_page_has_every_row_as_it_was_read(data, page):
    summary, columns = opened(page)
    rows = pl.concat([read(data, "train"), read(data, "test")])
    assert strings(columns, "text") == rows["text"].to_list()
    assert strings(columns, "id") == rows["id"].to_list()
    labels = [summary["labels"][code - 1] if code else "" for code in columns["label"]]
    assert labels == rows["label"].to_list()
    assert columns["row"].tolist() == [*range(71), *range(22)]
    hashes = [
        row_hash(text or None, label or None) for text, label in rows.select("text", "label").iter_rows()
    ]
    assert columns["hash"].tobytes().hex() == "".join(hashes)


def test_findings_are_those_of_stats(data, page):
    summary, columns = opened(page)
    stats = tokkit.stats(data / "data", tokenizer=data / "wp")
    for number, (name, split) in enumerate(stats.splits.items()):
        own = columns["split"] == number
        for sense in ("exact", "normalized"):
            assert (with_flag(summary, columns, sense) & own).sum() == split["duplicates"][sense], (
                name,
                sense,
            )
        for unit, column in (("tokens", "length"), ("characters", "characters"), ("words", "words")):
            assert columns[column][own].sum() == split["lengths"][unit]["total"]
        unknown = columns["unknown"][own].sum() / columns["length"][own].sum()
        assert unknown == pytest.approx(split["lengths"]["tokens"]["unknown_rate"], abs=1e-6)
    test = columns["split"] == 1
    assert (with_flag(summary, columns, "leak") & test).sum() == stats.across["leaks"]["train/test"] == 2
    texts = np.array(strings(columns, "text"))
    conflicting = texts[with_flag(summary, columns, "conflict")]
    assert len(set(conflicting)) == stats.across["conflicting_labels"] == 1
    assert len(conflicting) == 3
    assert (with_flag(summary, columns, "truncated") == (columns["length"] > 12)).all()
    assert with_flag(summary, columns, "no-text").sum() == with_flag(summary, columns, "no-label").sum() == 1


def test_tokens_are_those_of_the_tokenizer(data, page):
    _, columns = opened(page)
    summary, tokens = opened(page, "tokens")
    texts = strings(columns, "text")
    backend = tokkit.tokenizer.folder.load.load(data / "wp").backend
    start = 0
    for text, stored in zip(texts, tokens["stored"].tolist(), strict=True):
        here = slice(start, start + stored)
        start += stored
        encoding = backend.encode(text) if text else None
        written = [summary["vocabulary"][i] for i in tokens["tokens"][here]]
        assert [token for _, token in written] == (encoding.tokens if encoding else [])
        position, places = 0, []
        for gap, width, special in zip(
            tokens["gaps"][here].tolist(),
            tokens["widths"][here].tolist(),
            tokens["special"][here],
            strict=True,
        ):
            places.append((0, 0) if special else (position + gap, position + gap + width))
            position = position if special else position + gap + width
        assert places == (encoding.offsets if encoding else [])
    long = columns["length"] > 12
    assert set(tokens["cut"][long].tolist()) == {10}, "of 12 tokens two are special"


def test_data_in_the_page_is_no_markup(page):
    text = page.read_text("utf-8")
    assert text.count("</script") == 3
    assert "alert(1)" not in text
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!#)", text)
    for name in ("crossfilter2 1.5.4 (Apache-2.0)", "d3-array 3.2.4 (ISC)", "d3-quadtree 3.0.1 (ISC)"):
        assert name in text


def test_the_same_command_writes_the_same_bytes(data, page, tmp_path):
    again = tmp_path / "page.html"
    tokkit.explore(data / "data", again, tokenizer=data / "wp", max_length=12)
    assert again.read_bytes() == page.read_bytes()


def test_more_rows_than_a_page_takes_are_sampled_and_said(data, tmp_path, heard):
    out = tmp_path / "page.html"
    result = tokkit.explore(data / "data", out, rows=30, progress=heard)
    assert (result.rows, result.total_rows) == (30, 93)
    assert "random sample of 30 of 93 rows (all of them: --rows 93)" in heard
    summary, columns = opened(out)
    assert summary["total"] == 93
    assert len(columns["row"]) == 30
    assert (np.diff(columns["split"].astype(int) * 1000 + columns["row"]) > 0).all()


@pytest.mark.parametrize(
    ("tags", "types", "entities"),
    [
        (
            [["O", "O", "B-ORG", "I-ORG"], ["B-LOC", "O", "O", "B-LOC"]],
            ["LOC", "ORG"],
            [[[0, 0, 1], [0, 3, 4]], [[1, 2, 4]]],
        ),
        ([["DET", "NOUN", "VERB", "DET"], ["NOUN", "VERB", "DET", "DET"]], None, None),
    ],
    ids=["entities", "parts of speech"],
)
def test_tags_are_displayed_as_the_entities_they_mark(tmp_path, tags, types, entities):
    lines = [json.dumps({"tokens": ["in", "the", "European", "Union"], "tags": of_row}) for of_row in tags]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    tokkit.explore(tmp_path / "rows.jsonl", tmp_path / "page.html")
    summary, _ = opened(tmp_path / "page.html")
    assert (summary.get("entity_types"), summary.get("entities")) == (types, entities)


@pytest.mark.parametrize(
    ("kind", "label", "predicted", "differs"),
    [
        (ONE, "joy", "joy", False),
        (SEVERAL, "joy|love", "love|joy", False),
        (SEVERAL, "joy|love", "joy", True),
        (TAGS, "O B-PER O O", "O B-PER O B-PER", True),
    ],
)
def test_a_prediction_is_another_one_where_any_part_of_it_is(kind, label, predicted, differs):
    rows, dataset = pl.DataFrame({"label": [label]}), SimpleNamespace(label_kind=kind)
    explored = ExploredRows(dataset, DatasetOptions(), rows, 1, None, None, None, ())
    made = RowPredictions([predicted], np.ones(1), np.ones(1), "model")
    assert explored._differs(made).tolist() == [differs]


def test_rows_without_ids_or_labels_are_enough(tmp_path, heard):
    (tmp_path / "texts.txt").write_text("".join(f"a line, number {i}\n" for i in range(9)), "utf-8")
    result = tokkit.explore(tmp_path / "texts.txt", tmp_path / "page.html", progress=heard)
    assert result.as_dict() == {
        "output": str(tmp_path / "page.html"),
        "rows": 9,
        "total_rows": 9,
        "findings": dict.fromkeys(["exact", "normalized", "leak", "conflict", "no-text"], 0),
        "files": [{"path": str(tmp_path / "page.html"), "size": (tmp_path / "page.html").stat().st_size}],
    }
    assert "no column of ids: rows are named by file and row number (--id-column)" in heard
    assert opened(tmp_path / "page.html")[0]["labeled"] is False


@pytest.mark.parametrize("near", [False, True])
def test_copies_are_counted_in_the_widest_sense(near, tmp_path):
    words = " ".join(f"word{number}" for number in range(40))
    texts = ["The same text!", "the SAME text", words, f"{words} more", "alone"]
    tokkit.explore(pl.DataFrame({"text": texts, "label": ["1"] * 5}), tmp_path / "page.html", near=near)
    _, columns = opened(tmp_path / "page.html")
    assert columns["copies"].tolist() == ([2, 2, 2, 2, 1] if near else [2, 2, 1, 1, 1])
    assert columns["group"].tolist() == ([0, 0, 2, 2, 4] if near else [0, 0, 2, 3, 4])


def test_pairs_are_displayed_and_cut_as_pairs(data, tmp_path):
    rows = pl.DataFrame({"text": ["a b c d e f", "오늘"], "pair": ["x y", "어제 학교"], "label": ["1", "0"]})
    out = tmp_path / "page.html"
    tokkit.explore(rows, out, tokenizer=data / "wp", pair_column="pair", max_length=8)
    summary, columns = opened(out)
    assert summary["pairs"]
    assert strings(columns, "text") == ["a b c d e f\nx y", "오늘\n어제 학교"]
    assert columns["first"].tolist() == [11, 2]
    _, tokens = opened(out, "tokens")
    backend = tokkit.tokenizer.folder.load.load(data / "wp").backend
    backend.enable_truncation(8)
    kept = [backend.encode(*pair).sequence_ids for pair in rows.select("text", "pair").iter_rows()]
    assert tokens["cut"].tolist() == [sequences.count(0) for sequences in kept]
    assert tokens["cut_pair"].tolist() == [sequences.count(1) for sequences in kept]
    assert columns["hash"].tobytes().hex()[:16] == row_hash(["a b c d e f", "x y"], "1")


def test_rows_of_a_review_file_are_in_the_page_unless_they_changed(data, tmp_path, heard):
    train = read(data, "train")
    lines = [
        {"split": "train", "row": row, "hash": row_hash(train["text"][row], label), "suggested": "anger",
         "score": 0.5 + row / 100, "reasons": ["why"]}
        for row, label in ((2, "joy"), (4, "changed"), (8, train["label"][8]))
    ]  # fmt: skip
    review = tmp_path / "review.jsonl"
    review.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    tokkit.explore(data / "data", tmp_path / "page.html", audit=review, progress=heard)
    summary, columns = opened(tmp_path / "page.html")
    assert columns["suspect.row"].tolist() == [2, 8]
    assert [summary["labels"][code - 1] for code in columns["suspect.suggested"]] == ["anger", "anger"]
    assert columns["suspect.score"].tolist() == pytest.approx([0.52, 0.58])
    assert strings(columns, "suspect.reasons") == ["why", "why"]
    assert "1 row is not in the page: of other data, or changed since" in heard


@pytest.mark.parametrize(
    ("line", "code", "part"),
    [
        ("explore data -o page.txt", 2, "a page is .html"),
        ("explore missing.csv -o new.html", 3, "missing.csv"),
        ("explore data -o new.html --audit missing.jsonl", 3, "missing.jsonl"),
        ("explore data -o new.html --audit data/train.csv", 3, "train.csv:1: is no JSON object"),
        ("explore data -o new.html --features data/train.csv", 3, "train.csv: cannot be read"),
        ("explore data -o new.html --tokenizer data", 3, "not a tokenizer folder"),
        ("explore data -o data/page.html", 4, "is in the input folder"),
        ("explore data -o there.html", 4, "there.html"),
        ("explore data -o new.html --rows 0", 2, "--rows"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(line, code, part, data, monkeypatch, capsys):
    monkeypatch.chdir(data)
    Path("there.html").write_text("mine", "utf-8")
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert run(line.split()) == code
    errors = capsys.readouterr().err.splitlines()
    assert [error for error in errors if error.startswith("error: ") and part in error], errors
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_nearest_rows_are_those_of_highest_cosine():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(40, 8)).astype(np.float32)
    vectors[7] = 3 * vectors[3]
    found = nearest_rows(vectors, 5)
    nearest, similarity = found.rows, found.similarity
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -2)
    assert nearest[3][0] == 7
    assert similarity[3][0] == pytest.approx(1)
    assert (nearest == np.argsort(-cosine, axis=1, kind="stable")[:, :5]).mean() > 0.99
    assert sorted(nearest_rows(vectors[:3], 5).rows[0].tolist()) == [1, 2]
    assert nearest_rows(vectors[:1], 5).rows.shape == (1, 0)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 255], "u1"), ([0, 256], "u2"), ([70_000], "u4"), ([-1, 127], "i1"), ([-200, 1], "i2"), ([], "u1")],
)
def test_columns_have_the_smallest_type_that_holds_them(values, kind):
    array = as_small(np.array(values, np.int64))
    assert array.dtype.str[1:] == kind
    assert array.tolist() == values


@pytest.mark.parametrize(
    ("shares", "confidence"),
    [([[80.0, 20.0], [45.0, 55.0]], [0.8, 0.55]), ([[80.0, 70.0], [45.0, 1.0]], [0.7, 0.55])],
    ids=["one label", "several labels"],
)
def test_the_confidence_is_that_of_the_least_sure_decision(tmp_path, shares, confidence):
    first, second = zip(*shares, strict=True)
    recorded = pl.DataFrame(
        {"text": ["x", "y"], "label": ["a", "b"], "predicted": ["a", "b"], "loss": [0.1, 0.2]}
    ).with_columns(pl.Series("% a", first), pl.Series("% b", second))
    recorded.write_parquet(tmp_path / "predictions.parquet")
    table = predictions._out_of_fold_table(tmp_path / "predictions.parquet")
    assert table["confidence"].to_list() == pytest.approx(confidence)


@pytest.mark.long
def test_predictions_of_folds_are_the_out_of_fold_ones(dataset, tokenizer, tmp_path, heard):
    folds = tmp_path / "folds"
    tokkit.finetune(dataset / "train.csv", tokenizer, out=folds, folds=2, size="tiny", epochs=1, threads=1)
    tokkit.explore(dataset, tmp_path / "page.html", model=folds, progress=heard)
    summary, columns = opened(tmp_path / "page.html")
    known = pl.read_parquet(folds / "predictions.parquet")
    train = columns["split"] == 0
    predicted = [summary["labels"][code - 1] for code in columns["predicted"][train]]
    assert predicted == known["predicted"].to_list()
    assert columns["loss"][train].tolist() == pytest.approx(known["loss"].to_list(), abs=1e-4)
    assert "120 rows are of no fold, and predicted by the mean of all folds" in heard
    mean = tokkit.evaluate(folds, dataset, split="test").evaluations[str(folds)].table
    test = columns["split"] == 2
    assert columns["loss"][test].tolist() == pytest.approx(mean["loss"].to_list(), abs=1e-3)
    assert summary["predictions"].endswith("(out-of-fold)")


@pytest.mark.long
def test_predictions_and_map_of_a_model(dataset, model, tmp_path):
    tokkit.features(model, dataset, tmp_path / "features.parquet")
    tokkit.explore(dataset, tmp_path / "page.html", model=model, features=tmp_path / "features.parquet")
    summary, columns = opened(tmp_path / "page.html")
    test = columns["split"] == 2
    metrics = tokkit.evaluate(model, dataset).evaluations[str(model)]
    assert columns["loss"][test].tolist() == pytest.approx(metrics.table["loss"].to_list(), abs=1e-3)
    names = [summary["labels"][code - 1] for code in columns["predicted"][test]]
    assert names == metrics.table["predicted"].to_list()
    differs = with_flag(summary, columns, "differs")[test]
    assert 1 - differs.mean() == pytest.approx(metrics.metrics["accuracy"], abs=1e-6)
    assert sorted(columns["map.row"].tolist()) == list(range(360))
    again = tmp_path / "again.html"
    tokkit.explore(dataset, again, model=model, features=tmp_path / "features.parquet")
    assert again.read_bytes() == (tmp_path / "page.html").read_bytes()


@pytest.mark.long
def test_a_label_that_the_model_does_not_know_is_named(model, tmp_path):
    rows = write_csv(tmp_path / "rows.csv", [("a text", "joy"), ("another one", "boredom")] * 3)
    with pytest.raises(InputError, match='unknown label "boredom"'):
        tokkit.explore(rows, tmp_path / "page.html", model=model)
    assert not (tmp_path / "page.html").exists()


def test_an_output_of_another_is_not_replaced(data, tmp_path):
    out = tmp_path / "page.html"
    out.write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="exists"):
        tokkit.explore(data / "data", out)
    with pytest.raises(UsageError, match=r"a page is \.html"):
        tokkit.explore(data / "data", tmp_path / "page.pdf")
