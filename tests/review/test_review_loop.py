"""The whole loop with real models: folds, audit, decisions, folds again, and the gain; rows to label."""

from __future__ import annotations

import json
import random

import polars as pl
import pytest

import tokkit
from tests.model.conftest import sentences, write_csv
from tokkit.data.loading.load import read_dataset
from tokkit.data.row_hash import row_labels

SETTINGS = {"size": "tiny", "lr": 2e-3, "batch_size": 16, "threads": 1, "baseline": "none"}
FEELINGS = ("anger", "joy", "sadness")

pytestmark = pytest.mark.long


def decided(path, decision):
    """The review file with a decision for every row: record -> what to add to it."""
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines = [json.dumps({**record, **decision(record)}, ensure_ascii=False) + "\n" for record in records]
    path.write_text("".join(lines), "utf-8")
    return records


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """240 rows of which 24 have a wrong label, the true labels, a tokenizer and folds."""
    home = tmp_path_factory.mktemp("loop")
    true = sentences(240, 1)
    rng = random.Random(0)
    wrong = set(rng.sample(range(240), 24))
    rows = [
        (text, rng.choice([other for other in FEELINGS if other != label]) if i in wrong else label)
        for i, (text, label) in enumerate(true)
    ]
    write_csv(home / "train.csv", rows)
    write_csv(home / "test.csv", sentences(120, 3))
    tokkit.train_wordpiece(home / "test.csv", home / "wp", vocab_size=300, recipe="korean")
    tokkit.finetune(home / "train.csv", home / "wp", out=home / "folds", folds=3, epochs=10, **SETTINGS)
    return home, true, wrong


def test_the_loop_repairs_labels_and_tells_the_gain(home, tmp_path):
    folder, true, wrong = home
    review = tmp_path / "review.jsonl"
    vectors = tmp_path / "vectors.parquet"
    tokkit.features(folder / "folds" / "fold-1", folder / "train.csv", vectors, threads=1)
    alone = tokkit.audit(folder / "train.csv", folder / "folds", rows=240)
    linear = tokkit.audit(folder / "train.csv", features=vectors, rows=240)
    result = tokkit.audit(folder / "train.csv", folder / "folds", review, features=vectors, rows=60)
    assert "neighbors" in " ".join(result.suspects[0]["reasons"])
    for of_run in (alone, linear, result):
        hits = [suspect["row"] in wrong for suspect in of_run.suspects]
        # A tenth of the rows is wrong.
        assert sum(hits[:24]) > 8, of_run
    decided(
        review,
        lambda record: (
            {"decision": "keep"}
            if record["label"] == true[record["row"]][1]
            else {"decision": "relabel", "new_label": true[record["row"]][1]}
        ),
    )
    tokkit.clean(folder / "train.csv", tmp_path / "mended.csv", apply=review)
    settings = {**SETTINGS, "folds": 3, "epochs": 10}
    tokkit.finetune(tmp_path / "mended.csv", folder / "wp", out=tmp_path / "folds-2", **settings)
    runs = folder / "folds", tmp_path / "folds-2"
    compared = tokkit.compare_runs(*runs, on=folder / "test.csv", threads=1).as_dict()
    for name, run in zip(("old", "new"), runs, strict=True):
        evaluated = tokkit.evaluate(run, folder / "test.csv", threads=1).as_dict()["models"][str(run)]
        for score in ("macro_f1", "accuracy", "loss"):
            assert compared[name][score] == pytest.approx(evaluated[score], abs=1e-5)
    low, high = compared["difference"]["low"], compared["difference"]["high"]
    assert low <= compared["difference"]["value"] <= high
    recorded = tokkit.compare_runs(*runs)
    decisions = [json.loads(line)["decision"] for line in review.read_text("utf-8").splitlines()]
    assert recorded.relabeled == decisions.count("relabel")
    assert tokkit.compare_runs(runs[0] / "fold-1", runs[0], on=folder / "test.csv", threads=1).rows == 120


