"""Folders the tests of doctor break: a trained tokenizer, and a model of configuration and headers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

import tokkit

CORPUS = "".join(
    f"the {word} house by the old river number {n}\n" * 5 for n, word in enumerate(("red", "grey"))
)
EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
POSITIONS = "bert.embeddings.position_embeddings.weight"
_DENSE = {
    **dict.fromkeys(("attention.self.query", "attention.self.key", "attention.self.value"), (4, 4)),
    **{"attention.output.dense": (4, 4), "intermediate.dense": (8, 4), "output.dense": (4, 8)},
}
_NORMS = ("embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output")
BODY = {
    "bert.embeddings.token_type_embeddings.weight": (2, 4),
    **{f"bert.encoder.layer.0.{name}.weight": shape for name, shape in _DENSE.items()},
    **{f"bert.encoder.layer.0.{name}.bias": shape[:1] for name, shape in _DENSE.items()},
    **{f"bert.{name}.LayerNorm.{kind}": (4,) for name in _NORMS for kind in ("weight", "bias")},
}
"""Weights of the model but for its tables of words and positions, without a pooler."""
Change = Callable[[dict[str, Any]], Any]


def edit(path: Path, change: Change) -> None:
    """Reads a JSON file, changes it and writes it back."""
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")


@dataclass(frozen=True)
class Pair:
    """A tokenizer folder and a model folder that fit each other, until a test breaks them."""

    tokenizer: Path
    model: Path
    corpus: Path

    def break_tokenizer(self, change: Change) -> None:
        """Changes `tokenizer.json`, and takes the receipt away that would tell."""
        (self.tokenizer / "tokkit.json").unlink(missing_ok=True)
        edit(self.tokenizer / "tokenizer.json", change)

    def break_registration(self, change: Change) -> None:
        edit(self.tokenizer / "tokenizer_config.json", change)

    def break_model(self, change: Change) -> None:
        edit(self.model / "config.json", change)

    def store(self, shapes: Mapping[str, tuple[int, ...]], name: str = "model.safetensors") -> None:
        """Writes weights of these shapes, and the other weights of the body, into the model folder."""
        weights = {key: np.zeros(shape, np.float32) for key, shape in {**BODY, **shapes}.items()}
        save_file(weights, self.model / name)

    def other_tokenizer(self, change: Change) -> None:
        """Gives the model a tokenizer of its own: the same one, changed."""
        shutil.copytree(self.tokenizer, self.model, dirs_exist_ok=True)
        (self.model / "tokkit.json").unlink()
        edit(self.model / "tokenizer.json", change)


def make_pair(home: Path) -> Pair:
    corpus = home / "corpus.txt"
    corpus.write_text(CORPUS, "utf-8")
    tokenizer, model = home / "tokenizer", home / "model"
    rows = tokkit.train_wordpiece(corpus, tokenizer, vocab_size=120).vocab_size
    model.mkdir()
    config = {
        **{"model_type": "bert", "vocab_size": rows, "hidden_size": 4, "num_hidden_layers": 1},
        **{"num_attention_heads": 1, "intermediate_size": 8, "max_position_embeddings": 512},
        **{"type_vocab_size": 2, "pad_token_id": 0, "hidden_dropout_prob": 0.1},
        "id2label": {"0": "anger", "1": "joy"},
    }
    (model / "config.json").write_text(json.dumps(config), "utf-8")
    pair = Pair(tokenizer, model, corpus)
    pair.store({EMBEDDINGS: (rows, 4), POSITIONS: (512, 4)})
    return pair


def vocabulary(content: Mapping[str, Any]) -> dict[str, int]:
    """The vocabulary of a `tokenizer.json`."""
    ids: dict[str, int] = content["model"]["vocab"]
    return ids


def rename(content: dict[str, Any], old: str, new: str) -> None:
    """Gives the id of one token to another."""
    vocabulary(content)[new] = vocabulary(content).pop(old)
