"""Settings that no file of a tokenizer states, because a class of transformers implies them.

    {"tokenizer_class": "GPT2Tokenizer"}  ->  no segment ids, "<|endoftext|>" as unk, bos and eos token

A folder that tokkit writes names the class that loads `tokenizer.json` as it is, so it has to state them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tokkit.tokenizer.blocks.recipes import BERT_INPUTS, PLAIN_INPUTS
from tokkit.tokenizer.folder.checkpoints import load_with_transformers, segment_count
from tokkit.tokenizer.folder.load import (
    EXTRA_TOKENS,
    ROLES,
    LoadedTokenizer,
    TokenizerConfig,
    read_json,
    special_tokens,
    token_text,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_INPUTS = "model_input_names"
_SIDES = ("padding_side", "truncation_side")

# Instructions to the class that is replaced; `tokenizer.json` holds what they did.
_OF_A_CLASS = ("auto_map", "add_bos_token", "add_eos_token")


def complete(loaded: LoadedTokenizer) -> LoadedTokenizer:
    """The tokenizer with the inputs, sides and roles of the class that transformers loads its folder with."""
    config = loaded.config
    if config.has_own_class:
        settings = _of_class(loaded)
    elif config.settings.get("tokenizer_class") or config.input_names is not None:
        return loaded
    else:
        settings = {**config.settings, _INPUTS: list(inputs_of(loaded.backend))}
    # a model without segments fails on them, or adds the embeddings of other tokens (GPT-2)
    no_segments = segment_count(read_json(loaded.folder / "config.json")) == 0
    if config.input_names is None and no_segments:
        settings[_INPUTS] = [name for name in settings[_INPUTS] if name != "token_type_ids"]
    config = replace(config, settings=settings)
    return replace(loaded, config=config, special=special_tokens(config, loaded.backend))


def inputs_of(backend: Tokenizer) -> tuple[str, ...]:
    """The inputs that its pairs need: segment ids where it numbers the texts of a pair."""
    empty = backend.encode("", add_special_tokens=False)
    pair = backend.post_process(empty, backend.encode("", add_special_tokens=False))
    return BERT_INPUTS if 1 in pair.type_ids else PLAIN_INPUTS


def _of_class(loaded: LoadedTokenizer) -> dict[str, Any]:
    """The settings of its files, and those of its class that they do not state."""
    unstated = _OF_A_CLASS if loaded.config.input_names else (*_OF_A_CLASS, _INPUTS)
    stated = {name: value for name, value in loaded.config.settings.items() if name not in unstated}
    try:
        tokenizer = load_with_transformers(loaded.folder, "AutoTokenizer")
    # transformers raises errors of any kind for a folder that its class cannot load
    except Exception:
        return {_INPUTS: list(inputs_of(loaded.backend)), **stated}
    sides = {side: getattr(tokenizer, side) for side in _SIDES if getattr(tokenizer, side) != "right"}
    named = {f"{role}_token": token_text(getattr(tokenizer, f"{role}_token")) for role in ROLES}
    roles = {
        name: token
        for name, token in named.items()
        if token is not None and loaded.backend.token_to_id(token) is not None
    }
    return {_INPUTS: list(tokenizer.model_input_names), **sides, **roles, **stated}


def settings_to_write(
    config: TokenizerConfig, roles: Mapping[str, str], extra: Sequence[str]
) -> dict[str, Any]:
    """The settings of a tokenizer made from another one: those it had, with the special tokens it has now.

    extra   special tokens without a role, in addition to those that are named
    """
    # ids of added tokens, which may change, are in tokenizer.json too
    settings = {name: value for name, value in config.settings.items() if name != "added_tokens_decoder"}
    for role in ROLES:
        # as it was written, flags included, where it is the same token
        if role in roles and token_text(settings.get(f"{role}_token")) != roles[role]:
            settings[f"{role}_token"] = roles[role]
    key = next((key for key in EXTRA_TOKENS if settings.get(key)), EXTRA_TOKENS[0])
    named = settings.get(key) or []
    # one that maps names to tokens belongs to its class: image_token
    if isinstance(named, list):
        tokens = {token_text(token): token for token in named}
        new = [token for token in dict.fromkeys(extra) if token not in {*tokens, *roles.values()}]
        if retained := [token for text, token in tokens.items() if text not in roles.values()] + new:
            settings[key] = retained
    return settings
