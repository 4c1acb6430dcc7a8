"""What rows are written as: another format, or a folder of the `datasets` library."""

from __future__ import annotations

import json

import polars as pl
import pytest

import tokkit
from tokkit.data import save
from tokkit.data.cleaning.clean import clean
from tokkit.data.loading.load import read_dataset
from tokkit.data.output_options import DATASETS, FORMATS
from tokkit.data.rebalancing.rebalance import rebalance
from tokkit.data.splitting.split import split
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.sources import formats

datasets = pytest.importorskip("datasets")

ROWS = "id,text,label,n\n1,가 NA,10,1\n2,,9,2\n3,b,,\n4,c,9,4\n5,d,10,5\n6,e,10,6\n7,f,9,7\n8,g,9,8\n"


@pytest.fixture
def source(write):
    return write("d/a.csv", ROWS)


def _tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# As `datasets` ----------------------------------------------------------------------------------------


def test_output_datasets_loads_from_disk_and_by_tokkit(source, tmp_path):
    split(source, tmp_path / "out", output_format="datasets", validation=2, test=0)
    loaded = datasets.load_from_disk(str(tmp_path / "out"))
    assert {name: rows.num_rows for name, rows in loaded.items()} == {"train": 6, "validation": 2}
    assert loaded["train"].features["label"].names == ["9", "10"]
    assert loaded["train"].features["text"] == datasets.Value("string")
    ours = read_dataset(tmp_path / "out")
    whole = pl.concat([ours.splits[name].frame for name in loaded]).sort("id")
    assert whole.equals(read_dataset(source).split("train").frame)


def test_output_datasets_is_the_same_each_time(source, tmp_path):
    trees = []
    for _ in range(2):
        split(source, tmp_path / "out", output_format="datasets", force=True)
        trees.append(_tree(tmp_path / "out"))
        trees[-1].pop("tokkit.json")
    assert trees[0] == trees[1]
    assert not [name for name in trees[0] if "cache" in name]


def test_output_datasets_has_a_folder_a_fold(source, tmp_path):
    split(source, tmp_path / "out", output_format="datasets", folds=2, test=2)
    for fold, names in {"fold-1": ["train", "validation"], "fold-2": ["train", "validation"]}.items():
        assert list(datasets.load_from_disk(str(tmp_path / "out" / fold))) == names
    assert list(read_dataset(tmp_path / "out" / "test").splits) == ["test"]


def test_output_datasets_of_clean_has_the_dropped_rows_in_a_sidecar(source, tmp_path):
    clean(source, tmp_path / "out", output_format="datasets")
    loaded = datasets.load_from_disk(str(tmp_path / "out"))
    assert loaded["train"]["text"][:] == ["가 NA", "c", "d", "e", "f", "g"]
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "out/dropped.jsonl").open()]
    assert reasons == ["missing text", "missing label"]


def test_output_datasets_of_rebalance_keeps_the_other_splits(write, tmp_path):
    for name in ("train", "test"):
        write(f"f/{name}.csv", f"text,label\n{name} a,x\n{name} b,x\n{name} c,y\n")
    rebalance(tmp_path / "f", tmp_path / "out", output_format="datasets")
    loaded = datasets.load_from_disk(str(tmp_path / "out"))
    assert {name: rows.num_rows for name, rows in loaded.items()} == {"train": 4, "test": 3}
    assert json.loads((tmp_path / "out/weights.json").read_text()) == {"x": 1.0, "y": 1.0}


def test_output_datasets_keeps_numbers_and_nested_columns(tmp_path):
    rows = {"text": list("abcdefghijkl"), "label": [1, 0] * 6, "tags": [["x"], []] * 6}
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    split(tmp_path / "a.parquet", tmp_path / "out", output_format="datasets", validation=0.5, test=0)
    features = datasets.load_from_disk(str(tmp_path / "out"))["train"].features
    assert features["label"] == datasets.Value("int64")
    assert read_dataset(tmp_path / "out").splits["train"].frame["tags"].dtype == pl.List(pl.String)


# As another format ------------------------------------------------------------------------------------


@pytest.mark.parametrize("output_format", ["tsv", "json", "jsonl", "parquet", "arrow"])
def test_output_another_format_holds_the_same_rows(source, tmp_path, output_format):
    split(source, tmp_path / "out", output_format=output_format, validation=2, test=0)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"train.{output_format}",
        f"validation.{output_format}",
        "tokkit.json",
    }
    ours = read_dataset(tmp_path / "out")
    whole = pl.concat([part.frame for part in ours.splits.values()]).sort("id")
    assert whole.equals(read_dataset(source).split("train").frame)


