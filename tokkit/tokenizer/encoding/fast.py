"""Rows of text as token ids by way of their distinct chunks, in threads, checked against `tokenizers`."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import SILENT, Progress, stage
from tokkit.runtime import threads
from tokkit.runtime.byte_table import zeros
from tokkit.runtime.kernel_cache import say_if_compiling
from tokkit.tokenizer.encoding import bare_rows, reference, row_kernels
from tokkit.tokenizer.encoding.bare_rows import BareRows, NotText, RowEncoder, Span, spans
from tokkit.tokenizer.encoding.chunk_encoder import ChunkEncoder
from tokkit.tokenizer.encoding.frame import Frame
from tokkit.tokenizer.encoding.reference import Encoded, EncodeRequest, TokenCounts

_CHECKED = 64
_LONGEST_CHECKED = 1 << 16
"""Rows compared with `tokenizers` besides the longest, and characters of the longest one that is."""

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

    def add(self, span: Span, first: BareRows, second: BareRows | None) -> None:
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
    for module in ("row_kernels", *encoder.kernels):
        say_if_compiling(module, progress)
    number = threads.threads_to_use(request.threads)
    rows, sizes = collected(request, frame, encoder.unknown), _sizes(request)
    tasks = threads.Tasks(spans(sizes))

    def work(tasks: threads.Tasks[Span]) -> None:
        # a table for each thread needs no lock; a chunk that occurs in several is encoded several times
        row_encoder = RowEncoder(encoder, bare_rows.DISTINCT // number, rows.with_ids)
        for span in tasks:
            first = row_encoder.encode(span.of(request.texts))
            second = None if request.pairs is None else row_encoder.encode(span.of(request.pairs))
            rows.add(span, first, second)
            tasks.done(len(span))

    try:
        with stage(progress, "encoding", len(sizes), "texts"):
            threads.run(work, tasks, number, progress)
    except NotText:  # `tokenizers` reports what is wrong with it
        return None
    result = rows.result()
    # a difference means a bug here, or a new version of `tokenizers`: correct ids come first
    checked = _sample(sizes)
    expected = reference.encodings(request.some(checked), request, SILENT)
    wrong = sum(rows.differs(result, row, encoding) for row, encoding in zip(checked, expected, strict=True))
    if wrong:
        progress.say(
            f"internal error: {wrong} of {len(checked)} texts were not encoded as tokenizers encodes them; "
            "it encodes all of them now, which takes longer; this is a bug in tokkit, please report it"
        )
        return None
    return result


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
    spread = np.linspace(0, len(sizes) - 1, min(_CHECKED, len(sizes))).astype(np.int64)
    # the longest row is where buffers and queues are fullest
    fitting = np.where(sizes <= _LONGEST_CHECKED, sizes, -1)
    return sorted({*spread[fitting[spread] >= 0].tolist(), int(fitting.argmax())})


class _Counts:
    with_ids = False

    def __init__(self, request: EncodeRequest, frame: Frame, unknown: int) -> None:
        self._counts = TokenCounts(*np.empty((2, len(request.texts)), np.int64))
        self._around = frame.size, frame.ids().count(unknown)
        self._unknown = unknown

    def add(self, span: Span, first: BareRows, second: BareRows | None) -> None:
        rows = slice(span.first, span.last)
        self._counts.tokens[rows] = first.tokens + self._around[0]
        self._counts.unknown[rows] = first.unknown + self._around[1]
        if second is not None:
            self._counts.tokens[rows] += second.tokens
            self._counts.unknown[rows] += second.unknown

    def result(self) -> TokenCounts:
        return self._counts

    def differs(self, result: TokenCounts, row: int, encoding: Any) -> bool:
        ids = encoding.ids
        return (len(ids), ids.count(self._unknown)) != (result.tokens[row], result.unknown[row])


class _Ids:
    with_ids = True

    def __init__(self, request: EncodeRequest, frame: Frame, unknown: int) -> None:
        self._frame = frame
        self._most = request.max_length
        self._pairs = request.pairs is not None
        self._lengths = np.zeros(len(request.texts), np.int64)
        self._spans: dict[int, tuple[NDArray[np.int32], NDArray[np.int8] | None, int]] = {}

    def add(self, span: Span, first: BareRows, second: BareRows | None) -> None:
        frame = self._frame
        bare = [first] if second is None else [first, second]
        lengths = [rows.tokens for rows in bare]
        kept = frame.kept(lengths[0], lengths[1] if second else np.zeros_like(lengths[0]), self._most)
        self._lengths[span.first : span.last] = total = kept[0] + kept[1] + frame.size
        starts = np.cumsum(total) - total
        # `zeros` returns memory to the system when `result` drops the span; the heap would keep it
        ids = zeros(int(total.sum()), np.int32)
        at = starts.copy()
        row_kernels.write_parts(np.array(frame.before[0], np.int32), ids, at)
        row_kernels.copy_parts(first.ids, np.cumsum(first.tokens) - first.tokens, kept[0], ids, at)
        row_kernels.write_parts(np.array(frame.between[0], np.int32), ids, at)
        if second is not None:
            row_kernels.copy_parts(second.ids, np.cumsum(second.tokens) - second.tokens, kept[1], ids, at)
        row_kernels.write_parts(np.array(frame.behind[0], np.int32), ids, at)
        segments = self._segments(starts, kept, len(ids)) if self._pairs else None
        cut = np.zeros(len(span), np.bool_)
        for length, left in zip(lengths, kept, strict=False):
            cut |= left < length
        self._spans[span.first] = ids, segments, int(cut.sum())

    def _segments(
        self, at: NDArray[np.int64], kept: tuple[NDArray[np.int64], NDArray[np.int64]], size: int
    ) -> NDArray[np.int8]:
        frame, segments = self._frame, zeros(size, np.int8)
        row_kernels.write_parts(np.array(frame.before[1], np.int8), segments, at)
        row_kernels.repeat_parts(frame.first, kept[0], segments, at)
        row_kernels.write_parts(np.array(frame.between[1], np.int8), segments, at)
        row_kernels.repeat_parts(frame.second, kept[1], segments, at)
        row_kernels.write_parts(np.array(frame.behind[1], np.int8), segments, at)
        return segments

    def result(self) -> Encoded:
        offsets = np.concatenate(([0], np.cumsum(self._lengths)))
        ids = np.empty(int(offsets[-1]), np.int32)
        segments = np.empty(int(offsets[-1]), np.int8) if self._pairs else None
        end = truncated = 0
        for first in sorted(self._spans):
            # popped, so that the ids are not in memory twice at the end
            some, theirs, cut = self._spans.pop(first)
            ids[end : end + len(some)] = some
            if segments is not None and theirs is not None:
                segments[end : end + len(some)] = theirs
            end += len(some)
            truncated += cut
        return Encoded(ids, offsets, truncated, segments)

    def differs(self, result: Encoded, row: int, encoding: Any) -> bool:
        at = slice(int(result.offsets[row]), int(result.offsets[row + 1]))
        if result.segments is not None and result.segments[at].tolist() != encoding.type_ids:
            return True
        return result.ids[at].tolist() != encoding.ids
