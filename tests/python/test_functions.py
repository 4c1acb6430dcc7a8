"""The functions of `import tokkit`: the same result for a frame, a `Dataset` and a path; what editors see."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import datasets
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import tokkit
from tests import stubs
from tests.model.conftest import sentences
from tokkit.sources import paths

NAMES = ("text", "label")


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return pl.DataFrame(sentences(200, seed=5), schema=list(NAMES), orient="row")


@pytest.fixture(scope="module")
def path(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "dataset.csv"
    frame.write_csv(path)
    return path


IN_MEMORY = {
    "polars": lambda frame: frame,
    "lazy polars": lambda frame: frame.lazy(),
    "pandas": lambda frame: frame.to_pandas(),
    "pandas with categories": lambda frame: frame.to_pandas().astype({"label": "category"}),
    "polars with categories": lambda frame: frame.cast(
        {"text": pl.Categorical, "label": pl.Enum(frame["label"].unique().sort())}
    ),
    "datasets": lambda frame: datasets.Dataset.from_dict(frame.to_dict(as_series=False)),
    "datasets, by split": lambda frame: datasets.DatasetDict(
        train=datasets.Dataset.from_dict(frame.to_dict(as_series=False))
    ),
    "frames by split": lambda frame: {"train": frame},
    "pyarrow": lambda frame: pa.Table.from_pylist(frame.to_dicts()),
    "dictionaries": lambda frame: frame.to_dicts(),
}


def test_mappings_in_results_name_no_temporary_file(frame, tmp_path):
    tokkit.train_char(frame, tmp_path / "t", vocab_size=60)
    measured = tokkit.doctor(tmp_path / "t", data=frame).measured
    assert measured["dataset"] == "data"


@pytest.mark.parametrize("kind", IN_MEMORY)
def test_statistics_are_those_of_the_file(frame, path, kind):
    in_memory = tokkit.stats(IN_MEMORY[kind](frame))
    of_file = tokkit.stats(path)
    assert in_memory.splits == of_file.splits
    assert in_memory.as_dict()["dataset"] == "dataset"
    assert "/tmp" not in str(in_memory.as_dict()), "no path of a temporary file"
    assert not paths._SPOOLED


def test_names_of_classes_come_along():
    rows = datasets.Dataset.from_dict({"text": ["a fine day", "a bad day"] * 5, "label": [1, 0] * 5})
    rows = rows.cast_column("label", datasets.ClassLabel(names=["bad", "good"]))
    assert tokkit.stats(rows).splits["train"]["classes"].keys() == {"bad", "good"}


def test_a_tokenizer_is_the_same_from_texts_in_memory(frame, tmp_path):
    (tmp_path / "corpus.txt").write_text("\n".join(frame["text"]) + "\n", encoding="utf-8")
    tokkit.train_wordpiece(tmp_path / "corpus.txt", tmp_path / "file", vocab_size=200)
    trained = {
        "texts": frame["text"].to_list(),
        "series": frame["text"],
        "pandas": frame["text"].to_pandas(),
        "frame": frame.select("text"),
    }
    for name, texts in trained.items():
        tokkit.train_wordpiece(texts, tmp_path / name, vocab_size=200)
        same = (tmp_path / name / "tokenizer.json").read_bytes()
        assert same == (tmp_path / "file" / "tokenizer.json").read_bytes(), name


def test_a_series_keeps_its_name_as_that_of_the_column(tmp_path):
    for series, name in ((pl.Series("body", ["a b", "c"]), "body"), (pl.Series(["a b", "c"]), "text")):
        tokkit.clean(series, tmp_path / f"{name}.csv")
        written = (tmp_path / f"{name}.csv").read_text("utf-8")
        assert written.replace('"', "") == f"{name}\na b\nc\n"


def test_a_list_of_names_is_a_list_of_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tokkit.InputError, match=r"english.txt: no such file"):
        tokkit.train_wordpiece(["english.txt", "korean.txt"], "out")
    (tmp_path / "my texts.txt").write_text("words of a file\n" * 20, encoding="utf-8")
    trained = tokkit.train_wordpiece(["my texts.txt"], "out", vocab_size=40)
    assert trained.words == 80


def test_splits_are_written_alike(frame, path, tmp_path):
    tokkit.split(path, tmp_path / "s", seed=3)
    for kind in ("polars", "pandas", "datasets"):
        tokkit.split(IN_MEMORY[kind](frame), tmp_path / kind / "s", output_format="csv", seed=3)
        for name in ("train", "validation", "test"):
            written = (tmp_path / kind / "s" / f"{name}.csv").read_bytes()
            assert written == (tmp_path / "s" / f"{name}.csv").read_bytes()


# what people hold most often, each compared with the path of the same rows
HELD = ("polars", "pandas", "datasets", "datasets, by split")


@pytest.fixture(scope="module")
def trained(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tokenizer and a model, both of the file."""
    folder = tmp_path_factory.mktemp("of-file")
    tokkit.train_wordpiece(path, folder / "tokenizer", vocab_size=200)
    tokkit.finetune(path, folder / "tokenizer", out=folder / "model", **TRAINING)
    return folder