def test_output_a_file_without_an_ending_has_the_requested_format(source, tmp_path):
    clean(source, tmp_path / "out", output_format="jsonl")
    assert json.loads((tmp_path / "out").read_text("utf-8").splitlines()[0])["text"] == "가 NA"


@pytest.mark.parametrize(
    ("name", "says", "requested"), [("out.csv.gz", "csv", "parquet"), ("out.json", "json", "csv")]
)
def test_output_a_name_that_says_another_format_is_refused(name, says, requested, source, tmp_path):
    message = f"--output-format {requested}: the name {name} says {says}"
    with pytest.raises(UsageError, match=message) as caught:
        clean(source, tmp_path / name, output_format=requested)
    assert caught.value.hint == f"-o {tmp_path}/out.{requested}"
    assert not (tmp_path / name).exists()


# In Python --------------------------------------------------------------------------------------------


def test_load_dataset_is_a_dictionary_of_datasets(source):
    loaded = tokkit.load_dataset(source)
    assert isinstance(loaded, datasets.DatasetDict)
    train = loaded["train"]
    assert train["text"][:] == ["가 NA", None, "b", "c", "d", "e", "f", "g"]
    assert train.features["label"] == datasets.ClassLabel(names=["9", "10"])
    assert train["label"][:] == [1, 0, None, 0, 1, 1, 0, 0]
    assert train.to_polars()["n"].to_list() == ["1", "2", None, *"45678"]
    assert train.to_pandas().shape == (8, 4)


def test_load_dataset_takes_the_options_as_settings(write, tmp_path):
    write("f/train.txt", "a|x\nb|y\n")
    write("f/dev.txt", "c|x\n")
    loaded = tokkit.load_dataset(tmp_path / "f", sep="|", names="text,label", label_names="x=good,y=bad")
    assert {name: rows["label"][:] for name, rows in loaded.items()} == {"train": [1, 0], "validation": [1]}
    with pytest.raises(UsageError, match='load_dataset: no parameter "labelcolumn"'):
        tokkit.load_dataset(tmp_path / "f", labelcolumn="x")
    with pytest.raises(InputError, match="no such file"):
        tokkit.load_dataset(tmp_path / "g.csv")


def test_output_formats_are_those_that_are_written_and_datasets():
    assert set(FORMATS) == {*filter(save.is_written, formats.FORMATS), DATASETS}
    assert set(formats.FORMATS) - set(FORMATS) == {"conllu", "fasttext"}, "these are only read"


def test_output_of_another_encoding_is_utf8_and_it_is_said(write, heard, tmp_path):
    source = write("a.csv", "text,label\n좋다,긍정\n싫다,부정\n".encode("cp949"))
    tokkit.clean(source, tmp_path / "b.csv", encoding="cp949", progress=heard)
    assert (tmp_path / "b.csv").read_text("utf-8") == "text,label\n좋다,긍정\n싫다,부정\n"
    assert f"{tmp_path / 'b.csv'}: written in UTF-8, not in cp949" in heard


# Within the input --------------------------------------------------------------------------------------

READERS_OF_FOLDERS = {
    "clean": lambda folder, out: clean(folder, out),
    "split": lambda folder, out: split(folder, out),
    "rebalance": lambda folder, out: rebalance(folder, out, strategy="oversample"),
    "finetune": lambda folder, out: tokkit.finetune(folder, "tokenizer", out=out),
    "features": lambda folder, out: tokkit.features("model", folder, f"{out}.parquet"),
    "predict": lambda folder, out: tokkit.predict("model", folder, out=f"{out}.csv"),
    "count": lambda folder, out: tokkit.count([folder], out),
    "train-char": lambda folder, out: tokkit.train_char(folder, out),
}


@pytest.mark.parametrize("name", READERS_OF_FOLDERS)
def test_output_is_never_within_a_folder_that_is_read(source, name, monkeypatch):
    monkeypatch.chdir(source.parent)
    for folder, out in ((source.parent, source.parent / "new"), (".", "negative/new"), ("../d", "new")):
        with pytest.raises(OutputError, match="is in the input folder") as caught:
            READERS_OF_FOLDERS[name](folder, out)
        assert caught.value.hint == "choose a place outside of it"
