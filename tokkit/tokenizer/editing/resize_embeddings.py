"""The model's part of `add-tokens` and `trim`: resized embeddings, and token ids in its configuration.

Every row that belongs to a kept token stays as it was bit by bit; the model is written, read back, and must
give the same outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tokkit.errors import TokkitError
from tokkit.progress import SILENT, Progress, stage
from tokkit.tokenizer.editing import checkpoint, embeddings
from tokkit.tokenizer.editing.embeddings import KINDS, EmbeddingTables
from tokkit.tokenizer.editing.extend import NewToken
from tokkit.tokenizer.editing.folders import EditSource
from tokkit.tokenizer.editing.options import AddTokensOptions
from tokkit.tokenizer.editing.pruning import PrunedTokenizer
from tokkit.tokenizer.editing.token_requests import TokenRequest
from tokkit.tokenizer.folder.checkpoints import check_fit
from tokkit.tokenizer.folder.load import LoadedTokenizer

# Roles whose ids a model's configuration may hold, and the settings that hold ids.
_CONFIGURED_ROLES = ("pad", "bos", "eos", "sep", "cls", "mask")
_ID_SUFFIXES = ("_token_id", "_token_ids", "_token_index")
_ID_LISTS = ("bad_words_ids", "suppress_tokens", "begin_suppress_tokens")


def load_fitting_model(source: EditSource, progress: Progress) -> PreTrainedModel:
    """The model of an edit; raises `InputError` for one whose embeddings belong to another tokenizer."""
    assert source.checkpoint is not None
    with stage(progress, "loading the model"):
        model = checkpoint.load_model(source.checkpoint, source.model_name, progress)
    check_fit(
        source.checkpoint, model.config, source.tokenizer, hint="leave out TOKENIZER to edit the model's own"
    )
    return model


def grow_model(
    staging: Path,
    source: EditSource,
    new: LoadedTokenizer,
    tokens: Sequence[NewToken],
    requests: Sequence[TokenRequest],
    options: AddTokensOptions,
    progress: Progress,
) -> dict[str, Any]:
    """Write the model with rows for new tokens; returns the fields of `AddTokensResult` about it.

    new     the extended tokenizer
    tokens  its new tokens, by id
    """
    model, old, name = load_fitting_model(source, progress), source.tokenizer, source.model_name
    tables = embeddings.copy_tables(model, name)
    # never below the rows that are there: some models pad their table to a multiple (262,208 rows for
    # 262,145 tokens), and resizing to the number of tokens would shrink it
    multiple = options.pad_to_multiple_of or 1
    rows = -(-max(tables.rows, new.vocab_size) // multiple) * multiple
    pieces = [token.pieces for token in tokens]
    longer = tables.map(
        lambda _, table: embeddings.extend_table(
            table, old.vocab_size, pieces, rows, options.init, options.seed
        )
    )
    _configure_roles(model, requests, new)
    text = " ".join(dict.fromkeys(request.token for request in requests)) or "a"
    with stage(progress, "writing the model"):
        _write_model(staging, source, model, longer, new.backend.encode(text).ids or [0])
    reused = max(0, min(tables.rows, new.vocab_size) - old.vocab_size)
    if reused:
        progress.say(
            f"{name}: {reused} of the new tokens use existing rows that belonged to no token; they are "
            "initialized again"
        )
    unknown = [token.token for token in tokens if not token.pieces]
    if unknown and options.init != "random":
        progress.say(f"{', '.join(unknown[:5])}: no known piece; initialized with the mean of the table")
    return {
        "model_class": type(model).__name__,
        "embedding_rows_before": tables.rows,
        "embedding_rows_after": rows,
        "unused_rows_taken": reused,
        "init": options.init,
        "from_mean": () if options.init == "random" else tuple(unknown),
    }


def _configure_roles(model: PreTrainedModel, requests: Sequence[TokenRequest], new: LoadedTokenizer) -> None:
    for request in (request for request in requests if request.role in _CONFIGURED_ROLES):
        id_ = new.backend.token_to_id(request.token)
        for config in (model.config.get_text_config(), getattr(model, "generation_config", None)):
            if config is not None:
                setattr(config, f"{request.role}_token_id", id_)


def prune_model(
    staging: Path, source: EditSource, model: PreTrainedModel, pruned: PrunedTokenizer, progress: Progress
) -> dict[str, Any]:
    """Write the model with the kept rows alone; returns the fields of `TrimResult` about it.

    Raises `InputError` where it gives other outputs for the sample texts of the pruning.
    """
    name, kept_ids, sample_ids = source.model_name, pruned.kept_ids, pruned.sample_ids
    tables, parameters = embeddings.copy_tables(model, name), model.num_parameters()
    rows = torch.tensor(kept_ids)
    outputs = [
        checkpoint.model_outputs(model, old, name, vocabulary=(tables.rows, rows)) for old, _ in sample_ids
    ]
    if lost := map_token_ids(model, {old: new for new, old in enumerate(kept_ids)}):
        progress.say(f"{name}: {', '.join(lost)}: set to none, as their ids belong to no token")
    shorter = tables.map(lambda _, table: table.index_select(0, rows))
    with stage(progress, "writing the model"):
        reloaded = _write_model(staging, source, model, shorter, sample_ids[0][1])
    for expected, (_, new) in zip(outputs, sample_ids, strict=True):
        checkpoint.check_same_outputs(expected, checkpoint.model_outputs(reloaded, new, name), name)
    return {
        "model_class": type(model).__name__,
        "embedding_rows_before": tables.rows,
        "embedding_rows_after": len(kept_ids),
        "parameters_before": parameters,
        "parameters_after": reloaded.num_parameters(),
    }


def _write_model(
    staging: Path, source: EditSource, model: PreTrainedModel, tables: EmbeddingTables, ids: Sequence[int]
) -> PreTrainedModel:
    """Give the model these tables, write it, and read it back; returns the model read back.

    ids  a text for which both models must give the same outputs

    Raises `InputError` where they do not, `TokkitError` where a weight differs from what was written.
    """
    assert source.checkpoint is not None
    name = source.model_name
    # new rows are rounded here, so that what is read back can be compared bit by bit
    tables = _as_stored(
        tables, embeddings.weight_names(model, name), checkpoint.stored_types(source.checkpoint)
    )
    replaced = embeddings.replace_tables(model, tables, name)
    expected = checkpoint.model_outputs(model, ids, name)
    checkpoint.save_model(model, source.checkpoint, staging)
    checkpoint.check_untouched(source.checkpoint, staging, replaced)
    reloaded = checkpoint.load_model(staging, name, SILENT)
    read_back = embeddings.copy_tables(reloaded, name)
    for kind in KINDS:
        if not checkpoint.same_bits(getattr(tables, kind), getattr(read_back, kind)):
            raise TokkitError(
                f"internal error: the {kind} embeddings read back differ from those written; this is a bug "
                "in tokkit, please report it"
            )
    checkpoint.check_same_outputs(expected, checkpoint.model_outputs(reloaded, ids, name), name)
    return reloaded


def _as_stored(
    tables: EmbeddingTables, names: Mapping[str, frozenset[str]], types: Mapping[str, torch.dtype]
) -> EmbeddingTables:
    """The tables rounded to the type each is stored in; only new rows can change by that."""

    def rounded(kind: str, table: Tensor) -> Tensor:
        stored = next((types[name] for name in sorted(names[kind]) if name in types), table.dtype)
        return table.to(stored).to(table.dtype)

    return tables.map(rounded)


def configured_ids(model: PreTrainedModel) -> set[int]:
    """Every token id in the configurations of a model, that of generation included."""
    ids: set[int] = set()
    for config in _configs(model):
        _map_nested(list(_id_settings(config).values()), ids.add)
    return ids


def map_token_ids(model: PreTrainedModel, new_ids: Mapping[int, int]) -> list[str]:
    """Give the configurations the new ids; returns the settings set to None, as their ids have no token."""
    lost = set()
    for config in _configs(model):
        for name, value in _id_settings(config).items():
            try:
                setattr(config, name, _map_nested(value, new_ids.__getitem__))
            except KeyError:
                setattr(config, name, None)
                lost.add(name)
    return sorted(lost)


def _configs(model: PreTrainedModel) -> list[Any]:
    # a model of several modalities has a configuration for its text model inside its own
    configs = [model.config, model.config.get_text_config(), getattr(model, "generation_config", None)]
    return list({id(config): config for config in configs if config is not None}.values())


def _id_settings(config: Any) -> dict[str, Any]:
    """Its settings that hold token ids and are not None."""
    return {
        name: value
        for name, value in config.to_dict().items()
        if value is not None and (name.endswith(_ID_SUFFIXES) or name in _ID_LISTS)
    }


def _map_nested(value: Any, change: Callable[[int], Any]) -> Any:
    """Apply a function to every id in a setting: one, a list, or a list of lists."""
    if isinstance(value, list | tuple):
        return [_map_nested(item, change) for item in value]
    return change(value) if isinstance(value, int) else value
