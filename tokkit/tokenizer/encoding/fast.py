"""Rows of text as token ids by way of their distinct chunks, in threads, checked against `tokenizers`."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import SILENT, Progress, stage
from tokkit.runtime import threads
from tokkit.runtime.byte_table import zeros
from tokkit.runtime.kernel_cache import say_if_compiling
from tokkit.tokenizer.encoding import bare_rows, row_kernels
from tokkit.tokenizer.encoding.bare_rows import BareRows, NotText, RowEncoder, spans
from tokkit.tokenizer.encoding.chunk_encoder import ChunkEncoder
from tokkit.tokenizer.encoding.frame import Frame
from tokkit.tokenizer.encoding.reference import Encoded, EncodeRequest, TokenCounts

# Rows compared with `tokenizers` besides the longest, and characters of the longest one that is.
_CHECKED = 64
_LONGEST_CHECKED = 1 << 16

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


def encode(request: EncodeRequest, progress: Progress) -> Encoded | None:
    """The rows as ids; None where `tokenizers` has to encode them, with a message where that is a bug."""
    return _run(request, _Ids, progress)


def token_counts(request: EncodeRequest, progress: Progress) -> TokenCounts | None:
    """Tokens of every row; None as in `encode`."""
    return _run(request, _Counts, progress)


class _Collected(Protocol[Result_co]):
    """Collects the rows of all spans, in whatever order they are encoded."""

    with_ids: bool

    def __init__(self, request: EncodeRequest, frame: Frame, unknown: int) -> None: ...

    def add(self, span: slice, first: BareRows, second: BareRows | None) -> None:
        """The rows' bare ids and those of their pairs; called from several threads."""

    def result(self) -> Result_co:
        """All rows; called once."""

    def differs(self, result: Any, row: int, encoding: Any) -> bool:
        """Whether a row of the result is not what `tokenizers` gives."""


