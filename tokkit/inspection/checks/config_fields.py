"""The fields of a model's configuration that matter, and which of them may be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_YES, _NEVER, _WITH_THE_TOKENIZER = "yes", "never", "only through add-tokens/trim"

# (may it be changed, why, names). A field has the names that the model types give it: ``hidden_size`` is
# ``dim`` in DistilBERT, ``n_embd`` in GPT-2.
_FIELDS = (
    (_NEVER, "which architecture it is", "model_type"),
    (_WITH_THE_TOKENIZER, "rows of the embeddings, one a token", "vocab_size"),
    (
        _NEVER,
        "architecture: the weights of a pretrained body have this shape",
        "hidden_size dim n_embd d_model embedding_size num_hidden_layers n_layers n_layer num_layers "
        "intermediate_size hidden_dim n_inner d_ff "
        "max_position_embeddings n_positions type_vocab_size",
    ),
    (
        _NEVER,
        "no shape of a weight shows it: with another number the weights load, and give other outputs",
        "num_attention_heads n_heads n_head num_heads",
    ),
    (
        _NEVER,
        "the weights were trained with it",
        "hidden_act activation activation_function hidden_activation position_embedding_type "
        "layer_norm_eps layer_norm_epsilon norm_eps",
    ),
    (_NEVER, "whether the output shares the table of the input", "tie_word_embeddings"),
    (
        _WITH_THE_TOKENIZER,
        "the tokenizer's id; both change together",
        "pad_token_id bos_token_id eos_token_id cls_token_id sep_token_id mask_token_id unk_token_id",
    ),
    (_YES, "the head is initialized again for other labels; the body is unchanged", "id2label"),
    (_YES, "which loss trains the head", "problem_type"),
    (
        _YES,
        "only used in training; it has no weights",
        "hidden_dropout_prob attention_probs_dropout_prob classifier_dropout dropout attention_dropout "
        "seq_classif_dropout resid_pdrop embd_pdrop attn_pdrop embedding_dropout mlp_dropout",
    ),
)


def config_fields(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``{field, value, may_change, why}`` of every field that this configuration has."""
    return [
        {"field": name, "value": config[name], "may_change": may_change, "why": why}
        for may_change, why, names in _FIELDS
        for name in names.split()
        if name in config
    ]
