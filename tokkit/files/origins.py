"""Where inputs of the hub are from: repository and commit, which receipts record next to their hashes.

A snapshot in the cache of the hub has both in its path; a data set that was read from the hub and written to
a temporary folder has them in a hidden file next to its rows.

    ~/.cache/huggingface/hub/models--OWNER--NAME/snapshots/COMMIT/
    {"hub": "datasets/OWNER/NAME", "revision": "COMMIT"}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_RECORD = ".tokkit-origin.json"
_HUB, _DATASETS = "hub:", "datasets/"
_KINDS = {"models": "", "datasets": _DATASETS}
_SNAPSHOT = re.compile(r"[^\s'\"]*[/\\](?:models|datasets)--([^/\\\s]+)[/\\]snapshots[/\\]\w+")


def without_cache(message: str) -> str:
    """A message that names repositories in place of folders in the cache of the hub.

    >>> without_cache("/home/ada/hub/models--ada--moods/snapshots/0f3c/metrics.json: is empty")
    'ada/moods/metrics.json: is empty'
    """
    return _SNAPSHOT.sub(lambda match: match[1].replace("--", "/"), message)


def write_origin(folder: Path, repository: str, revision: str) -> None:
    """Record for the files in a folder that they are those of a commit of a repository."""
    content = {"hub": repository, "revision": revision}
    (folder / _RECORD).write_text(json.dumps(content), encoding="utf-8")


def origin_of(path: Path) -> dict[str, str]:
    """``{"hub", "revision"}`` of a file or folder; empty for one that is not of the hub.

    >>> origin_of(Path("hub/models--ada--moods/snapshots/0f3c/config.json"))
    {'hub': 'ada/moods', 'revision': '0f3c'}
    """
    for folder in (path, *path.parents):
        kind, _, name = folder.parent.parent.name.partition("--")
        if folder.parent.name == "snapshots" and kind in _KINDS and name:
            return {"hub": _KINDS[kind] + name.replace("--", "/"), "revision": folder.name}
    record = path.parent / _RECORD
    if path.is_dir() or not record.is_file():
        return {}
    content = json.loads(record.read_bytes())
    return {"hub": str(content["hub"]), "revision": str(content["revision"])}


def pinned(source: str, inputs: Iterable[Mapping[str, Any]]) -> str:
    """A name of the hub with the commit that a receipt records for it; any other source as it is.

    inputs   of the receipt

    >>> pinned("hub:imdb:test", [{"hub": "datasets/imdb", "revision": "0f3c"}])
    'hub:imdb@0f3c:test'
    """
    bare = source.removeprefix(_HUB)
    for item in inputs:
        name, revision = str(item.get("hub", "")).removeprefix(_DATASETS), item.get("revision")
        following = bare[len(name) : len(name) + 1]
        is_named = bool(name) and bare.startswith(name) and following in ("", "@", ":", "/")
        if is_named and revision:
            rest = bare[len(name) :]
            configuration, _, split = rest.partition(":")
            configuration = configuration.partition("@")[0]
            return f"{_HUB}{name}{configuration}@{revision}{f':{split}' if split else ''}"
    return source