def _run(request: EncodeRequest, collected: type[_Collected[Result]], progress: Progress) -> Result | None:
    frame = Frame.of(request.tokenizer.backend, request.special, request.pairs is not None)
    encoder = ChunkEncoder.of(request.tokenizer) if frame else None
    if frame is None or encoder is None:
        return None
    for module in (row_kernels, encoder.model.kernels) if encoder.model else (row_kernels,):
        say_if_compiling(module.__name__.rpartition(".")[2], progress)
    number = threads.threads_to_use(request.threads)
    rows, sizes = collected(request, frame, encoder.unknown), _sizes(request)
    tasks = threads.Tasks(spans(sizes))

    def work(tasks: threads.Tasks[slice]) -> None:
        # a table for each thread needs no lock; a chunk that occurs in several is encoded several times
        row_encoder = RowEncoder(encoder, bare_rows.DISTINCT // number, rows.with_ids)
        for span in tasks:
            first = row_encoder.encode(request.texts[span])
            second = None if request.pairs is None else row_encoder.encode(request.pairs[span])
            rows.add(span, first, second)
            tasks.done(len(first.tokens))

    try:
        with stage(progress, "encoding", len(sizes), "texts"):
            threads.run(work, tasks, number, progress)
    except NotText:  # `tokenizers` reports what is wrong with it
        return None
    result = rows.result()
    # a difference means a bug here, or a new version of `tokenizers`: correct ids come first
    checked = _sample(sizes)
    texts = request.rows()
    expected = request.encodings([texts[row] for row in checked], SILENT)
    wrong = sum(rows.differs(result, row, encoding) for row, encoding in zip(checked, expected, strict=True))
    if wrong:
        progress.say(
            f"internal error: {wrong} of {len(checked)} texts were not encoded as tokenizers encodes them; "
            "it encodes all of them now, which takes longer; this is a bug in tokkit, please report it"
        )
        return None
    return result


def framed(frame: Frame, first: BareRows, second: BareRows | None, max_length: int | None) -> Encoded:
    """The rows with their special tokens, each cut to ``max_length`` tokens where one is given.

    second  the rows of their pairs; None where rows are single texts
    """
    lengths = first.tokens, np.zeros_like(first.tokens) if second is None else second.tokens
    left = frame.truncated(*lengths, max_length)
    total = left[0] + left[1] + frame.size
    offsets = np.concatenate(([0], np.cumsum(total)))
    at = offsets[:-1].copy()
    # `zeros` returns memory to the system when the rows are dropped; the heap would keep it
    ids = zeros(int(offsets[-1]), np.int32)
    for special, bare, bare_left in ((frame.before, first, left[0]), (frame.between, second, left[1])):
        row_kernels.write_parts(np.array(special[0], np.int32), ids, at)
        if bare is not None:
            row_kernels.copy_parts(bare.ids, np.cumsum(bare.tokens) - bare.tokens, bare_left, ids, at)
    row_kernels.write_parts(np.array(frame.behind[0], np.int32), ids, at)
    segments = None
    if second is not None:
        segments = zeros(len(ids), np.int8)
        segments[:] = frame.segments(*left)
    truncated = (left[0] < lengths[0]) | (left[1] < lengths[1])
    return Encoded(ids, offsets, int(truncated.sum()), segments)


def _sizes(request: EncodeRequest) -> NDArray[np.int64]:
    """Characters of each row."""
    sizes = np.fromiter(map(len, request.texts), np.int64, len(request.texts))
    if request.pairs is not None:
        sizes += np.fromiter(map(len, request.pairs), np.int64, len(request.pairs))
    return sizes


def _sample(sizes: NDArray[np.int64]) -> list[int]:
    """Rows spread evenly, and the longest one."""
    if not len(sizes):
        return []
    rows = np.linspace(0, len(sizes) - 1, min(_CHECKED, len(sizes))).astype(np.int64)
    # the longest row is where buffers and queues are fullest
    fitting = np.where(sizes <= _LONGEST_CHECKED, sizes, -1)
    return sorted({*rows[fitting[rows] >= 0].tolist(), int(fitting.argmax())})


class _Counts:
    with_ids = False

    def __init__(self, request: EncodeRequest, frame: Frame, unknown: int) -> None:
        self._counts = TokenCounts(*np.empty((2, len(request.texts)), np.int64))
        self._around = frame.size, frame.ids().count(unknown)
        self._unknown = unknown

    def add(self, span: slice, first: BareRows, second: BareRows | None) -> None:
        self._counts.tokens[span] = first.tokens + self._around[0]
        self._counts.unknown[span] = first.unknown + self._around[1]
        if second is not None:
            self._counts.tokens[span] += second.tokens
            self._counts.unknown[span] += second.unknown

    def result(self) -> TokenCounts:
        return self._counts

    def differs(self, result: TokenCounts, row: int, encoding: Any) -> bool:
        ids = encoding.ids
        return (len(ids), ids.count(self._unknown)) != (result.tokens[row], result.unknown[row])


class _Ids:
    with_ids = True

    def __init__(self, request: EncodeRequest, frame: Frame, unknown: int) -> None:
        self._frame = frame
        self._max_length = request.max_length
        self._pairs = request.pairs is not None
        self._lengths = np.zeros(len(request.texts), np.int64)
        self._spans: dict[int, Encoded] = {}

    def add(self, span: slice, first: BareRows, second: BareRows | None) -> None:
        encoded = framed(self._frame, first, second, self._max_length)
        self._lengths[span] = encoded.lengths
        self._spans[span.start] = encoded

    def result(self) -> Encoded:
        offsets = np.concatenate(([0], np.cumsum(self._lengths)))
        ids = np.empty(int(offsets[-1]), np.int32)
        segments = np.empty(int(offsets[-1]), np.int8) if self._pairs else None
        end = truncated = 0
        for first in sorted(self._spans):
            # popped, so that the ids are not in memory twice at the end
            span = self._spans.pop(first)
            at = slice(end, end + len(span.ids))
            ids[at] = span.ids
            if segments is not None and span.segments is not None:
                segments[at] = span.segments
            end += len(span.ids)
            truncated += span.truncated
        return Encoded(ids, offsets, truncated, segments)

    def differs(self, result: Encoded, row: int, encoding: Any) -> bool:
        at = slice(int(result.offsets[row]), int(result.offsets[row + 1]))
        segments_differ = result.segments is not None and result.segments[at].tolist() != encoding.type_ids
        return segments_differ or result.ids[at].tolist() != encoding.ids
