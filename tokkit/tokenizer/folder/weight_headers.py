"""Shapes of a checkpoint's weights, read from the headers of its safetensors files; no weight is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tokkit.errors import InputError
from tokkit.runtime.panics import reason_of

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

# How the table of input embeddings is named, as the end of its path.
INPUT_EMBEDDINGS = (
    *("word_embeddings.weight", "word_embedding.weight", "tok_embeddings.weight", "embed_tokens.weight"),
    *("wte.weight", "shared.weight", "tokens_embed.weight"),
)

POSITION_EMBEDDINGS = ("position_embeddings.weight", "embed_positions.weight", "wpe.weight")

Shape = tuple[int, ...]


def shapes(folder: Path) -> dict[str, Shape]:
    """Name -> shape of every weight in the folder; empty where it has no safetensors.

    Raises `InputError` for a file that is none, and for an index that names a file outside the folder.
    """
    return {name: shape for file in weight_files(folder) for name, shape in _shapes_in(file).items()}


def rows_of(weights: Mapping[str, Shape], names: tuple[str, ...]) -> int | None:
    """Rows of the first table whose path ends in one of these names; None where there is none."""
    # names first: the order of ``names`` is one of preference, that of the weights is arbitrary
    for ending in names:
        for name, shape in weights.items():
            if len(shape) == 2 and (name == ending or name.endswith("." + ending)):
                return shape[0]
    return None


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint, none where it has none; raises `InputError` as `shapes`."""
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    index = folder / INDEX
    if not index.exists():
        return []
    try:
        names = set(map(str, json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        return [_inside(folder, name, index) for name in sorted(names)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{index}: no index of weights: {reason_of(error)}") from error


def _inside(folder: Path, name: str, index: Path) -> Path:
    """The file of that name next to the index; it may be a link, for a hub's copy is all links."""
    # an index comes from a download and may name any path: nothing outside the folder is opened
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise InputError(
            f"{index}: names the file {name!r}, which is not in its own folder",
            hint="the files of a checkpoint lie next to its index; download it anew",
        )
    return folder / name


def _shapes_in(file: Path) -> dict[str, Shape]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), framework="numpy") as weights:
            names = weights.keys()
            return {name: tuple(weights.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{file}: no safetensors file: {reason_of(error)}", hint="a broken download? fetch it anew"
        ) from error
