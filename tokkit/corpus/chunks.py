r"""The chunks of a corpus: its texts are read as columns, cut by kernels, and counted in a table per thread.

"the cat\n", "the  cat\n"  ->  "the" 2, " cat" 1, "  cat" 1, "\n" 2
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import chunk_kernels
from tokkit.corpus.feed import CorpusFile, columns
from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable
from tokkit.runtime.strings import Strings
from tokkit.sources import streams

# bytes that each thread's table of chunks may take by default: a larger one is hardly faster
MEMORY = 32 << 20

_NEWLINE = 10

# Some texts of a corpus, and the bytes of the (unpacked) file that they were read from.
Texts = tuple[Strings, int]


def texts_of(corpus: Sequence[CorpusFile]) -> Iterator[Texts]:
    """The lines of text files and the texts of tables, about a megabyte at a time.

    Raises `InputError` as `feed.items`.
    """
    for file in corpus:
        if file.column is None:
            yield from lines_of(file)
            continue
        for batch in columns(file):
            column = batch.columns.get(file.column)
            texts = column if isinstance(column, Strings) else Strings.of_list(batch.texts(file.column))
            yield texts, texts.size


def lines_of(file: CorpusFile, start: int = 0, end: int | None = None) -> Iterator[Texts]:
    """The lines of a text file, or from one line start to another, newlines kept as `feed.items` does."""
    for text, read in streams.text_blocks(file.path, start, end, file.encoding):
        yield Strings.split(text, _NEWLINE, keep_end=True), read


def count_in_threads(
    texts: Iterator[Texts],
    cuts: str,
    flush: Callable[[ByteTable, Callable[[], bool]], None],
    progress: Progress,
    thread_count: int | None,
    memory: int | None,
) -> int:
    """Count the chunks of texts in threads; returns the bytes that were read.

    flush   takes a table that is full, or the last one of a thread, and what tells it to stop half way
    memory  bytes that the tables of all threads may take
    """
    number = threads.threads_to_use(thread_count)
    most = MEMORY if memory is None else memory // number
    tasks = threads.Tasks(texts)

    def flush_and_clear(table: ByteTable) -> None:
        flush(table, lambda: tasks.stopped)
        table.clear()

    def work(tasks: threads.Tasks[Texts]) -> None:
        table = ByteTable()
        for strings, read in tasks:
            count_chunks(strings, cuts, table, most, flush_and_clear)
            tasks.done(read)
        flush_and_clear(table)

    threads.run(work, tasks, number, progress)
    return tasks.total


def count_chunks(
    texts: Strings, cuts: str, table: ByteTable, most: int, flush: Callable[[ByteTable], None]
) -> None:
    """Add the chunks of texts to the table; a table that would grow beyond ``most`` bytes is flushed."""
    before, ahead = cuts_before(cuts), chunk_buffer()
    row = done = 0
    while row < len(texts):
        reason, row, done = chunk_kernels.count_chunks(
            data=texts.data,
            starts=texts.starts,
            ends=texts.ends,
            row=row,
            done=done,
            cuts=before,
            ahead=ahead,
            slots=table.slots,
            arena=table.arena,
            usage=table.usage,
        )
        if reason == chunk_kernels.TOO_LONG:
            raise InputError(
                f"a text of {texts.size / 1e6:,.0f} MB has no space or line end where it could be cut",
                hint="is it text? break it into lines first, as the command fold -s does",
            )
        # growing doubles the table, so it is flushed before it would exceed the limit
        if reason == chunk_kernels.TABLE_FULL and len(table) and 2 * table.nbytes > most:
            flush(table)
        elif reason == chunk_kernels.TABLE_FULL:
            table.reserve(len(table) // 2 + 1, texts.take(slice(row, None)).size)


def cuts_before(cuts: str) -> NDArray[np.uint8]:
    """(4,) uint8: the one to four characters before which text may be cut, repeated to fill it."""
    return np.resize(np.frombuffer(cuts.encode(), np.uint8), 4)


def chunk_buffer() -> NDArray[np.uint64]:
    """What `chunk_kernels.find_chunks` fills."""
    return np.zeros((chunk_kernels.AHEAD, chunk_kernels.COLUMNS), np.uint64)
