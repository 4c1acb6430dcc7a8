"""Tiny encoders of the families that `AutoModel` loads, built from configurations, drawn with a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VOCABULARY = 300
POSITIONS = 64
_BERT_LIKE: dict[str, Any] = {
    **{"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64},
    **{"max_position_embeddings": POSITIONS, "pad_token_id": 0},
}
_MODERN = {
    **{"global_attn_every_n_layers": 2, "local_attention": 8},
    **{"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
}
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": _BERT_LIKE,
    "distilbert": {
        **{"n_layers": 2, "dim": 32, "n_heads": 2, "hidden_dim": 64, "pad_token_id": 0},
        "max_position_embeddings": POSITIONS,
    },
    "roberta": {**_BERT_LIKE, "type_vocab_size": 1},
    "electra": {**_BERT_LIKE, "embedding_size": 16},
    "xlm-roberta": {**_BERT_LIKE, "type_vocab_size": 1},
    "modernbert": {**_BERT_LIKE, **_MODERN},
    "deberta-v2": {**_BERT_LIKE, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
}
WITH_POOLER = ("bert", "roberta", "xlm-roberta")


def config_of(family: str, vocab_size: int = VOCABULARY, **settings: Any) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(family, vocab_size=vocab_size, **{**FAMILIES[family], **settings})


def body_of(family: str, **settings: Any) -> Any:
    """An `AutoModel` of the family, in evaluation mode; its weights are drawn wider than usual, so that
    tokens differ."""
    import torch
    from transformers import AutoModel

    torch.manual_seed(1)
    return AutoModel.from_config(config_of(family, initializer_range=0.2, **settings)).eval()


def body_folder(family: str, folder: Path, **settings: Any) -> Path:
    """A checkpoint of the body alone, without a tokenizer."""
    body_of(family, **settings).save_pretrained(folder)
    return folder
