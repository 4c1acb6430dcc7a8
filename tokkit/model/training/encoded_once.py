"""Rows encoded once, however many parts of them are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import Rows
from tokkit.model.network.batching import part_of
from tokkit.model.tasks.task import Task
from tokkit.model.training.encoded_cache import Encoder
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer


class EncodedOnce:
    """An `Encoder` for parts of the same rows: all are encoded at the first call, parts are taken from them.

    parts     rows that hold every text there is
    encoder   what encodes them, every text once

    How many texts were cut is said once, of all; a part says 0.
    """

    def __init__(self, parts: Iterable[Rows], encoder: Encoder) -> None:
        contents = dict.fromkeys(content for part in parts for content in _contents(part))
        self._place = {content: row for row, content in enumerate(contents)}
        texts, pairs, tokens = (list(column) for column in zip(*contents, strict=True))
        self._everything = Rows(
            *(texts, [], [], {}),
            pairs=pairs if any(pairs) else [],
            tokens=[list(each) for each in tokens] if any(tokens) else [],
        )
        self._encoder = encoder
        self._encoded: dict[Any, Encoded] = {}

    def __call__(
        self,
        task: Task,
        rows: Rows,
        tokenizer: LoadedTokenizer,
        max_length: int | None,
        *,
        threads: int | None = None,
        progress: Progress = SILENT,
    ) -> Encoded:
        import numpy as np

        key = (task.name, tokenizer.backend.to_str(), max_length)
        if key not in self._encoded:
            found = self._encoder(
                *(task, self._everything, tokenizer, max_length), threads=threads, progress=progress
            )
            if found.truncated:
                progress.say(f"{found.truncated:,} texts are cut at {max_length} tokens")
            self._encoded[key] = found
        places = np.array([self._place[content] for content in _contents(rows)], dtype=np.int64)
        return part_of(self._encoded[key], places)


def _contents(rows: Rows) -> list[tuple[str, str, tuple[str, ...]]]:
    """What the ids of each row depend on: text, second text and tokens."""
    nothing = [""] * len(rows.texts)
    tokens = [tuple(each) for each in rows.tokens or nothing]
    return list(zip(rows.texts, rows.pairs or nothing, tokens, strict=True))
