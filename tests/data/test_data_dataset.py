"""Data sets: splits, columns, labels, and what is said of them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from types import SimpleNamespace

import polars as pl
import pytest

from tokkit.data.dataset import sort_labels, split_named
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, UsageError
from tokkit.sources import paths

TABLE = "text,label\na,x\nb,y\n"


def _load(path, heard=None, **options):
    return read_dataset(path, DatasetOptions(**options), *([heard] if heard else []))


def _labels(path, **options):
    dataset = _load(path, **options)
    return dataset.labels(next(iter(dataset.splits))).to_list()


# Splits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("nsmc_valid.tsv", "validation"),
        ("emotion.dev.txt", "validation"),
        ("TEST.CSV.gz", "test"),
        ("val-00000-of-00002.parquet", "validation"),
        ("training.csv", "train"),
        ("reviews.csv", None),
        ("latest.csv", None),
        ("trainer.csv", None),
    ],
)
def test_dataset_split_named(name, split):
    assert split_named(name) == split


def test_dataset_a_folder_gives_its_splits_and_says_what_it_leaves_out(write, tmp_path, heard):
    for name in ("d/train.csv", "d/dev.csv", "d/test.csv", "d/README.md", "d/other.csv", "d/tokkit.json"):
        write(name, TABLE)
    dataset = _load(tmp_path / "d", heard)
    assert list(dataset.splits) == ["train", "validation", "test"]
    assert f"{tmp_path / 'd'}: skipped: README.md, other.csv" in heard
    assert "guessed" in heard


def test_dataset_shards_of_a_split_are_read_in_order(write, tmp_path):
    for i in (1, 0):
        write(f"d/train-0000{i}.csv", f"text,label\nt{i},x\n")
    write("d/test.csv", TABLE)
    assert _load(tmp_path / "d").texts("train").to_list() == ["t0", "t1"]


@pytest.mark.parametrize(("name", "split"), [("a.csv", "train"), ("dev.csv", "validation")])
def test_dataset_a_file_is_train_unless_its_name_says_otherwise(write, name, split):
    assert list(_load(write(name, TABLE)).splits) == [split]


def test_dataset_a_glob_without_split_names_is_train(write, tmp_path):
    for i in range(3):
        write(f"part-{i}.csv", TABLE)
    dataset = _load(tmp_path / "part-*.csv")
    assert {name: split.frame.height for name, split in dataset.splits.items()} == {"train": 6}


def test_dataset_a_folder_without_split_names_is_refused(write, tmp_path):
    for i in range(2):
        write(f"d/part-{i}.csv", TABLE)
    with pytest.raises(InputError, match="no file in it is named train, validation or test") as caught:
        _load(tmp_path / "d")
    assert caught.value.hint


def test_dataset_two_formats_of_one_split_are_refused(write, tmp_path):
    write("d/train.csv", TABLE)
    write("d/train.jsonl", '{"text": "a", "label": "x"}\n')
    with pytest.raises(InputError, match=r"train\.jsonl: jsonl next to train\.csv") as caught:
        _load(tmp_path / "d")
    assert caught.value.hint.endswith("/*.jsonl'")


def test_dataset_files_of_a_split_have_the_same_columns(write, tmp_path):
    write("d/train-0.csv", TABLE)
    write("d/train-1.csv", "text,mood\na,x\n")
    with pytest.raises(
        InputError, match=r"train-1\.csv: columns text, mood where train-0\.csv has text, label"
    ):
        _load(tmp_path / "d")


def test_dataset_splits_have_the_same_columns(write, tmp_path):
    write("d/train.csv", TABLE)
    write("d/test.csv", "text,mood\na,x\n")
    with pytest.raises(InputError, match=r'test\.csv: no column "label"; it has: text, mood'):
        _load(tmp_path / "d")


def test_dataset_json_of_splits(write):
    rows = {
        "train": [{"text": "a", "label": 1}],
        "dev": [{"text": "b", "label": 0}, {"text": "c", "label": 1}],
    }
    dataset = _load(write("a.json", json.dumps(rows)))
    assert {name: split.frame.height for name, split in dataset.splits.items()} == {
        "train": 1,
        "validation": 2,
    }


def test_dataset_standard_input_is_train(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(TABLE.encode())))
    dataset = _load("-")
    paths.remove_spooled()
    assert dataset.labels("train").to_list() == ["x", "y"]


def test_dataset_a_split_that_is_not_there_is_named(write):
    with pytest.raises(InputError, match="no test split; it has: train"):
        _load(write("a.csv", TABLE)).split("test")


@pytest.mark.parametrize("name", ["a.csv", "reviews", "owner/name", "x" * 5000])
def test_dataset_what_is_not_there_is_never_looked_for_on_the_network(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("socket.socket.connect", lambda *a: pytest.fail("the network was asked"))
    with pytest.raises(InputError, match="no such file or folder"):
        _load(name)


# Columns and labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 1, 10], ["0", "1", "10"]),
        ([1.0, None, 2.0], ["1", None, "2"]),
        ([1.0, float("nan"), 0.0], ["1", None, "0"]),
        ([0.5, 1.0, 2.0], ["0.5", "1.0", "2.0"]),
        ([True, False, None], ["true", "false", None]),
        (["joy", "", None], ["joy", None, None]),
        (["1.0", "1", "NA"], ["1.0", "1", "NA"]),
    ],
)
@pytest.mark.parametrize("ending", ["parquet", "arrow", "jsonl"])
def test_dataset_labels_are_names_whatever_their_type(write, values, labels, ending):
    path = write(f"a.{ending}", b"")
    frame = pl.DataFrame({"text": ["a", "b", "c"], "label": values})
    if ending == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dicts()))
    else:
        frame.write_parquet(path) if ending == "parquet" else frame.write_ipc(path)
    assert _labels(path) == labels


def test_dataset_labels_of_two_files_of_different_types_are_joined(write, tmp_path):
    write("d/train-0.jsonl", '{"text": "a", "label": 0}\n')
    write("d/train-1.jsonl", '{"text": "b", "label": "joy"}\n')
    assert _load(tmp_path / "d").labels("train").to_list() == ["0", "joy"]


def test_dataset_categorical_labels(write):
    path = write("a.parquet", b"")
    pl.DataFrame({"text": ["a", "b"], "label": pl.Series(["x", "y"], dtype=pl.Categorical)}).write_parquet(
        path
    )
    assert _labels(path) == ["x", "y"]


def test_dataset_label_names_are_given_and_unused_ones_said(write, heard):
    path = write("a.csv", "text,label\na,0\nb,1\n")
    dataset = _load(path, heard, label_names="0=joy, 1=anger,2=fear")
    assert dataset.labels("train").to_list() == ["joy", "anger"]
    assert "no row carries 2" in heard
    with pytest.raises(UsageError, match="write OLD=NEW"):
        _load(path, label_names="joy,anger")


def test_dataset_original_rows_keep_their_types(write):
    path = write("a.jsonl", '{"text": "a", "label": 1, "n": 1.5}\n{"text": "b", "label": 0, "n": null}\n')
    split = _load(path).split("train")
    assert split.original["label"].to_list() == [1, 0]
    assert split.frame["label"].to_list() == ["1", "0"]


def test_dataset_complete_counts_what_it_leaves_out(write):
    rows = _load(write("a.csv", "text,label\na,x\n,y\nb,\n,\n   ,x\n")).complete("train")
    assert (rows.texts, rows.labels, rows.positions) == (["a", "   "], ["x", "x"], [0, 4])
    assert rows.left_out == {"no text": 2, "no label": 1}


def test_dataset_without_labels_is_loaded_and_refused_where_they_are_needed(write):
    dataset = _load(write("a.txt", "one\ntwo\n"))
    assert dataset.complete("train").labels == []
    with pytest.raises(InputError, match="no column of labels found; it has: text") as caught:
        dataset.require_labels()
    assert "--names text,label" in caught.value.hint


def test_dataset_an_unknown_column_is_named(write):
    with pytest.raises(InputError, match=r'a\.csv: no column "mood"; it has: text, label'):
        _load(write("a.csv", TABLE), label_column="mood")
    with pytest.raises(InputError, match=r'"txet" \(did you mean "text"\?\)') as caught:
        _load(write("a.csv", TABLE), label_column="txet")
    assert caught.value.hint == "name one of them:\n--label-column text"


def test_dataset_a_wrong_separator_names_the_flag(write):
    with pytest.raises(InputError, match="a wrong separator") as caught:
        _load(write("a.csv", "satz;art\na;x\nb;y\n"), sep=",")
    assert caught.value.hint == "name the separator:\n--sep ';'"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "-1", "9"], ["-1", "9", "10"]),
        (["b", "a", "가", "B"], ["B", "a", "b", "가"]),
        (["1", "a", "02"], ["02", "1", "a"]),
        ([], []),
    ],
)
def test_dataset_sort_labels(labels, expected):
    assert sort_labels(labels) == expected


def test_dataset_loading_a_table_imports_nothing_heavy(write):
    path = write("a.csv", TABLE)
    heavy = "torch", "transformers", "datasets", "imblearn", "sklearn", "matplotlib", "click", "rich"
    code = (
        "import sys; from tokkit.data.loading.load import read_dataset; "
        f"read_dataset({str(path)!r}); print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("unit", "texts"),
    [
        ("line", ["one", "two", "three"]),
        ("paragraph", ["one", "two\nthree"]),
        ("file", ["one\n\ntwo\nthree"]),
    ],
)
def test_units_of_plain_text(write, unit, texts):
    path = write("a.txt", "one\n\ntwo\nthree\n\n")
    dataset = read_dataset(path, DatasetOptions(unit=unit))
    assert dataset.texts("train").drop_nulls().to_list() == texts
