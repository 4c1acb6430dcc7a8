"""Folders of the `datasets` library, and the way back to it."""

from __future__ import annotations

import pytest

from tokkit.data.hf_datasets import as_datasets
from tokkit.data.loading.load import load_dataset, read_dataset
from tokkit.data.loading.read import is_saved
from tokkit.data.splitting.split import split
from tokkit.errors import InputError

datasets = pytest.importorskip("datasets")

ROWS = {"text": ["한국어 a", "b\u2028", None, "d"], "label": [1, 0, 1, -1], "n": [1, 2, 3, 4]}


@pytest.fixture
def saved(tmp_path):
    """The rows as one ``Dataset``, its labels a ``ClassLabel``."""
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["sad", "joy"]),
            "n": datasets.Value("int64"),
        }
    )
    return datasets.Dataset.from_dict(ROWS, features=features)


def test_saved_one_dataset_is_train_and_its_classes_are_names(saved, tmp_path):
    saved.save_to_disk(tmp_path / "d")
    assert is_saved(tmp_path / "d")
    dataset = read_dataset(tmp_path / "d")
    assert dataset.texts("train").to_list() == ROWS["text"]
    assert dataset.labels("train").to_list() == ["joy", "sad", "joy", None]
    assert (dataset.text_column, dataset.label_column) == ("text", "label")


def test_saved_a_dictionary_gives_its_splits(saved, tmp_path, heard):
    parts = {"train": saved, "validation": saved.select([2, 0]), "unsupervised": saved}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "d")
    dataset = read_dataset(tmp_path / "d", progress=heard)
    assert list(dataset.splits) == ["train", "validation"]
    assert dataset.splits["validation"].frame["n"].to_list() == [3, 1]
    assert "skipped: unsupervised" in heard


def test_saved_several_shards_and_a_split_of_its_own_name(saved, tmp_path):
    dataset = datasets.Dataset.from_dict(saved.to_dict(), features=saved.features, split="test")
    dataset.save_to_disk(tmp_path / "d", num_shards=2)
    loaded = read_dataset(tmp_path / "d")
    assert list(loaded.splits) == ["test"]
    assert loaded.splits["test"].frame["n"].to_list() == [1, 2, 3, 4]


def test_saved_a_damaged_folder_is_named(saved, tmp_path):
    saved.save_to_disk(tmp_path / "d")
    for file in (tmp_path / "d").glob("*.arrow"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match="a folder of the datasets library, but it cannot be read") as caught:
        read_dataset(tmp_path / "d")
    assert caught.value.hint


def test_saved_a_folder_is_split_into_files_that_load(tmp_path):
    rows = {"text": [f"t{i}" for i in range(40)], "label": [i % 2 for i in range(40)]}
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["a", "b"])}
    )
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "d")
    assert split(tmp_path / "d", tmp_path / "out").splits == {"train": 32, "validation": 4, "test": 4}
    assert set(read_dataset(tmp_path / "out").labels("test")) == {"a", "b"}


def test_saved_class_names_within_parquet_that_datasets_wrote(saved, tmp_path):
    saved.to_parquet(tmp_path / "a.parquet")
    assert read_dataset(tmp_path / "a.parquet").labels("train").to_list() == ["joy", "sad", "joy", None]


def test_saved_to_datasets_has_the_same_rows(tmp_path):
    for name, labels in {"train": ["10", "9", ""], "test": ["9", "11", "9"]}.items():
        rows = "".join(f"{name} {i},{label},{i}\n" for i, label in enumerate(labels))
        (tmp_path / f"{name}.csv").write_text("text,label,n\n" + rows)
    converted = as_datasets(read_dataset(tmp_path))
    assert list(converted) == ["train", "test"]
    label = converted["train"].features["label"]
    assert label.names == converted["test"].features["label"].names == ["9", "10", "11"]
    assert converted["train"]["label"] == [1, 0, None]
    assert converted["test"].to_list()[1] == {"text": "test 1", "label": 2, "n": "1"}


def test_saved_no_bar_is_drawn_and_those_of_the_user_stay_as_they_were(write, tmp_path, capsys):
    path = write("a.csv", "text,label\n" + "".join(f"text {row},{row % 2}\n" for row in range(20)))
    datasets.enable_progress_bars()
    load_dataset(path)
    split(path, tmp_path / "out", output_format="datasets")
    assert capsys.readouterr() == ("", "")
    assert not datasets.are_progress_bars_disabled()


def test_saved_there_and_back(saved, tmp_path):
    saved.save_to_disk(tmp_path / "one")
    first = read_dataset(tmp_path / "one")
    as_datasets(first).save_to_disk(tmp_path / "two")
    again = read_dataset(tmp_path / "two")
    assert again.splits["train"].frame.equals(first.splits["train"].frame)


def test_saved_rows_that_were_chosen_are_read_without_a_trace(saved, tmp_path):
    saved.select([3, 0]).save_to_disk(tmp_path / "d")
    before = sorted(tmp_path.rglob("*"))
    assert read_dataset(tmp_path / "d").splits["train"].frame["n"].to_list() == [4, 1]
    assert sorted(tmp_path.rglob("*")) == before
