"""Rows through `tokenizers` itself: the reference, and the way for what may not be cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.progress import Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.results import Encoded, TokenCounts
from tokkit.tokenizer.folder.tokenizer_folder import guarded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from tokkit.tokenizer.folder.load import LoadedTokenizer

Row = str | tuple[str, str]
"""A text, or a text and its pair."""

_BATCH = 1_000


@dataclass(frozen=True)
class Job:
    """What to encode, and how: the arguments of `encode.encode`."""

    texts: Sequence[str]
    pairs: Sequence[str] | None
    tokenizer: LoadedTokenizer
    max_length: int | None
    special: bool
    threads: int | None

    def __post_init__(self) -> None:
        if self.pairs is not None and len(self.pairs) != len(self.texts):
            raise ValueError(f"{len(self.texts)} texts, but {len(self.pairs)} pairs")

    def rows(self) -> Sequence[Row]:
        """Texts, each with its pair where there are pairs."""
        return self.texts if self.pairs is None else list(zip(self.texts, self.pairs, strict=True))

    def some(self, which: Sequence[int]) -> list[Row]:
        """Some of the rows."""
        texts, pairs = self.texts, self.pairs
        return [texts[row] if pairs is None else (texts[row], pairs[row]) for row in which]


def encodings(
    rows: Sequence[Row],
    job: Job,
    progress: Progress,
) -> Iterator[Any]:
    """The `tokenizers.Encoding` of some rows of the job, without offsets.

    Raises `InputError` where the tokenizer fails on a text.
    """
    backend = job.tokenizer.backend
    if job.max_length is not None:
        backend.enable_truncation(job.max_length)
    try:
        for start in range(0, len(rows), _BATCH):
            stop_if_cancelled(progress)
            found = _encoded(
                backend, list(rows[start : start + _BATCH]), job.special, str(job.tokenizer.folder)
            )
            yield from found
            progress.advance(len(found))
    finally:
        backend.no_truncation()


def bare_ids(texts: Sequence[str], tokenizer: LoadedTokenizer) -> list[list[int]]:
    """The ids of each text, without special tokens around it.

    Raises `InputError` where the tokenizer fails on a text.
    """
    found = _encoded(tokenizer.backend, list(texts), False, str(tokenizer.folder))
    return [encoding.ids for encoding in found]


def _encoded(backend: Tokenizer, rows: list[Row], special: bool, where: str) -> list[Any]:
    with guarded(
        f"{where}: the tokenizer fails on one of these texts",
        hint="it may lack an unknown token; train one on such text: tokkit train-wordpiece",
    ):
        # of a pair without a post-processor, the fast one gives no segments
        pairs = bool(rows) and isinstance(rows[0], tuple)
        encode_batch = backend.encode_batch if pairs else backend.encode_batch_fast
        return list(encode_batch(rows, add_special_tokens=special))


def encode(job: Job, progress: Progress) -> Encoded:
    """The rows as ids; equal ones are encoded once."""
    import numpy as np

    pieces: list[NDArray[np.int32]] = []
    segments: list[NDArray[np.int8]] = []
    cut: list[bool] = []
    number, rows = _distinct(job)
    for encoding in _staged(number, job, progress):
        pieces.append(np.array(encoding.ids, np.int32))
        cut.append(bool(encoding.overflowing))
        if job.pairs is not None:
            segments.append(np.array(encoding.type_ids, np.int8))
    lengths = np.fromiter((len(pieces[row]) for row in rows), np.int64, len(rows))
    return Encoded(
        ids=np.concatenate([np.empty(0, np.int32), *(pieces[row] for row in rows)]),
        offsets=np.concatenate(([0], np.cumsum(lengths))),
        truncated=sum(cut[row] for row in rows),
        segments=None
        if job.pairs is None
        else np.concatenate([np.empty(0, np.int8), *(segments[row] for row in rows)]),
    )


def token_counts(job: Job, progress: Progress) -> TokenCounts:
    """Tokens of every row; equal ones are encoded once."""
    import numpy as np

    unknown_id = job.tokenizer.id_of("unk")
    number, rows = _distinct(job)
    counts = np.zeros((2, len(number)), np.int64)
    for i, encoding in enumerate(_staged(number, job, progress)):
        ids = encoding.ids
        counts[:, i] = len(ids), 0 if unknown_id is None else ids.count(unknown_id)
    return TokenCounts(counts[0, rows], counts[1, rows])


def _distinct(job: Job) -> tuple[dict[Row, int], list[int]]:
    """Distinct rows with their numbers, and the number of every row."""
    rows = job.rows()
    number = {row: i for i, row in enumerate(dict.fromkeys(rows))}
    return number, [number[row] for row in rows]


def _staged(rows: Iterable[Row], job: Job, progress: Progress) -> Iterator[Any]:
    distinct = list(rows)
    with stage(progress, "encoding", len(distinct), "texts"):
        yield from encodings(distinct, job, progress)
