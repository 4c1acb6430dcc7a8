"""Names of classes that `datasets` keeps as numbers: the same rows from each kind of file it writes."""

from __future__ import annotations

import datetime

import datasets
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather

import tokkit
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError
from tokkit.sources.formats import class_labels

FEATURES = datasets.Features(
    {
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["bad", "good"]),
        "labels": datasets.List(datasets.ClassLabel(names=["price", "noise", "clean"])),
        "nested": datasets.List(datasets.List(datasets.ClassLabel(names=["x", "y"]))),
        "meta": {"kind": datasets.ClassLabel(names=["a", "b"]), "n": datasets.Value("int32")},
        "spans": datasets.List(
            {"start": datasets.Value("int32"), "type": datasets.ClassLabel(names=["PER"])}
        ),
        "hot": datasets.List(datasets.Value("int64"), length=2),
        "day": datasets.Value("date32"),
        "share": datasets.Value("float32"),
    }
)
ROWS = [
    {
        **{"text": "warm", "label": 1, "labels": [0, 2], "nested": [[0, 1], []], "meta": {"kind": 0, "n": 1}},
        **{"spans": [{"start": 0, "type": 0}], "hot": [0, 1], "day": datetime.date(2020, 1, 1), "share": 0.5},
    },
    {
        **{"text": "cold", "label": -1, "labels": [], "nested": [], "meta": {"kind": 1, "n": None}},
        **{"spans": [], "hot": [1, 1], "day": None, "share": None},
    },
    {
        **{"text": None, "label": None, "labels": None, "nested": None, "meta": None},
        **{"spans": None, "hot": [0, 0], "day": None, "share": 1.5},
    },
]
NAMED = {
    "label": ["good", None, None],
    "labels": [["price", "clean"], [], None],
    "nested": [[["x", "y"], []], [], None],
    "meta": [{"kind": "a", "n": 1}, {"kind": "b", "n": None}, None],
    "spans": [[{"start": 0, "type": "PER"}], [], None],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    dataset = datasets.Dataset.from_list(ROWS, features=FEATURES)
    table = dataset.data.table.combine_chunks()
    datasets.disable_progress_bars()
    dataset.to_parquet(str(folder / "a.parquet"))
    dataset.save_to_disk(str(folder / "saved"))
    datasets.enable_progress_bars()
    feather.write_feather(table, str(folder / "a.feather"))
    for name, writer in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
        with writer(str(folder / f"{name}.arrow"), table.schema) as sink:
            sink.write_table(table)
    return folder


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "file.arrow", "stream.arrow", "saved"])
def test_rows_are_equal_in_every_way(folder, name):
    options = DatasetOptions(label_column="label")
    rows = read_dataset(folder / name, options).splits["train"].original
    of_parquet = read_dataset(folder / "a.parquet", options).splits["train"].original
    assert rows.schema == of_parquet.schema
    assert rows.equals(of_parquet)
    assert {column: rows[column].to_list() for column in NAMED} == NAMED


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "saved"])
def test_lists_of_classes_are_several_labels_with_names(folder, name):
    dataset = read_dataset(folder / name, DatasetOptions(label_column="labels"))
    assert dataset.label_kind == "several"
    assert dataset.complete("train").labels == ["clean|price", "|"]


def test_fixed_lists_are_one_and_zero_for_each_label(folder):
    options = DatasetOptions(label_column="hot", label_names="0=first,1=second")
    rows = read_dataset(folder / "a.parquet", options).complete("train")
    assert rows.labels == ["second", "first|second"]


@pytest.mark.parametrize(
    "feature",
    [
        {"feature": {"names": ["O", "B"], "_type": "ClassLabel"}, "_type": "Sequence"},
        {"feature": {"names": ["O", "B"], "_type": "ClassLabel"}, "length": -1, "_type": "Sequence"},
        [{"names": ["O", "B"], "_type": "ClassLabel"}],
    ],
)
def test_lists_as_older_versions_wrote_them(feature):
    frame, names = class_labels.with_names(pl.DataFrame({"tags": [[0, 1], [-1]]}), {"tags": feature}, "a")
    assert frame["tags"].to_list() == [["O", "B"], [None]]
    assert names == {"tags": ["O", "B"]}


def test_a_number_without_a_name_is_an_error():
    feature = {"label": {"names": ["a", "b"], "_type": "ClassLabel"}}
    with pytest.raises(InputError, match='a: column "label" holds a number that is none of its classes'):
        class_labels.with_names(pl.DataFrame({"label": [0, 2]}), feature, "a")


def test_load_dataset_has_lists_of_classes(tmp_path):
    data = tmp_path / "t.jsonl"
    data.write_text(
        '{"text": "a", "labels": ["y", "x"]}\n{"text": "b", "labels": []}\n{"text": "c"}\n', "utf-8"
    )
    train = tokkit.load_dataset(data)["train"]
    assert train.features["labels"] == datasets.List(datasets.ClassLabel(names=["x", "y"]))
    assert train["labels"][:] == [[0, 1], [], None]