def test_rows_to_label_are_picked_filled_in_and_trained_on(home, tmp_path):
    folder, _, _ = home
    texts = dict(sentences(90, 7))
    pool = tmp_path / "pool.txt"
    pool.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    out = tmp_path / "to-label.jsonl"
    result = tokkit.suggest_rows(pool, folder / "folds", out, budget=8, candidates=4, threads=1)
    assert (len(result.rows), result.unlabeled) == (8, len(texts))
    again = tokkit.suggest_rows(pool, folder / "folds", budget=8, candidates=4, threads=1)
    assert again.rows == result.rows
    scores = [row["score"] for row in result.rows]
    assert scores == sorted(scores, reverse=True)
    assert result.rows[0]["reason"].startswith("margin 0.")
    records = decided(out, lambda record: {"decision": "relabel", "new_label": texts[record["text"]]})
    assert records[0]["label"] is None
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text((folder / "train.csv").read_text("utf-8"), "utf-8")
    tokkit.clean(pool, tmp_path / "data" / "train-2.csv", apply=out)
    joined = read_dataset(tmp_path / "data")
    assert joined.split("train").frame.height == 248
    # The files of a split are read in the order of their names.
    assert row_labels(joined, "train")[:8] == [texts[text] for text in joined.texts("train")[:8]]


def test_tags_are_audited_by_the_fold_that_held_the_row_out(tmp_path):
    tagged = [
        ([f"Kim{i}", "is", "in", "Seoul"], ["B-PER", "O", "O", "B-LOC"])
        if i % 2
        else (["she", "is", f"glad{i}", "today"], ["O"] * 4)
        for i in range(80)
    ]
    true = [tags for _, tags in tagged]
    wrong = {9: ["B-PER", "O", "O", "O"], 30: ["O", "B-PER", "O", "O"], 51: ["O", "O", "O", "B-LOC"]}
    rows = [{"tokens": tokens, "tags": wrong.get(i, tags)} for i, (tokens, tags) in enumerate(tagged)]
    data = tmp_path / "tags.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("".join(" ".join(tokens) + "\n" for tokens, _ in tagged), "utf-8")
    tokkit.train_wordpiece(corpus, tmp_path / "wp", vocab_size=120)
    settings = {**SETTINGS, "lr": 3e-3, "folds": 2, "epochs": 30}
    tokkit.finetune(data, tmp_path / "wp", out=tmp_path / "folds", **settings)
    review = tmp_path / "review.jsonl"
    result = tokkit.audit(data, tmp_path / "folds", review, threads=1)
    assert {suspect["row"] for suspect in result.suspects[:3]} == set(wrong)
    for suspect in result.suspects[:3]:
        assert suspect["suggested"] == true[suspect["row"]]
    accepted = decided(review, lambda record: {"decision": "relabel", "new_label": record["suggested"]})
    assert len(accepted) == len(result.suspects)
    tokkit.clean(data, tmp_path / "mended.jsonl", apply=review, rules="none", duplicates="none")
    assert pl.read_ndjson(tmp_path / "mended.jsonl")["tags"].to_list()[9] == true[9]
    tokkit.finetune(tmp_path / "mended.jsonl", tmp_path / "wp", out=tmp_path / "folds-2", **settings)
    compared = tokkit.compare_runs(tmp_path / "folds", tmp_path / "folds-2")
    assert compared.difference["metric"] == "span_f1"
    pool = tmp_path / "pool.jsonl"
    pool.write_text("".join(json.dumps({"tokens": ["Lee", "is", word]}) + "\n" for word in "abcde"), "utf-8")
    suggested = tokkit.suggest_rows(pool, tmp_path / "folds", budget=2, candidates=2, threads=1)
    assert [len(row["suggested"]) for row in suggested.rows] == [3, 3]


def test_of_several_labels_added_and_missing_ones_are_found(home, tmp_path):
    folder, _, _ = home
    rng = random.Random(5)
    rows = []
    for text, label in sentences(240, 9):
        labels = [label] + (["sea"] if "sea" in text else [])
        rows.append({"text": text, "labels": labels})
    true = [list(row["labels"]) for row in rows]
    wrong = rng.sample([i for i, labels in enumerate(true) if "sea" in labels], 6)
    for i in wrong:
        rows[i]["labels"].remove("sea")
    data = tmp_path / "several.jsonl"
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    tokkit.finetune(data, folder / "wp", out=tmp_path / "folds", folds=2, epochs=20, **SETTINGS)
    review = tmp_path / "review.jsonl"
    result = tokkit.audit(data, tmp_path / "folds", review, threads=1)
    listed = [suspect["row"] for suspect in result.suspects]
    assert len(set(listed[:12]) & set(wrong)) >= 4
    found = next(suspect for suspect in result.suspects if suspect["row"] in wrong)
    assert sorted(found["suggested"]) == sorted(true[found["row"]])
