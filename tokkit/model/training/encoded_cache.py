"""Encoded rows, kept between runs: the same texts, tokenizer and length are tokenized once.

    CACHE/encoded/3f9c....rows     32 bytes SHA-256 of what follows, then arrays as safetensors writes them

CACHE is that of downloads (`TOKKIT_CACHE`). An entry is found by a hash of all that decides what stands in
it; one that was cut short or changed is passed over and written anew; those used longest ago are removed once
all take more than `LARGEST` bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data.dataset import Rows
from tokkit.errors import OutputError
from tokkit.model.tasks.task import Task
from tokkit.progress import SILENT, Progress
from tokkit.sources.addresses import cache_folder
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer

LARGEST = 2 << 30
"""Bytes that all entries together may take."""

_VERSION = 1
"""Raised whenever tokkit encodes the same texts in another way."""
_DIGEST = hashlib.sha256().digest_size
_ROWS_AT_ONCE = 10_000

Encoder = Callable[..., Encoded]
"""``encoder(task, rows, tokenizer, max_length, threads=None, progress=SILENT)``, as ``task.encode``."""


def encode(
    task: Task,
    rows: Rows,
    tokenizer: LoadedTokenizer,
    max_length: int | None,
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Encoded:
    """What the task makes of the rows, without a cache."""
    return task.encode(rows, tokenizer, max_length, threads=threads, progress=progress)


def cached(
    task: Task,
    rows: Rows,
    tokenizer: LoadedTokenizer,
    max_length: int | None,
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Encoded:
    """The same, read from the cache where it stands there, else kept there.

    A cache that cannot be written is said and nothing more. Raises as `Task.encode`.
    """
    path = cache_folder() / "encoded" / f"{_key(task, rows, tokenizer, max_length)}.rows"
    found = _read(path)
    if found is None:
        found = encode(task, rows, tokenizer, max_length, threads=threads, progress=progress)
        _keep(path, found, progress)
    return found


def _key(task: Task, rows: Rows, tokenizer: LoadedTokenizer, max_length: int | None) -> str:
    """A hash of all that decides which ids come out: versions, task, tokenizer, length, texts in order."""
    made_with = sorted(files.versions("tokenizers", "safetensors").items())
    digest = hashlib.sha256(repr((_VERSION, made_with, task.name, max_length)).encode())
    _add(digest, [tokenizer.backend.to_str()])
    for column in (rows.texts, rows.pairs, *rows.tokens):
        digest.update(len(column).to_bytes(8, "little"))
        for start in range(0, len(column), _ROWS_AT_ONCE):
            _add(digest, column[start : start + _ROWS_AT_ONCE])
    return digest.hexdigest()


def _add(digest: Any, texts: Sequence[str]) -> None:
    """Adds texts so that no two lists of them give the same bytes: their lengths, then the texts."""
    digest.update(repr([len(text) for text in texts]).encode())
    digest.update("".join(texts).encode("utf-8", "surrogatepass"))


def _read(path: Path) -> Encoded | None:
    """What an entry holds; None where there is none, or not as it was written."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = path.read_bytes()
        os.utime(path)  # used now: others are removed before it
    except OSError:
        return None
    if hashlib.sha256(memoryview(content)[_DIGEST:]).digest() != content[:_DIGEST]:
        return None
    try:
        arrays = load(content[_DIGEST:])
        held: dict[str, Any] = {**arrays, "truncated": int(arrays["truncated"][0])}
        return Encoded(**held)
    except (SafetensorError, KeyError, TypeError):  # written by another version
        return None


def _keep(path: Path, encoded: Encoded, progress: Progress) -> None:
    import numpy as np
    from safetensors.numpy import save

    held = {each.name: getattr(encoded, each.name) for each in fields(encoded)}
    arrays = {name: np.atleast_1d(value) for name, value in held.items() if value is not None}
    content = save(arrays)
    if len(content) > LARGEST:
        return
    try:
        path.parent.mkdir(
            parents=True, exist_ok=True, mode=0o700
        )  # ids are texts to whoever has the tokenizer
        files.write_file(path, hashlib.sha256(content).digest() + content, force=True)
        _remove_oldest(path.parent)
    except (OSError, OutputError) as error:
        progress.say(f"{path.parent}: encoded rows are not kept: {error}")


def _remove_oldest(folder: Path) -> None:
    """Removes the entries used longest ago, until all take no more than `LARGEST` bytes."""
    entries = []
    for path in folder.glob("*.rows"):
        with suppress(OSError):  # another run was faster
            stat = path.stat()
            entries.append((stat.st_mtime_ns, path, stat.st_size))
    room = LARGEST
    for _, path, size in sorted(entries, reverse=True):
        room -= size
        if room < 0:
            path.unlink(missing_ok=True)
