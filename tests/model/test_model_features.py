"""Hidden states against a plain loop of transformers over the rows, and the file they are written to."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

import tokkit
from tests.model.conftest import sentences, write_csv
from tests.model.encoders import FAMILIES, config_of
from tests.model.features_models import OTHERS, copy_tokenizer, encoder, plain_loop
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.model.features import features_file, features_writer
from tokkit.model.features.baseline_rows import feature_rows
from tokkit.sources.formats import batch

HARD = [
    *("i feel glad at home", "나는 오늘 학교에 갔다, 기쁘다", "Übergrößenträger naïve café", "👩‍👩‍👧 🇰🇷 ok"),
    *("שלום עולם مرحبا بالعالم", "東京で寿司を食べる", "한글 자모", "a\u200bb\x07c", "   ", "x"),
    *("i feel sad " * 60, "word " * 17, "e\u0301\u0302\u0323"),
]
CLOSE = {"rtol": 0, "atol": 2e-6}


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> Path:
    """The hard texts, long and short ones mixed, without labels."""
    folder = tmp_path_factory.mktemp("texts")
    pl.DataFrame({"text": HARD}).write_parquet(folder / "hard.parquet")
    return folder / "hard.parquet"


@pytest.fixture(scope="module")
def bert(tmp_path_factory, tokenizer) -> Path:
    return encoder("bert", tmp_path_factory.mktemp("bert") / "bert", tokenizer)


def written(model, data, out, **settings) -> pl.DataFrame:
    tokkit.features(model, data, out, device="cpu", threads=1, **settings)
    return pl.read_parquet(out)


def vectors(frame: pl.DataFrame) -> np.ndarray:
    return np.array(frame["vector"].to_list(), dtype=np.float32)


@pytest.mark.parametrize("kind", [*FAMILIES, *OTHERS])
def test_features_are_those_of_a_plain_loop(kind, texts, tokenizer, tmp_path):
    model = encoder(kind, tmp_path / kind, tokenizer)
    expected = plain_loop(model, HARD)
    file = written(model, texts, tmp_path / "f.parquet", tokens_per_batch=100, max_length=62)
    np.testing.assert_allclose(vectors(file), [row["mean"] for row in expected], **CLOSE)
    assert file["text"].to_list() == HARD


@pytest.mark.parametrize("pooling", ["first", "cls", "max", "pooler"])
@pytest.mark.parametrize("budget", [1, 4096])
def test_every_pooling_is_that_of_a_plain_loop_and_padding_does_not_matter(
    pooling, budget, bert, texts, tmp_path
):
    name = "first" if pooling == "cls" else pooling
    file = written(
        bert, texts, tmp_path / "f.parquet", pooling=pooling, tokens_per_batch=budget, max_length=62
    )
    np.testing.assert_allclose(vectors(file), [row[name] for row in plain_loop(bert, HARD)], **CLOSE)


@pytest.mark.parametrize("layer", [0, 1, 2, -1, -3])
def test_a_layer_is_that_of_transformers(layer, bert, texts, tmp_path):
    file = written(bert, texts, tmp_path / "f.parquet", layer=layer, max_length=62)
    np.testing.assert_allclose(vectors(file), [row["mean"] for row in plain_loop(bert, HARD, layer)], **CLOSE)


def test_pooling_none_keeps_the_vector_of_every_token(bert, texts, tmp_path):
    file = written(bert, texts, tmp_path / "f.parquet", pooling="none", tokens_per_batch=100, max_length=62)
    for row, expected in zip(file.iter_rows(named=True), plain_loop(bert, HARD), strict=True):
        assert row["tokens"] == expected["tokens"].tolist()
        np.testing.assert_allclose(np.array(row["vectors"]), expected["none"], **CLOSE)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
def test_pairs_have_segments_where_the_model_knows_them(kind, tokenizer, tmp_path):
    model = encoder(kind, tmp_path / kind, tokenizer)
    pairs = HARD[::-1]
    pl.DataFrame({"premise": HARD, "hypothesis": pairs}).write_parquet(tmp_path / "pairs.parquet")
    file = written(
        *(model, tmp_path / "pairs.parquet", tmp_path / "f.parquet"),
        **{"max_length": 62, "text_column": "premise", "pair_column": "hypothesis"},
    )
    assert file["hypothesis"].to_list() == pairs
    expected = plain_loop(model, HARD, pairs=pairs)
    np.testing.assert_allclose(vectors(file), [row["mean"] for row in expected], **CLOSE)


@pytest.mark.parametrize("pooling", ["mean", "none"])
def test_features_are_written_in_blocks_of_bounded_size(pooling, bert, texts, tmp_path, monkeypatch):
    whole = written(bert, texts, tmp_path / "whole.parquet", pooling=pooling)
    monkeypatch.setattr(features_writer, "BLOCK_BYTES", 32 * 4 * 70)
    row_bytes = 32 * 4
    parts = written(bert, texts, tmp_path / "parts.parquet", pooling=pooling)
    groups = parquet.read_metadata(tmp_path / "parts.parquet")
    sizes = [groups.row_group(i).num_rows for i in range(groups.num_row_groups)]
    lengths = [len(tokens) for tokens in parts["tokens"]] if pooling == "none" else [1] * len(HARD)
    starts = np.cumsum([0, *sizes])
    for start, end in pairwise(starts):
        assert sum(lengths[start:end]) * row_bytes <= 32 * 4 * 70
    assert len(sizes) == (1 if pooling == "mean" else 3)
    assert parts.drop(parts.columns[-1]).equals(whole.drop(whole.columns[-1]))
    for own, theirs in zip(parts[parts.columns[-1]], whole[whole.columns[-1]], strict=True):
        np.testing.assert_allclose(np.array(own), np.array(theirs), **CLOSE)


def test_float16_takes_half_and_rounds(bert, texts, tmp_path):
    full = vectors(written(bert, texts, tmp_path / "full.parquet"))
    written(bert, texts, tmp_path / "half.parquet", dtype="float16")
    column = parquet.read_table(tmp_path / "half.parquet")["vector"].combine_chunks()
    half = column.flatten().to_numpy(zero_copy_only=False)
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half.reshape(full.shape), full.astype(np.float16))


def test_a_trained_model_gives_the_features_of_its_body_whichever_way_it_is_stored(
    model, dataset, tokenizer, tmp_path
):
    from transformers import AutoModel

    other = tmp_path / "other"
    AutoModel.from_pretrained(model).save_pretrained(other / "body")
    copy_tokenizer(tokenizer, other)
    stock = written(model, dataset, tmp_path / "stock.parquet", pooling="pooler")
    assert stock.equals(written(other, dataset, tmp_path / "body.parquet", pooling="pooler"))
    assert stock["split"].unique(maintain_order=True).to_list() == ["train", "validation", "test"]
    expected = [row["pooler"] for row in plain_loop(model, stock["text"][:20].to_list(), limit=512)]
    np.testing.assert_allclose(vectors(stock[:20]), expected, **CLOSE)


def test_rows_stay_in_their_place_with_all_their_columns(bert, tmp_path, heard):
    rows = pl.DataFrame(
        {
            "user": ["b7", "a1", "c3", "d4"],
            "note": ["i feel glad", None, "i feel sad", "x"],
            "stars": [5, 4, None, 1],
            "when": [{"day": 1}, {"day": 2}, None, {"day": 4}],
            "lengths": [[1, 2], [], None, [3]],
        }
    )
    rows.write_parquet(tmp_path / "t.parquet")
    settings = {"text_column": "note", "label_column": "stars", "progress": heard}
    result = tokkit.features(bert, tmp_path / "t.parquet", tmp_path / "f.parquet", threads=1, **settings)
    file = pl.read_parquet(tmp_path / "f.parquet")
    assert file.drop("split", "vector").equals(rows)
    assert file["split"].to_list() == ["train"] * 4
    assert file["vector"].is_null().to_list() == [False, True, False, False]
    expected = [row["mean"] for row in plain_loop(bert, ["i feel glad", "i feel sad", "x"])]
    np.testing.assert_allclose(vectors(file.drop_nulls("vector")), expected, **CLOSE)
    assert (result.rows, result.left_out) == (4, {"no text": 1})
    assert "1 row without text: no vector" in heard


@pytest.mark.parametrize("pooling", ["mean", "none"])
def test_rows_that_are_read_in_blocks_are_those_read_at_once(pooling, bert, tmp_path, monkeypatch):
    texts = [None, "i feel glad", "", "i feel sad", "나는 기쁘다", None, "x", None]
    pl.DataFrame({"text": texts, "n": range(8)}).write_csv(tmp_path / "t.csv")
    whole = written(bert, tmp_path / "t.csv", tmp_path / "whole.parquet", pooling=pooling, sort="n")
    monkeypatch.setattr(batch, "ROWS", 3)
    parts = written(bert, tmp_path / "t.csv", tmp_path / "parts.parquet", pooling=pooling)
    assert parquet.read_metadata(tmp_path / "parts.parquet").num_row_groups == 3
    added = [name for name in whole.columns if name.startswith("vector")]
    assert parts.drop(added).equals(whole.drop(added))
    assert whole["n"].to_list() == list("01234567")
    for own, theirs in zip(parts[added[0]], whole[added[0]], strict=True):
        assert (own is None) == (theirs is None)
        np.testing.assert_allclose(
            np.array([] if own is None else own), [] if own is None else theirs, **CLOSE
        )


def test_tokens_of_the_rows_stay_and_are_read_again(bert, tmp_path):
    rows = pl.DataFrame({"tokens": [["i", "feel"], ["sad"]], "ner_tags": [["O", "B-X"], ["O"]]})
    rows.write_parquet(tmp_path / "t.parquet")
    file = written(bert, tmp_path / "t.parquet", tmp_path / "f.parquet")
    assert file.drop("split", "vector").equals(rows)
    stored = feature_rows(features_file.FeaturesFile.read(tmp_path / "f.parquet").dataset())
    assert stored.select("text", "label").rows() == [("i feel", "O B-X"), ("sad", "O")]


def test_splits_with_other_columns_have_null_in_those_they_lack(bert, tmp_path):
    (tmp_path / "in").mkdir()
    pl.DataFrame({"text": ["a", "b"], "id": [1, 2]}).write_parquet(tmp_path / "in/train.parquet")
    pl.DataFrame({"id": ["x"], "text": ["c"], "more": [True]}).write_parquet(tmp_path / "in/test.parquet")
    file = written(bert, tmp_path / "in", tmp_path / "f.parquet").drop("vector")
    assert file.columns == ["text", "id", "more", "split"]
    assert file.rows() == [("a", "1", None, "train"), ("b", "2", None, "train"), ("c", "x", True, "test")]


@pytest.mark.parametrize(
    ("pooling", "column", "other"),
    [("mean", "vector", "input_vector"), ("none", "tokens", "words"), ("mean", "split", "input_split")],
)
def test_a_column_of_the_name_of_one_that_is_added_is_refused(pooling, column, other, bert, tmp_path):
    pl.DataFrame({"text": ["a"], column: ["b"]}).write_csv(tmp_path / "t.csv")
    with pytest.raises(UsageError, match=f'the rows have a column "{column}" already') as raised:
        tokkit.features(bert, tmp_path / "t.csv", tmp_path / "f.parquet", pooling=pooling)
    assert raised.value.hint.endswith(f'rename="{column}={other}")')
    assert not (tmp_path / "f.parquet").exists()
    renamed = f"{column}={other}"
    file = written(bert, tmp_path / "t.csv", tmp_path / "f.parquet", pooling=pooling, rename=renamed)
    assert file[other].to_list() == ["b"]


def test_a_text_without_tokens_has_zeros_and_it_is_said(tmp_path, tokenizer, texts, heard):
    model = encoder("bert", tmp_path / "bert", tokenizer)
    content = json.loads((model / "tokenizer.json").read_text("utf-8"))
    content["post_processor"] = None
    (model / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    for pooling in ("mean", "none"):
        out = tmp_path / f"{pooling}.parquet"
        tokkit.features(model, texts, out, pooling=pooling, threads=1, progress=heard)
    empty = HARD.index("   ")
    assert not vectors(pl.read_parquet(tmp_path / "mean.parquet"))[empty].any()
    assert pl.read_parquet(tmp_path / "none.parquet")["vectors"][empty].to_list() == []
    assert "1 text has no token" in heard


def test_the_same_features_are_the_same_bytes_with_a_receipt(bert, texts, tmp_path):
    for name in ("a", "b"):
        tokkit.features(bert, texts, tmp_path / name / "f.parquet", threads=1)
    assert (tmp_path / "a/f.parquet").read_bytes() == (tmp_path / "b/f.parquet").read_bytes()
    receipts = [
        json.loads((tmp_path / name / "f.parquet.tokkit.json").read_text("utf-8"))["result"] for name in "ab"
    ]
    assert receipts[0] == receipts[1]
    assert receipts[0]["rows"] == len(HARD)
    assert receipts[0]["settings"]["pooling"] == "mean"
    assert [entry["name"] for entry in receipts[0]["inputs"]] == ["hard.parquet", "bert"]


def test_an_existing_file_is_replaced_only_with_force(bert, texts, tmp_path):
    out = tmp_path / "f.parquet"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match="already exists"):
        tokkit.features(bert, texts, out)
    assert out.read_bytes() == b"mine"
    assert written(bert, texts, out, force=True).height == len(HARD)


class TestWhatCannotBe:
    def test_a_pooler_where_the_model_has_none(self, texts, tokenizer, tmp_path):
        model = encoder("distilbert", tmp_path / "d", tokenizer)
        with pytest.raises(InputError, match="distilbert has no pooler") as raised:
            tokkit.features(model, texts, tmp_path / "f.parquet", pooling="pooler")
        assert 'pooling="cls"' in raised.value.hint
        assert [path.name for path in tmp_path.iterdir()] == ["d"]

    def test_a_pooler_that_the_checkpoint_lacks(self, texts, tokenizer, tmp_path):
        from transformers import BertForMaskedLM

        BertForMaskedLM(config_of("bert")).save_pretrained(tmp_path / "mlm")
        copy_tokenizer(tokenizer, tmp_path / "mlm")
        with pytest.raises(InputError, match=r"has no pooler .*would be random"):
            tokkit.features(tmp_path / "mlm", texts, tmp_path / "f.parquet", pooling="pooler")
        assert written(tmp_path / "mlm", texts, tmp_path / "f.parquet").height == len(HARD)

    def test_a_checkpoint_without_an_encoder(self, texts, bert, tmp_path):
        from safetensors.torch import load_file, save_file

        broken = tmp_path / "broken"
        broken.mkdir()
        for path in bert.iterdir():
            (broken / path.name).write_bytes(path.read_bytes())
        weights = load_file(bert / "model.safetensors")
        remaining = {name: value for name, value in weights.items() if "layer.1" not in name}
        save_file(remaining, broken / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(InputError, match="no weights are stored for layer 1"):
            tokkit.features(broken, texts, tmp_path / "f.parquet")

    def test_a_layer_that_is_not_there(self, bert, texts, tmp_path):
        for layer in (3, -4):
            with pytest.raises(UsageError, match=r"has layers 0 \(the embeddings\) to 2"):
                tokkit.features(bert, texts, tmp_path / "f.parquet", layer=layer)

    def test_a_pooler_of_another_layer(self, bert, texts, tmp_path):
        with pytest.raises(UsageError, match="a pooler reads the last layer"):
            tokkit.features(bert, texts, tmp_path / "f.parquet", layer=1, pooling="pooler")

    def test_more_tokens_than_the_model_takes(self, bert, texts, tmp_path):
        with pytest.raises(InputError, match="take at most 64 tokens"):
            tokkit.features(bert, texts, tmp_path / "f.parquet", max_length=65)

    def test_numbers_too_large_for_float16(self, bert, texts, tmp_path):
        from safetensors.torch import load_file, save_file

        loud = tmp_path / "loud"
        loud.mkdir()
        for path in bert.iterdir():
            (loud / path.name).write_bytes(path.read_bytes())
        weights = load_file(bert / "model.safetensors")
        weights["encoder.layer.1.output.LayerNorm.weight"] *= 1e6
        save_file(weights, loud / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(InputError, match="too large for float16") as raised:
            tokkit.features(loud, texts, tmp_path / "f.parquet", dtype="float16")
        assert raised.value.hint == "write 32 bits (dtype)"

    def test_what_is_no_model(self, texts, tokenizer, tmp_path):
        with pytest.raises(InputError, match="not a model folder: it has no config"):
            tokkit.features(tokenizer, texts, tmp_path / "f.parquet")

    def test_rows_without_any_text(self, bert, tmp_path):
        data = write_csv(tmp_path / "t.csv", [("", "joy"), ("", "sadness")])
        with pytest.raises(InputError, match="no row has a text"):
            tokkit.features(bert, data, tmp_path / "f.parquet", text_column="text")


def test_features_in_training_order_of_many_rows(bert, tmp_path):
    rows = sentences(300, seed=5)
    data = write_csv(tmp_path / "t.csv", rows)
    file = written(bert, data, tmp_path / "f.parquet", tokens_per_batch=200)
    assert file["text"].to_list() == [text for text, _ in rows]
    assert file["label"].to_list() == [label for _, label in rows]
    indices = [0, 17, 299]
    expected = plain_loop(bert, [rows[i][0] for i in indices])
    np.testing.assert_allclose(vectors(file)[indices], [row["mean"] for row in expected], **CLOSE)


def test_vectors_that_are_not_finite_are_refused_by_row(tmp_path, bert, texts):
    features = tmp_path / "f.parquet"
    written(bert, texts, features)
    table = parquet.read_table(features)
    vectors = np.array(table["vector"].to_pylist(), dtype=np.float32)
    vectors[2, 5] = np.nan
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    parquet.write_table(table.set_column(table.schema.get_field_index("vector"), "vector", column), features)
    with pytest.raises(InputError, match="the vector of row 3 holds NaN or infinity"):
        features_file.FeaturesFile.read(features).vectors()
