"""What `add-tokens` and `trim` publish: the tokenizer, and a model with it, written and read back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, TokkitError
from tokkit.progress import SILENT
from tokkit.tokenizer.editing import forward, models
from tokkit.tokenizer.editing.embeddings import KINDS, Tables, put, table_names, tables_of
from tokkit.tokenizer.folder import tokenizer_folder
from tokkit.tokenizer.folder.checkpoints import load_with_transformers
from tokkit.tokenizer.folder.load import LoadedTokenizer, read_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_KEPT = ("chat_template", "clean_up_tokenization_spaces", "padding_side", "truncation_side")
"""Settings of a tokenizer that its `tokenizer.json` does not hold, beside roles and lengths."""

_TEMPLATE_FILE = "chat_template.jinja"


def write_tokenizer(
    staging: Path, tokenizer: LoadedTokenizer, further_special: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Writes the tokenizer with the settings it came with, reads it back, and gives its self-test.

    further_special  special tokens without a role, beside those its configuration names
    """
    config = read_json(tokenizer.folder / tokenizer_folder.CONFIG_FILE)
    roles = set(tokenizer.special.values())
    named = [token for token in (*_extra(config), *further_special) if token not in roles]
    tokenizer_folder.write_tokenizer(staging, tokenizer.backend)
    tokenizer_folder.write_config(
        staging,
        tokenizer.special,
        tokenizer.max_length,
        tokenizer.input_names,
        list(dict.fromkeys(named)),
        {name: config[name] for name in _KEPT if name in config},
    )
    if (template := tokenizer.folder / _TEMPLATE_FILE).is_file():
        shutil.copyfile(template, staging / _TEMPLATE_FILE)
    test = tokenizer_folder.self_test(tokenizer.backend)
    tokenizer_folder.verify(staging, test)
    return test


def write_model(
    staging: Path,
    source: Path,
    model: PreTrainedModel,
    tables: Tables,
    ids: Sequence[int],
    name: str,
) -> PreTrainedModel:
    """Gives the model those tables, writes it, and reads it back; the model that was read back.

    ids  a text that both models must answer, and alike

    Raises `InputError` where they do not, `TokkitError` where a weight was written otherwise than it was.
    """
    tables = _as_stored(tables, table_names(model, name), models.stored_types(source))
    changed = put(model, tables, name)
    answered = forward.outputs(model, ids, name)
    models.save_model(model, source, staging)
    models.check_untouched(source, staging, changed)
    reloaded = models.load_model(staging, name, SILENT)
    again = tables_of(reloaded, name)
    for kind in KINDS:
        if not models.same_bits(getattr(tables, kind), getattr(again, kind)):
            raise TokkitError(f"the {kind} embeddings read back are not those that were written: a bug")
    forward.check_alike(answered, forward.outputs(reloaded, ids, name), name)
    return reloaded


def _as_stored(tables: Tables, names: Mapping[str, frozenset[str]], types: Mapping[str, Any]) -> Tables:
    """The tables rounded to the type each is stored in; only new rows can change by that."""
    rounded = {}
    for kind in KINDS:
        table = getattr(tables, kind)
        stored = next((types[name] for name in sorted(names[kind]) if name in types), None)
        rounded[kind] = table if table is None or stored is None else table.to(stored).to(table.dtype)
    return Tables(**rounded)


def check_loads(staging: Path, tokenizer: LoadedTokenizer, texts: Sequence[str]) -> None:
    """Raises `InputError` where `AutoTokenizer` gives a text other ids than the tokenizer itself."""
    theirs = load_with_transformers(staging, "AutoTokenizer")
    for text in texts:
        if theirs(text)["input_ids"] != tokenizer.backend.encode(text).ids:
            raise InputError(
                f"AutoTokenizer cuts {text!r} into other ids than tokenizer.json says: it rebuilds the "
                "tokenizer from the model's configuration"
            )


def _extra(config: Mapping[str, Any]) -> Iterator[str]:
    """Special tokens without a role, under the name of this version of transformers and of earlier ones."""
    for key in ("extra_special_tokens", "additional_special_tokens"):
        tokens = config.get(key) or ()
        for token in tokens.values() if isinstance(tokens, Mapping) else tokens:
            token = token.get("content") if isinstance(token, Mapping) else token
            if isinstance(token, str):
                yield token
