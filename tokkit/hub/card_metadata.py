"""The metadata of cards: read, kept, and validated by the classes that the hub's library has for them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCardData, ModelCardData, RepoCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from tokkit.errors import InputError

_INDEX = "model-index"
# Keys that follow from the folder; all others are the user's.
DERIVED = (
    *("library_name", "pipeline_tag", "base_model", "datasets", "metrics", "tags", _INDEX),
    *("task_categories", "size_categories", "configs"),
)
# Those of them that the user may add to: what the folder does not say stays.
_ADDED = ("base_model", "datasets")
_CLASSES = {"model": ModelCardData, "dataset": DatasetCardData}


def parsed_metadata(text: str, path: Path) -> dict[str, Any]:
    """The keys of a card's YAML; raises `InputError` for what is no YAML or no mapping."""
    if not text.strip():
        return {}
    try:
        metadata: dict[str, Any] = RepoCard(f"---\n{text}---\n").data.to_dict()
    # of the library for YAML, which is no dependency of ours, or of the hub's where it is no mapping
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: its metadata is no valid YAML: {reason[:200]}", _again(path)) from error
    return metadata


def kept_metadata(old: Mapping[str, Any], derived: Mapping[str, Any]) -> dict[str, Any]:
    """What the user set, then the derived keys, which the user's do not overrule."""
    own = {key: value for key, value in old.items() if key not in DERIVED}
    own |= {key: old[key] for key in _ADDED if key in old and key not in derived}
    own_tags = old.get("tags")
    tags = [*derived.get("tags", ()), *(own_tags if isinstance(own_tags, list) else ())]
    return {**own, **derived, "tags": list(dict.fromkeys(tags))}


def valid_metadata(metadata: Mapping[str, Any], repository: str, path: Path) -> None:
    """Raises `InputError` where the hub's library does not read the metadata, or reads other results.

    repository   ``model`` or ``dataset``
    """
    content = {str(key): value for key, value in metadata.items()}
    try:
        _CLASSES[repository](**content).to_dict()
        if _INDEX in content:
            name, results = model_index_to_eval_results(content[_INDEX])
            if not isinstance(name, str) or not results:
                raise ValueError(f"{_INDEX} has no name or no results")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: its metadata is not as the hub reads it ({error})", _again(path)
        ) from error


def _again(path: Path) -> str:
    return f"correct it, or write the card again:\ntokkit card {shlex.quote(str(path.parent))} --force"
