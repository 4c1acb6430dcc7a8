"""Shapes of weights: read from headers, never from outside the folder, and whatever is none is refused."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import transformers
from safetensors.numpy import save_file

from tokkit.errors import InputError
from tokkit.tokenizer.folder import stored_weights, weight_headers
from tokkit.tokenizer.folder.weight_headers import INPUT_EMBEDDINGS, rows_of, shapes


def _save(path, **tensors):
    save_file({name: np.zeros(shape, np.float32) for name, shape in tensors.items()}, path)


def _index(folder, *names):
    weight_map = {f"w{number}": name for number, name in enumerate(names)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_weight_headers_of_one_file_and_of_shards(tmp_path):
    assert shapes(tmp_path) == {}
    _save(tmp_path / "a.safetensors", a=(3, 2))
    _save(tmp_path / "b.safetensors", b=(5,))
    _index(tmp_path, "a.safetensors", "b.safetensors", "a.safetensors")
    assert shapes(tmp_path) == {"a": (3, 2), "b": (5,)}
    _save(tmp_path / "model.safetensors", whole=(1, 1))
    assert shapes(tmp_path) == {"whole": (1, 1)}


@pytest.mark.parametrize(
    "name", ["../a.safetensors", "/tmp/a.safetensors", "..", ".", "", "b/../../a.safetensors", "a\\b", "a\0"]
)
def test_weight_headers_outside_the_folder_are_refused(tmp_path, name):
    _save(tmp_path / "a.safetensors", a=(3, 2))
    inner = tmp_path / "model"
    inner.mkdir()
    _index(inner, name)
    with pytest.raises(InputError, match="not in its own folder"):
        shapes(inner)


@pytest.mark.parametrize("index", ["", "{", "[]", "null", "{}", '{"weight_map": 3}', "[" * 99999])
def test_weight_headers_of_a_broken_index_are_refused(tmp_path, index):
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(InputError, match="no index of weights"):
        shapes(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 60) + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36000]}}  ',
        b"\x80\x04N.",
    ],
    ids=["empty", "short", "endless header", "a list", "beyond its end", "a pickle"],
)
def test_weight_headers_of_a_broken_file_are_refused(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="no safetensors file") as caught:
        shapes(tmp_path)
    assert "\n" not in caught.value.message


def test_weight_headers_of_a_file_that_the_index_names_and_nobody_has(tmp_path):
    _index(tmp_path, "none.safetensors")
    with pytest.raises(InputError, match=r"none\.safetensors"):
        shapes(tmp_path)


@pytest.mark.parametrize(
    ("name", "shape", "rows"),
    [
        ("bert.embeddings.word_embeddings.weight", (30, 4), 30),
        ("model.embed_tokens.weight", (31, 4), 31),
        ("wte.weight", (32, 4), 32),
        ("model.embeddings.tok_embeddings.weight", (33, 4), 33),
        ("bert.embeddings.word_embeddings.weight", (30,), None),
        ("not_word_embeddings.weight", (30, 4), None),
        ("classifier.weight", (2, 4), None),
    ],
)
def test_weight_headers_rows_of_the_input_embeddings(name, shape, rows):
    assert rows_of({"other.weight": (7, 7), name: shape}, INPUT_EMBEDDINGS) == rows


def test_heads_are_compared_where_a_weight_has_their_number(tmp_path):
    sizes = {"vocab_size": 50, "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 16}
    config = transformers.MPNetConfig(num_attention_heads=2, max_position_embeddings=32, **sizes)
    transformers.MPNetModel(config).save_pretrained(tmp_path)
    content = json.loads((tmp_path / "config.json").read_text("utf-8"))
    assert stored_weights.are_plausible(content, weight_headers.shapes(tmp_path))
    content["num_attention_heads"] = 4
    (tmp_path / "config.json").write_text(json.dumps(content), "utf-8")
    assert not stored_weights.are_plausible(content, weight_headers.shapes(tmp_path))
    [(message, _)] = stored_weights.differences(*stored_weights.load_without_weights(tmp_path))
    assert "relative_attention_bias.weight is (32, 2), not (32, 4)" in message
