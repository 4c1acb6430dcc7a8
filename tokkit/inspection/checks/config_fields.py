"""The fields of a model's configuration that matter, and which of them may be changed.

Each field under the names that the model types give it: ``hidden_size`` is ``dim`` in DistilBERT, ``n_embd``
in GPT-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

YES, NEVER, WITH_THE_TOKENIZER = "yes", "never", "only through add-tokens/trim"

_ARCHITECTURE = "architecture: the weights of a pretrained body have this shape"
_COMPUTES = "the weights were trained with it"
_SPECIAL = "the tokenizer's id; both change together"
_HEAD = "the head is initialized again for other labels; the body is unchanged"
_DROPOUT = "only used in training; it has no weights"


@dataclass(frozen=True)
class Field:
    names: tuple[str, ...]
    may_change: str
    why: str


FIELDS = (
    Field(("model_type",), NEVER, "which architecture it is"),
    Field(("vocab_size",), WITH_THE_TOKENIZER, "rows of the embeddings, one a token"),
    Field(("hidden_size", "dim", "n_embd", "d_model"), NEVER, _ARCHITECTURE),
    Field(("embedding_size",), NEVER, _ARCHITECTURE),
    Field(("num_hidden_layers", "n_layers", "n_layer", "num_layers"), NEVER, _ARCHITECTURE),
    Field(("num_attention_heads", "n_heads", "n_head", "num_heads"), NEVER, _ARCHITECTURE),
    Field(("intermediate_size", "hidden_dim", "n_inner", "d_ff"), NEVER, _ARCHITECTURE),
    Field(("max_position_embeddings", "n_positions"), NEVER, _ARCHITECTURE),
    Field(("type_vocab_size",), NEVER, _ARCHITECTURE),
    Field(("hidden_act", "activation", "activation_function", "hidden_activation"), NEVER, _COMPUTES),
    Field(("position_embedding_type",), NEVER, _COMPUTES),
    Field(("layer_norm_eps", "layer_norm_epsilon", "norm_eps"), NEVER, _COMPUTES),
    Field(("tie_word_embeddings",), NEVER, "whether the output shares the table of the input"),
    *(
        Field((f"{role}_token_id",), WITH_THE_TOKENIZER, _SPECIAL)
        for role in ("pad", "bos", "eos", "cls", "sep", "mask", "unk")
    ),
    Field(("id2label",), YES, _HEAD),
    Field(("problem_type",), YES, "which loss trains the head"),
    *(
        Field((name,), YES, _DROPOUT)
        for name in (
            *("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout", "dropout"),
            *("attention_dropout", "seq_classif_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop"),
            *("embedding_dropout", "mlp_dropout"),
        )
    ),
)


def config_fields(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``{field, value, may_change, why}`` of every field that this configuration has."""
    return [
        {"field": name, "value": config[name], "may_change": each.may_change, "why": each.why}
        for each in FIELDS
        for name in each.names
        if name in config
    ]