TRAINING = {"size": "tiny", "epochs": 1, "threads": 1, "no_cache": True, "baseline": "none"}


@pytest.mark.parametrize("kind", HELD)
def test_every_function_of_the_road_gives_the_same_for_what_people_hold(frame, path, trained, tmp_path, kind):
    rows = IN_MEMORY[kind](frame)
    tokkit.train_wordpiece(rows, tmp_path / "tokenizer", vocab_size=200)
    tokkit.finetune(rows, tmp_path / "tokenizer", out=tmp_path / "model", **TRAINING)
    for file in ("tokenizer/tokenizer.json", "model/model.safetensors"):
        assert (tmp_path / file).read_bytes() == (trained / file).read_bytes(), file
    model = trained / "model"
    of_file, in_memory = (tokkit.evaluate(model, data) for data in (path, rows))
    assert in_memory.to_pandas().equals(of_file.to_pandas())
    of_file, in_memory = (tokkit.predict(model, data) for data in (path, rows))
    assert in_memory.predictions == of_file.predictions
    for name, data in (("of-file", path), ("in-memory", rows)):
        tokkit.predict(model, data, out=tmp_path / f"{name}.parquet")
        tokkit.rebalance(data, tmp_path / name, strategy="oversample", seed=3, output_format="csv")
    written = [pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("of-file", "in-memory")]
    assert written[0].equals(written[1])
    # a mapping of splits is written as a folder of them
    balanced = tmp_path / "in-memory" / ("train.csv" if "split" in kind else "")
    assert balanced.read_bytes() == (tmp_path / "of-file").read_bytes()


def test_predictions_are_a_table(trained, path):
    result = tokkit.predict(trained / "model", path)
    table = result.to_pandas()
    assert isinstance(table, pd.DataFrame)
    assert table["label"].to_list() == [row["label"] for row in result.predictions]
    assert "<table" in result._repr_html_()
    assert "Predictions (140 further rows)" in result._repr_html_()
    lines = str(result).splitlines()
    assert lines[0] == "Predictions (190 further rows)"
    assert len(lines) < 40, "a few rows"
    assert repr(result).startswith("PredictResult(predictions=[")


def test_what_is_no_table_is_refused_by_its_name():
    with pytest.raises(tokkit.InputError, match="dataset: a DataFrame that cannot be read as a table"):
        tokkit.stats(pd.DataFrame({"text": ["a", 1, {"b": object()}], "label": [1, 2, 3]}))
    with pytest.raises(tokkit.InputError, match=r"^dataset: no column of texts"):
        tokkit.stats(pl.DataFrame({"number": [1, 2]}))
    with pytest.raises(tokkit.InputError, match=r"no-such\.csv: no such file") as missing:
        tokkit.stats("no-such.csv")
    assert missing.value.__notes__ == [f"hint: {missing.value.hint}"], "a traceback has the hint"


def test_every_option_is_a_keyword_of_the_signature():
    for name in tokkit.__all__:
        function = getattr(tokkit, name)
        if inspect.isfunction(function):
            parameters = inspect.signature(function).parameters
            assert all(item.kind is not item.VAR_KEYWORD for item in parameters.values()), name
    assert inspect.signature(tokkit.finetune).parameters["epochs"].annotation == "int"
    assert {"where", "label_column", "output_format"} <= inspect.signature(tokkit.split).parameters.keys()


def test_the_stub_is_what_the_functions_are():
    assert stubs.PATH.read_text("utf-8") == stubs.text(), "python -m tests.stubs writes it"


def test_importing_tokkit_loads_neither_pandas_nor_polars():
    script = "import sys, tokkit; tokkit.stats; print({'pandas', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_result_of_a_command_has_a_report(tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("the old king smiled at the young king\n" * 30, encoding="utf-8")
    results = [
        tokkit.train_wordpiece(corpus, tmp_path / "a", vocab_size=60),
        tokkit.count(corpus, tmp_path / "counts"),
        tokkit.tokenize(tmp_path / "a", "the king <b>smiled</b>"),
        tokkit.doctor(tmp_path / "a"),
        tokkit.compare([tmp_path / "a"], corpus),
        tokkit.suggest_tokens(tmp_path / "a", corpus),
        tokkit.blocks(),
    ]
    for result in results:
        page = result._repr_html_()
        assert "<table" in page
        assert "<b>" not in page, "data is escaped"
        assert len(f"{result!r}") < 2_000
        assert f"{result}".count("\n") < 150


def test_a_result_is_printed_as_its_tables_and_shortened_in_a_list(frame, tmp_path):
    measured = tokkit.stats(frame)
    assert re.search(r"^ rows +200$", str(measured), re.MULTILINE)
    assert "--html" not in str(measured)
    [line] = repr([measured]).splitlines()
    assert line.startswith("[StatsResult(source='dataset', text_column='text', label_column='label', ")
    assert "splits={'train': {...}}" in line
    assert "/tmp" not in line
    expected = tokkit.train_char(frame["text"].to_list(), tmp_path / "t", vocab_size=60, dry_run=True)
    assert str(expected).startswith("Dry run, nothing was written; expected")
    assert "Dry run" in expected._repr_html_()
