"""Rows as ids: encoded by the task, kept in a cache between runs, and shared between folds.

    CACHE/encoded/3f9c....rows     32 bytes SHA-256 of the rest, then arrays in the safetensors format

CACHE is that of downloads (`TOKKIT_CACHE`). The name of an entry is a hash of everything that decides its
content; a truncated or changed entry is ignored and written again; entries used longest ago are removed once
all together take more than `CACHE_BYTES`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tokkit import files
from tokkit.data.dataset import Rows
from tokkit.errors import OutputError, counted
from tokkit.model.network.batches import part_of
from tokkit.model.network.classifier import Classifier
from tokkit.progress import Progress
from tokkit.sources.downloads import cache_folder
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.encoding.truncation import truncate

# Bytes that all entries together may take.
CACHE_BYTES = 2 << 30

# Raised whenever tokkit encodes the same texts differently.
_VERSION = 1
_DIGEST_BYTES = hashlib.sha256().digest_size
_TEXTS_PER_UPDATE = 10_000


# How rows become ids: `Classifier.encode`, or a function with the same result.
Encoder: TypeAlias = Callable[[Classifier, Rows, int | None, Progress], Encoded]


def cached(classifier: Classifier, rows: Rows, threads: int | None, progress: Progress) -> Encoded:
    """Read the encoded rows from the cache, else encode them and write them there.

    A cache that cannot be written is reported, and is no error. Raises as `Task.encode`.
    """
    path = cache_folder() / "encoded" / f"{_key(classifier, rows)}.rows"
    encoded = _read(path)
    if encoded is None:
        encoded = classifier.encode(rows, threads, progress)
        _write(path, encoded, progress)
    return encoded


def from_ids(classifier: Classifier, rows: Rows) -> Encoded:
    """The rows of a folder that `encode` wrote, truncated as their texts would be; raises as `truncate`."""
    itemsize = np.dtype(np.int32).itemsize
    lengths = [len(ids) // itemsize for ids in rows.input_ids]
    segments = np.frombuffer(b"".join(rows.segments), dtype=np.int8) if rows.segments else None
    encoded = Encoded(
        ids=np.frombuffer(b"".join(rows.input_ids), dtype=np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        truncated=0,
        segments=segments,
    )
    return truncate(encoded, classifier.tokenizer, classifier.limits.max_length)


class EncodedOnce:
    """An `Encoder` for parts of the same rows: all distinct texts are encoded at the first call, once.

    parts     rows that together have every text
    encoder   encodes each distinct text once

    The number of truncated texts is reported once, for all of them; in a part it is 0.
    """

    def __init__(self, parts: Iterable[Rows], encoder: Encoder) -> None:
        # A dict keeps the order of first occurrence, so that the cache finds the same rows again.
        contents = dict.fromkeys(content for part in parts for content in _contents(part))
        self._index = {content: row for row, content in enumerate(contents)}
        texts, pairs, tokens = (list(column) for column in zip(*contents, strict=True))
        tokens = [list(words) for words in tokens] if any(tokens) else []
        self._distinct = Rows(texts, [], [], {}, pairs=pairs if any(pairs) else [], tokens=tokens)
        self._encoder = encoder
        self._encoded: dict[Any, Encoded] = {}

    def __call__(
        self, classifier: Classifier, rows: Rows, threads: int | None, progress: Progress
    ) -> Encoded:
        # Settings that are compared may differ in --max-length; each length is encoded once.
        max_length = classifier.limits.max_length
        key = (classifier.task.name, classifier.tokenizer.backend.to_str(), max_length)
        if key not in self._encoded:
            encoded = self._encoded[key] = self._encoder(classifier, self._distinct, threads, progress)
            if encoded.truncated:
                texts = counted(encoded.truncated, "text", style=",")
                progress.say(f"{texts} truncated at {counted(max_length, 'token')}")
        indices = np.array([self._index[content] for content in _contents(rows)], dtype=np.int64)
        return part_of(self._encoded[key], indices)


def _contents(rows: Rows) -> list[tuple[str, str, tuple[str, ...]]]:
    """What the ids of each row depend on: text, second text and tokens."""
    empty = [""] * len(rows.texts)
    tokens = [tuple(words) for words in rows.tokens or empty]
    return list(zip(rows.texts, rows.pairs or empty, tokens, strict=True))


def _key(classifier: Classifier, rows: Rows) -> str:
    """A hash of everything that decides the ids: versions, task, tokenizer, length, texts in order."""
    # Another version of tokenizers may split the same text differently.
    versions = sorted(files.versions("tokenizers", "safetensors").items())
    settings = (_VERSION, versions, classifier.task.name, classifier.limits.max_length)
    digest = hashlib.sha256(repr(settings).encode())
    _update(digest, [classifier.tokenizer.backend.to_str()])
    # The length first, so that a column cannot continue into the next one.
    for column in (rows.texts, rows.pairs, *rows.tokens):
        digest.update(len(column).to_bytes(8, "little"))
        for start in range(0, len(column), _TEXTS_PER_UPDATE):
            _update(digest, column[start : start + _TEXTS_PER_UPDATE])
    return digest.hexdigest()


def _update(digest: Any, texts: Sequence[str]) -> None:
    """Add texts to a hash; their lengths come first, so that ["ab", "c"] and ["a", "bc"] differ."""
    digest.update(repr([len(text) for text in texts]).encode())
    digest.update("".join(texts).encode("utf-8", "surrogatepass"))


def _read(path: Path) -> Encoded | None:
    """The content of an entry; None where there is none, or not as it was written."""
    try:
        content = path.read_bytes()
        os.utime(path)  # the time of last use: entries used before it are removed first
    except OSError:
        return None
    if hashlib.sha256(memoryview(content)[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
        return None
    try:
        arrays = load(content[_DIGEST_BYTES:])
        # Written as an array of one number, as safetensors has only arrays.
        columns: dict[str, Any] = {**arrays, "truncated": int(arrays["truncated"][0])}
        return Encoded(**columns)
    except (SafetensorError, KeyError, TypeError):  # written by another version
        return None


def _write(path: Path, encoded: Encoded, progress: Progress) -> None:
    columns = {name: value for name, value in vars(encoded).items() if value is not None}
    content = save({name: np.atleast_1d(value) for name, value in columns.items()})
    # It would be removed again at once, with all others before it.
    if len(content) > CACHE_BYTES:
        return
    try:
        # For the user alone: with the tokenizer, ids are as readable as the texts.
        files.private_folder(path.parent)
        files.write_file(path, hashlib.sha256(content).digest() + content, force=True)
        _remove_oldest(path.parent)
    except (OSError, OutputError) as error:
        progress.say(f"{path.parent}: encoded rows are not cached: {error}")


def _remove_oldest(folder: Path) -> None:
    """Remove the entries used longest ago, until all take no more than `CACHE_BYTES`."""
    entries = []
    for path in folder.glob("*.rows"):
        with suppress(OSError):  # another run removed it first
            stat = path.stat()
            entries.append((stat.st_mtime_ns, path, stat.st_size))
    room = CACHE_BYTES
    for _, path, size in sorted(entries, reverse=True):
        room -= size
        if room < 0:
            path.unlink(missing_ok=True)
