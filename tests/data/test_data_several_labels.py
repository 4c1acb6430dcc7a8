"""Rows with several labels, and rows of tags, in the commands that look at data, split it and clean it."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import polars as pl
import pytest

import tokkit
from tests.data.test_data_list_columns import jsonl
from tokkit.data.loading.load import read_dataset
from tokkit.data.splitting.label_sets import allocate_label_sets
from tokkit.progress import SILENT

SEVERAL = [
    {"text": "warm rolls", "labels": ["food", "good"]},
    {"text": "cold soup today", "labels": ["food", "bad"]},
    {"text": "cold soup today", "labels": ["bad", "food"]},
    {"text": "nothing to say", "labels": []},
    {"text": "late", "labels": None},
]
TAGS = [
    {"tokens": ["EU", "said", "no"], "tags": ["B-ORG", "O", "O"]},
    {"tokens": ["Bonn", "in", "Bonn"], "tags": ["B-LOC", "O", "B-LOC"]},
]


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_stats_counts_a_row_for_each_of_its_labels(tmp_path):
    result = tokkit.stats(jsonl(tmp_path / "t.jsonl", SEVERAL)).as_dict()
    train = result["splits"]["train"]
    assert result["label_kind"] == "several"
    assert train["classes"] == {"bad": 2, "food": 3, "good": 1}
    assert train["missing"] == {"text": 0, "labels": 1}
    assert train["conflicting_labels"] == 0, "the same labels in another order"
    assert train["by_class"]["food"]["words"]["total"] == 2 + 3 + 3
    assert train["lengths"]["words"]["total"] == 2 + 3 + 3 + 3 + 1
    assert set(train["by_class"]) == {"bad", "food", "good"}


def test_stats_counts_the_rows_that_have_a_tag(tmp_path):
    result = tokkit.stats(jsonl(tmp_path / "t.jsonl", TAGS)).as_dict()
    assert result["label_kind"] == "tags"
    assert result["splits"]["train"]["classes"] == {"B-LOC": 1, "B-ORG": 1, "O": 2}
    (tmp_path / "t.conll").write_text(
        "EU\tB-ORG\nsaid\tO\nno\tO\n\nBonn\tB-LOC\nin\tO\nBonn\tB-LOC\n", "utf-8"
    )
    of_conll = tokkit.stats(tmp_path / "t.conll").as_dict()
    assert of_conll["splits"]["train"]["classes"] == result["splits"]["train"]["classes"]


def test_stats_names_labels_that_a_split_lacks(tmp_path):
    jsonl(tmp_path / "train.jsonl", SEVERAL)
    jsonl(tmp_path / "test.jsonl", [{"text": "x", "labels": ["food", "good"]}])
    result = tokkit.stats(tmp_path).as_dict()
    assert result["across"]["missing_labels"] == {"test": ["bad"]}


def test_clean_drops_copies_and_keeps_lists(tmp_path):
    result = tokkit.clean(jsonl(tmp_path / "t.jsonl", SEVERAL), tmp_path / "out.jsonl")
    assert result.dropped == {"exact duplicate": 1, "missing label": 1}
    assert rows_of(tmp_path / "out.jsonl") == [SEVERAL[0], SEVERAL[1], SEVERAL[3]]


def test_clean_repairs_no_tokens_and_says_so(tmp_path):
    data = jsonl(tmp_path / "t.jsonl", [*TAGS, {"tokens": ["<br>", "a"], "tags": ["O", "O"]}])
    with pytest.raises(tokkit.InputError, match="its texts consist of tokens, which no rule repairs"):
        tokkit.clean(data, tmp_path / "out.jsonl", rules=("default", "tags"))
    tokkit.clean(data, tmp_path / "out.jsonl", rules=("none",))
    assert rows_of(tmp_path / "out.jsonl")[:2] == TAGS


@pytest.mark.parametrize("layout", ["lists", "multi-hot", "cats", "columns", "joined"])
def test_split_spreads_each_label_however_they_are_written(tmp_path, layout):
    rng = np.random.default_rng(3)
    names = ["common", "half", "rare", "seldom"]
    shares = [0.9, 0.5, 0.08, 0.03]
    sets = [
        [name for name, share in zip(names, shares, strict=True) if rng.random() < share] for _ in range(400)
    ]
    data = tmp_path / ("t.csv" if layout in ("columns", "joined") else "t.jsonl")
    on = [{name: int(name in labels) for name in names} for labels in sets]
    if layout == "columns":
        lines = [
            f"text,{','.join(names)}",
            *(f"text {i},{','.join(map(str, o.values()))}" for i, o in enumerate(on)),
        ]
        data.write_text("\n".join(lines) + "\n", "utf-8")
    elif layout == "joined":
        lines = ["text,label", *(f"text {i},{';'.join(labels) or ';'}" for i, labels in enumerate(sets))]
        data.write_text("\n".join(lines) + "\n", "utf-8")
    else:
        written = {"lists": sets, "multi-hot": [list(o.values()) for o in on], "cats": on}[layout]
        column = "cats" if layout == "cats" else "labels"
        jsonl(data, [{"text": f"text {i}", column: labels} for i, labels in enumerate(written)])
    options = {
        "columns": {"label_column": ",".join(names)},
        "joined": {"label_sep": ";", "sep": ","},
        "multi-hot": {"label_names": ",".join(f"{i}={name}" for i, name in enumerate(names))},
    }.get(layout, {})
    result = tokkit.split(data, tmp_path / "out", validation=0.1, test=0.2, **options)
    assert result.splits == {"train": 280, "validation": 40, "test": 80}
    total = Counter(label for labels in sets for label in labels)
    for name, share in (("train", 0.7), ("validation", 0.1), ("test", 0.2)):
        for label in names:
            assert abs(result.classes[name][label] - share * total[label]) < 1.5, (name, label)
    again = tokkit.stats(tmp_path / "out", **(options if layout != "multi-hot" else {})).as_dict()
    assert again["splits"]["test"]["classes"] == result.classes["test"], "written as it was read"


def test_split_spreads_the_types_of_entities(tmp_path):
    rows = [
        {"tokens": [f"w{i}", "x"], "tags": ["B-ORG" if i % 10 == 0 else "B-LOC" if i % 4 == 0 else "O", "O"]}
        for i in range(200)
    ]
    result = tokkit.split(jsonl(tmp_path / "t.jsonl", rows), tmp_path / "out", validation=0.1, test=0.1)
    assert [result.classes[name]["B-ORG"] for name in ("train", "validation", "test")] == [16, 2, 2]
    assert [result.classes[name]["B-LOC"] for name in ("train", "validation", "test")] == [32, 4, 4]
    assert rows_of(tmp_path / "out" / "test.jsonl")[0].keys() == {"tokens", "tags"}


def test_split_knows_the_types_of_entities_in_each_spelling(tmp_path):
    texts = []
    for spelled in ("{0}-{1}", "{1}_{0}"):
        tags = [
            [spelled.format("BIES"[i % 4], f"T{i % 7}"), "O" if "-" in spelled else "0"] for i in range(100)
        ]
        rows = [{"tokens": [f"w{i}", "x"], "tags": pair} for i, pair in enumerate(tags)]
        tokkit.split(jsonl(tmp_path / f"{len(texts)}.jsonl", rows), out := tmp_path / f"out-{len(texts)}")
        texts.append([row["tokens"] for row in rows_of(next(out.glob("test.*")))])
    assert texts[0] == texts[1]


def test_folds_of_several_labels_are_even(tmp_path):
    rows = [
        {"text": f"text {i}", "labels": [f"l{i % 3}", *(["rare"] if i % 20 == 0 else [])]} for i in range(100)
    ]
    result = tokkit.split(jsonl(tmp_path / "t.jsonl", rows), tmp_path / "out", folds=5)
    for number in range(1, 6):
        classes = result.classes[f"fold-{number}/validation"]
        assert result.splits[f"fold-{number}/validation"] == 20
        assert classes["rare"] == 1
        assert all(6 <= classes[f"l{i}"] <= 8 for i in range(3))


@pytest.mark.parametrize("seed", range(5))
def test_label_sets_meet_sizes_and_keep_groups(seed):
    rng = np.random.default_rng(seed)
    sets = [sorted(set(rng.integers(0, 6, rng.integers(0, 4)).tolist())) for _ in range(300)]
    rows = np.arange(300)
    groups = np.where(rows % 7 == 0, rows // 21 * 21, rows)  # some sets of three rows
    part = allocate_label_sets(
        groups, sets, [200, 60, 40], np.random.default_rng(seed), SILENT, complete_part=0
    )
    assert np.bincount(part).tolist() == [200, 60, 40]
    assert all(len(set(part[groups == group])) == 1 for group in groups)
    for label in range(6):
        of_label = np.array([label in labels for labels in sets])
        share = np.bincount(part[of_label], minlength=3) / of_label.sum()
        assert np.abs(share - [2 / 3, 0.2, 2 / 15]).max() < 0.06


def test_a_label_too_rare_for_every_split_is_learned():
    sets = [[0], [0, 1], *([[0]] * 18)]
    part = allocate_label_sets(
        np.arange(20), sets, [10, 5, 5], np.random.default_rng(0), SILENT, complete_part=0
    )
    assert part[1] == 0


def test_doctor_and_compare_measure_each_label(tmp_path):
    data = jsonl(tmp_path / "t.jsonl", SEVERAL)
    tokkit.train_wordpiece(data, tmp_path / "out", vocab_size=100, text_column="text")
    measured = tokkit.doctor(tmp_path / "out", data=data).measured
    assert {name: figures["texts"] for name, figures in measured["by_class"].items()} == {
        "bad": 2,
        "food": 3,
        "good": 1,
    }
    compared = tokkit.compare(tmp_path / "out", data).as_dict()
    [of_tokenizer] = compared["tokenizers"].values()
    assert set(of_tokenizer["classes"]) == {"bad", "food", "good"}


@pytest.mark.parametrize("layout", ["spans", "objects"])
def test_spans_are_written_again_as_they_can_be_read(tmp_path, layout):
    spans = [[0, 4, "PER"]] if layout == "spans" else [{"start": 0, "end": 4, "label": "PER"}]
    rows = [{"text": f"Anna has {i}", "label": spans} for i in range(10)]
    tokkit.split(jsonl(tmp_path / "t.jsonl", rows), tmp_path / "out", validation=0.2, test=0)
    written = rows_of(tmp_path / "out" / "train.jsonl")
    assert written[0]["label"] == [{"start": 0, "end": 4, "label": "PER"}]
    again = tokkit.stats(tmp_path / "out").as_dict()
    assert again["splits"]["train"]["classes"] == {"B-PER": 8, "O": 8}


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_values_of_no_one_type_are_written_again_as_they_were(tmp_path, ending):
    notes = [{"by": "a"}, "none", [[0, 4, "PER"]], None, "[sic]"]
    rows = [{"text": f"text {i}", "label": "x", "note": note} for i, note in enumerate(notes)]
    tokkit.clean(jsonl(tmp_path / "t.jsonl", rows), tmp_path / f"out.{ending}")
    written = (tmp_path / f"out.{ending}").read_text("utf-8")
    assert (json.loads(written) if ending == "json" else rows_of(tmp_path / "out.jsonl")) == rows


@pytest.mark.parametrize("ending", ["jsonl", "json"])
@pytest.mark.parametrize("other", ["/", ["x", 1], [["x"]]])
def test_a_split_that_is_of_one_type_is_written_as_it_was(tmp_path, ending, other):
    notes = [{"POS": i % 2, "NEG": [str(i)]} if i else other for i in range(12)]
    rows = [{"text": f"text {i}", "label": "xy"[i % 2], "note": note} for i, note in enumerate(notes)]
    data = tmp_path / f"t.{ending}"
    data.write_text(json.dumps(rows), "utf-8") if ending == "json" else jsonl(data, rows)
    tokkit.split(data, tmp_path / "out", validation=0.3, test=0, label_column="label")
    written = [
        row
        for path in (tmp_path / "out").glob(f"[tv]*n.{ending}")
        for row in (json.loads(path.read_text("utf-8")) if ending == "json" else rows_of(path))
    ]
    assert sorted(written, key=lambda row: int(row["text"].split()[1])) == rows


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Float32, pl.Boolean, pl.String])
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize("shape", [pl.List, pl.Array])
def test_lists_of_one_and_zero_are_labels_in_columnar_files(tmp_path, dtype, ending, shape):
    hot = pl.Series("labels", [[0, 0, 1], [1, 1, 0], [0, 0, 0], None])
    lists = hot.cast(pl.List(pl.Int8)).cast(pl.List(dtype))
    frame = pl.DataFrame({"text": ["a", "b", "c", "d"], "labels": lists})
    if shape is pl.Array:
        frame = frame.with_columns(pl.col("labels").list.to_array(3))
    path = tmp_path / f"t.{ending}"
    frame.write_parquet(path) if ending == "parquet" else frame.write_ipc(path)
    rows = read_dataset(path).complete("train")
    assert (rows.labels, rows.left_out) == (["2", "0|1", "|"], {"no label": 1})
    result = tokkit.split(path, tmp_path / "out", validation=1, test=0, label_names="0=x,1=y,2=z")
    assert set(result.classes["train"]) | set(result.classes["validation"]) == {"x", "y", "z"}
