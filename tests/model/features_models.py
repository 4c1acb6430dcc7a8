"""Tiny checkpoints with a tokenizer, and the plain loop that their features are compared with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tests.model.encoders import VOCABULARY, body_folder

OTHERS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_layer": 2, "n_embd": 32, "n_head": 2, "n_positions": 64},
    "t5": {"num_layers": 2, "d_model": 32, "d_kv": 16, "num_heads": 2, "d_ff": 48},
}
"""Families beside those a classifier is built on: a decoder, and an encoder-decoder."""


def encoder(family: str, folder: Path, tokenizer: Path) -> Path:
    """A checkpoint without a head, as a folder with this tokenizer (of 300 tokens at most)."""
    import torch
    from transformers import AutoConfig, AutoModel

    if family in OTHERS:
        torch.manual_seed(0)
        config = AutoConfig.for_model(family, vocab_size=VOCABULARY, **OTHERS[family])
        AutoModel.from_config(config).save_pretrained(folder)
    else:
        body_folder(family, folder)
    copy_tokenizer(tokenizer, folder)
    return folder


def copy_tokenizer(tokenizer: Path, folder: Path) -> None:
    """The files of a tokenizer folder, without its receipt."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer / name, folder / name)


def plain_loop(
    folder: Path, texts: list[str], layer: int = -1, pairs: list[str] | None = None, limit: int = 62
) -> list[dict[str, np.ndarray]]:
    """Of each text alone, without padding, what transformers gives: every pooling, by name."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    rows = []
    for number, text in enumerate(texts):
        given = (text,) if pairs is None else (text, pairs[number])
        inputs = tokenizer(*given, truncation=True, max_length=limit, return_tensors="pt")
        if getattr(model.config, "type_vocab_size", 0) < 2:
            inputs.pop("token_type_ids", None)
        with torch.inference_mode():
            output = model(**inputs, output_hidden_states=True)
        hidden = output.hidden_states[layer][0].numpy()
        rows.append(
            {
                **{
                    "first": hidden[0],
                    "mean": hidden.mean(axis=0),
                    "max": hidden.max(axis=0),
                    "none": hidden,
                },
                "tokens": np.array(tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])),
            }
        )
        if getattr(output, "pooler_output", None) is not None:
            rows[-1]["pooler"] = output.pooler_output[0].numpy()
    return rows
