"""`finetune` on the folder that `encode` wrote: the same model, without tokenizing again."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import tokkit
from tests.conftest import Heard
from tests.model.conftest import sentences, write_csv
from tokkit.data.encoding.read_ids import IdsFolder, read_rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, UsageError
from tokkit.files import read_receipt
from tokkit.model.training.encoded_rows import from_ids
from tokkit.progress import SILENT
from tokkit.tokenizer.encoding.encode import encode
from tokkit.tokenizer.folder.load import load

FAST = {"epochs": 1, "size": "tiny", "threads": 1, "baseline": "none"}
TEXTS = [
    "low lower lowest and slow",
    "영화가 정말 재미있었다 ㅋㅋ",
    "a",
    " ",
    "[SEP] typed [CLS] in a text </s>",
    "word " * 40,
    "e\N{COMBINING ACUTE ACCENT} " * 9,
]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizers")
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(TEXTS * 3), "utf-8")
    tokkit.train_wordpiece(corpus, folder / "bert", vocab_size=200)
    tokkit.train_bpe(corpus, folder / "gpt2", vocab_size=300)
    tokkit.train_bpe(corpus, folder / "roberta", vocab_size=300, recipe="roberta")
    tokkit.train_unigram(corpus, folder / "unigram", vocab_size=120)
    return folder


@pytest.fixture(scope="module")
def ids(dataset, tokenizer, tmp_path_factory):
    out = tmp_path_factory.mktemp("ids") / "ids"
    tokkit.encode(dataset, tokenizer, out)
    return out


def classifier(tokenizer, max_length):
    return SimpleNamespace(tokenizer=tokenizer, limits=SimpleNamespace(max_length=max_length))


@pytest.mark.parametrize("name", ["bert", "gpt2", "roberta", "unigram"])
@pytest.mark.parametrize("output_format", ["parquet", "arrow"])
def test_rows_are_truncated_as_their_texts(name, output_format, tokenizers, tmp_path):
    frame = pl.DataFrame({"text": [*TEXTS, None], "label": ["x", "y"] * 4})
    frame.write_parquet(tmp_path / "rows.parquet")
    tokkit.encode(tmp_path / "rows.parquet", tokenizers / name, tmp_path / "ids", output_format=output_format)
    rows = read_rows(tmp_path / "ids", DatasetOptions(), SILENT).complete("train")
    known = read_dataset(tmp_path / "rows.parquet").complete("train")
    assert (rows.labels, rows.positions, rows.left_out) == (known.labels, known.positions, known.left_out)
    loaded = load(tokenizers / name)
    for max_length in (3, 5, 8, 200):
        expected = encode(known.texts, loaded, max_length)
        result = from_ids(classifier(loaded, max_length), rows)
        assert result.ids.dtype == expected.ids.dtype
        assert result.ids.tolist() == expected.ids.tolist(), max_length
        assert result.offsets.tolist() == expected.offsets.tolist()
        assert result.truncated == expected.truncated


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_pairs_are_truncated_where_segments_tell_them_apart(name, tokenizers, tmp_path):
    columns = {"text": TEXTS, "pair": TEXTS[::-1], "label": ["x", "y", "x", "y", "x", "y", "y"]}
    pl.DataFrame(columns).write_parquet(tmp_path / "rows.parquet")
    read_options = {"text_column": "text", "pair_column": "pair"}
    tokkit.encode(tmp_path / "rows.parquet", tokenizers / name, tmp_path / "ids", **read_options)
    dataset = read_rows(tmp_path / "ids", DatasetOptions(), SILENT)
    rows = dataset.complete("train")
    assert dataset.encoded_columns == {"text": "text", "pair": "pair", "label": "label"}
    known = read_dataset(tmp_path / "rows.parquet", DatasetOptions(**read_options)).complete("train")
    assert rows.positions == known.positions
    loaded = load(tokenizers / name)
    for max_length in (6, 7, 12, 400):
        expected = encode(known.texts, loaded, max_length, pairs=known.pairs)
        if name == "roberta" and max_length < 400:
            with pytest.raises(InputError, match="which cannot be truncated afterwards") as caught:
                from_ids(classifier(loaded, max_length), rows)
            assert caught.value.hint == f"encode the data set with --max-length {max_length}"
            continue
        result = from_ids(classifier(loaded, max_length), rows)
        assert result.ids.tolist() == expected.ids.tolist()
        assert result.segments.tolist() == expected.segments.tolist()
        assert result.truncated == expected.truncated


def test_the_model_is_that_of_the_data_set(ids, dataset, tokenizer, tmp_path):
    """To the last bit; the rows are truncated here, and a row without a text is skipped."""
    for name, source in (("texts", dataset), ("ids", ids)):
        result = tokkit.finetune(source, tokenizer, out=tmp_path / name, max_length=12, **FAST)
        assert result.metrics["rows"] == 60
    for file in ("model.safetensors", "metrics.json", "history.csv", "curves.png", "tokenizer.json"):
        assert (tmp_path / "ids" / file).read_bytes() == (tmp_path / "texts" / file).read_bytes(), file
    texts, rows = (pl.read_parquet(tmp_path / name / "predictions.parquet") for name in ("texts", "ids"))
    assert rows.drop("text").equals(texts.drop("text"))
    assert set(rows["text"]) == {""}
    results = [read_receipt(tmp_path / name)["result"] for name in ("texts", "ids")]
    assert results[0]["columns"] == results[1]["columns"]
    # So the model reads the columns of the data set, not those of the ids.
    scores = tokkit.evaluate(tmp_path / "ids", dataset, split="test")
    assert scores.as_dict()["rows"] == 60


def test_ids_truncated_by_encode_set_the_length(dataset, tokenizer, tmp_path):
    tokkit.encode(dataset, tokenizer, tmp_path / "ids", max_length=12)
    tokkit.finetune(tmp_path / "ids", tokenizer, out=tmp_path / "m", **FAST)
    assert read_receipt(tmp_path / "m")["result"]["settings"]["max_length"] == 12
    with pytest.raises(UsageError, match=r"max_length=13: .* was encoded with max_length=12"):
        tokkit.finetune(tmp_path / "ids", tokenizer, out=tmp_path / "n", max_length=13)


def test_folds_of_ids(ids, tokenizer, tmp_path):
    result = tokkit.finetune(ids, tokenizer, out=tmp_path / "folds", folds=2, **FAST)
    rows = pl.read_parquet(tmp_path / "folds" / "predictions.parquet")
    assert len(rows) == result.metrics["rows"] == 300


def test_several_labels_of_a_row_stay_several(tokenizer, tmp_path):
    rows = [
        {"text": text, "labels": [label, "long"] if number % 3 else [label]}
        for number, (text, label) in enumerate(sentences(60, seed=3))
    ]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    tokkit.encode(data, tokenizer, tmp_path / "ids")
    for name, source in (("texts", data), ("ids", tmp_path / "ids")):
        tokkit.finetune(source, tokenizer, out=tmp_path / f"{name}-m", **FAST)
    models = [(tmp_path / f"{name}-m" / "config.json").read_text("utf-8") for name in ("texts", "ids")]
    assert json.loads(models[0])["problem_type"] == "multi_label_classification"
    assert models[0] == models[1]


def test_ids_that_do_not_fit_are_refused(ids, dataset, tokenizer, tokenizers, tmp_path):
    def refused(kind, message, source=ids, tokenizer=tokenizer, **settings):
        with pytest.raises(kind, match=message) as caught:
            tokkit.finetune(source, tokenizer, out=tmp_path / "m", **{**FAST, **settings})
        return caught.value.hint

    refused(
        InputError, "was encoded with another tokenizer than .*: the sha256", tokenizer=tokenizers / "bert"
    )
    refused(UsageError, 'text_column="text": .* has ids and no texts', text_column="text")
    hint = refused(
        UsageError, 'baseline="bag-of-words": the data set has ids and no texts', baseline="bag-of-words"
    )
    assert hint.startswith("without it:")
    tokkit.encode(dataset, tokenizer, tmp_path / "packed", pack=32)
    refused(InputError, "has packed sequences, which are for language models", source=tmp_path / "packed")
    (tmp_path / "lines.txt").write_text("\n".join(TEXTS), "utf-8")
    tokkit.encode(tmp_path / "lines.txt", tokenizer, tmp_path / "unlabeled")
    refused(InputError, "its rows have no labels", source=tmp_path / "unlabeled")
    tags = [{"tokens": ["a", "b"], "tags": ["B-X", "O"]}] * 4
    (tmp_path / "tags.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tags), "utf-8")
    tokkit.encode(tmp_path / "tags.jsonl", tokenizer, tmp_path / "tagged")
    refused(InputError, "ids do not say where words begin", source=tmp_path / "tagged")
    assert IdsFolder.at(dataset) is None
    assert IdsFolder.at(tmp_path / "none") is None


def test_validation_ids_and_baseline(ids, dataset, tokenizer, tmp_path):
    """Texts to train on, ids to validate on; without a probe there is no baseline of ids."""
    heard = Heard()
    write_csv(tmp_path / "rows.csv", sentences(80, seed=7))
    result = tokkit.finetune(
        tmp_path / "rows.csv", tokenizer, out=tmp_path / "m", validation_data=ids, progress=heard, **FAST
    )
    assert result.metrics["rows"] == 60
    result = tokkit.finetune(ids, tokenizer, out=tmp_path / "n", **{**FAST, "baseline": "auto"})
    assert "baseline" not in result.metrics
    assert np.isfinite(result.metrics["loss"])
