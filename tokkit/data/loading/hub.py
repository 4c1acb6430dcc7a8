"""``hub:NAME[/CONFIG][:SPLIT]``: a data set of the Hugging Face hub, as Parquet files on this machine.

    hub:imdb    hub:stanfordnlp/imdb    hub:nyu-mll/glue/sst2    hub:stanfordnlp/imdb:test

The `datasets` library downloads it to its own cache; nothing that comes with a data set is run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tokkit.data import saved
from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.sources import addresses, paths

PREFIX = "hub:"
_ADDRESS = re.compile(r"hub:(?P<name>[\w.-]+(?:/[\w.-]+){0,2})(?::(?P<split>\w+))?")


def is_hub(source: str) -> bool:
    """Whether a source names the hub; an existing path of that name comes first."""
    return source.startswith(PREFIX) and not paths.is_path(Path(source))


def fetch(source: str, progress: Progress) -> Path:
    """A temporary folder with a Parquet file a split; that the network is used is said.

    Raises `UsageError` for what is no name, `InputError` for a data set that is not there or cannot be read
    without running its code, and offline.
    """
    match = _ADDRESS.fullmatch(source)
    if match is None:
        raise UsageError(
            f"{source}: no name of a data set on the hub",
            hint="write it as hub:OWNER/NAME, hub:OWNER/NAME/CONFIG or hub:OWNER/NAME:SPLIT",
        )
    forbidden = addresses.offline()
    if forbidden == "TOKKIT_OFFLINE":
        raise InputError(
            f"{source}: TOKKIT_OFFLINE forbids the network",
            hint="HF_HUB_OFFLINE=1 in its place takes what the datasets library has kept, or name a file",
        )
    progress.say(
        f"{source}: HF_HUB_OFFLINE forbids the network; looking in the cache of the datasets library"
        if forbidden
        else f"{source}: asking the hub over the network"
    )
    splits = _load(source, match["name"], match["split"])
    folder = paths.temporary_folder() / match["name"].replace("/", "-")
    folder.mkdir()
    for name, rows in splits.items():
        rows.to_parquet(folder / f"{name}.parquet")
    return folder


def _load(source: str, name: str, split: str | None) -> dict[str, Any]:
    """Split -> rows. Of ``a/b/c``, c is a configuration; of ``a/b``, b is one where no a/b is there."""
    import datasets
    from huggingface_hub.utils import logging

    before, _, last = name.rpartition("/")
    readings: list[tuple[str, str | None]] = [(name, None), (before, last)]
    told = ""
    logging.set_verbosity_error()  # what goes wrong is told below, once
    for path, configuration in readings[1:] if "/" in before else readings[: 1 + bool(before)]:
        try:
            with saved.without_bars():
                loaded = datasets.load_dataset(path, configuration, split=split)
            return {split: loaded} if split else {str(key): rows for key, rows in loaded.items()}
        except Exception as error:  # the library raises of its own, the hub's, and of what reads the files
            lines = str(error).strip().splitlines()
            told = told or (lines[0] if lines else type(error).__name__)
    raise InputError(
        f"{source}: cannot be loaded from the hub: {told[:200]}",
        hint="check the name (OWNER/NAME), its configurations and splits, and the network",
    )
