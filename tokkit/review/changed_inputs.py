"""Which inputs of a receipt are no longer there, or no longer as they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.files import Fields


def changed_inputs(receipt: Fields, described_in: str = "inputs") -> Iterator[str]:
    """A sentence for each input that is missing or has other content than its hash in the receipt says.

    described_in   the list of inputs in the receipt

    What is of the hub is recorded with its commit, and is not looked for.
    """
    result, run = receipt.fields("result"), receipt.fields("run")
    candidates = dict.fromkeys(_recorded_paths(run))
    for item in result.objects(described_in, "a list of files, each with its sha256", default=()):
        name = item.text("name")
        if item.text("hub", default=None) is not None:
            continue
        paths = [path for path in candidates if path.name == name]
        # The files of a folder that was named as a whole are looked for in it.
        paths += [path for folder in candidates if folder.is_dir() for path in folder.rglob(name)]
        present = [path for path in paths if path.exists()]
        if not present:
            yield f"{name} no longer exists" + (f" ({paths[0]})" if paths else "")
        elif not any(files.unchanged(path, item) for path in present):
            yield f"{present[0]} has changed"


def _recorded_paths(run: Fields) -> Iterator[Path]:
    """The paths that a run read, as far as its receipt records them."""
    sources: Fields | None = run.fields("sources", default=None)
    values: Mapping[str, Any] = {} if sources is None else sources.content
    for value in (run.content.get("inputs"), run.content.get("corpus"), *values.values()):
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and Path(name).is_absolute():
                yield Path(name)
