"""The words of a corpus with their counts, exactly as the trainers of `tokenizers` count them.

    text -> chunks (cut before white space) -> distinct chunks -> normalized and split once each -> words

The corpus is cut where its pipeline allows (`cutting`). A pipeline that may not be cut is counted by
`tokenizers` in a process of its own (`reference_words`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tokkit.corpus import chunk_kernels, split_kernels
from tokkit.corpus.characters import Characters, characters_of
from tokkit.corpus.cutting import Pipeline, byte_of_character
from tokkit.corpus.feed import CorpusFile
from tokkit.corpus.reference_words import NO_WORDS, PlainWords, count_in_child, weighted_words
from tokkit.corpus.text_blocks import Block, blocks
from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable, StringCounts
from tokkit.runtime.strings import Strings

MEMORY = 32 << 20
"""Bytes that each thread's table of chunks may take by default: a larger one is hardly faster."""

_TEXT = 1 << 19
"""Bytes of normal forms that are split before their words are counted."""


@dataclass(frozen=True)
class WordColumns:
    """`reference_words.Words` as columns.

    words  in no particular order
    raw    whether they are held as bytes of text, not in the 256 characters that ByteLevel writes for bytes
    """

    words: StringCounts
    raw: bool
    total: int
    bytes: int

    @classmethod
    def of(cls, words: PlainWords) -> WordColumns:
        columns = StringCounts.of([word.encode() for word in words.counts], list(words.counts.values()))
        return cls(columns, False, words.total, words.bytes)

    @classmethod
    def of_table(cls, table: ByteTable, raw: bool, size: int) -> WordColumns:
        """Raises `InputError` where the table is empty; ``size`` are the bytes that were read."""
        if not len(table):
            raise InputError(NO_WORDS)
        return cls(table.columns(), raw, table.total(), size)

    def __len__(self) -> int:
        return len(self.words)

    def texts(self, lowest: int = 1) -> list[tuple[str, int]]:
        frequent = np.flatnonzero(self.words.counts >= lowest)
        counts = self.words.counts[frequent].tolist()
        strings = self.words.to_bytes(frequent)
        if not self.raw:
            return [(string.decode(), count) for string, count in zip(strings, counts, strict=True)]
        names = {byte: character for character, byte in byte_of_character().items()}
        texts = ("".join([names[byte] for byte in string]) for string in strings)
        return list(zip(texts, counts, strict=True))

    def count_at_rank(self, rank: int) -> int:
        counts = self.words.counts
        below = len(counts) - rank
        return int(np.partition(counts, below)[below]) if below > 0 else 1


class Splitter:
    """Counts the words of chunks in one table, ``words``; threads may share it."""

    def __init__(self, tokenizer: str) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._characters = characters_of(Pipeline.of(tokenizer), self._tokenizer)
        self.words = ByteTable()
        self._lock = threading.Lock()
        self._local = threading.local()
        self.raw = self._characters is not None and self._characters.gpt2
        self._bytes = byte_of_character() if self.raw else {}

    def count(self, chunks: StringCounts) -> None:
        """Add the words of the chunks, each as often as its chunk occurs in the corpus."""
        left = np.arange(len(chunks))
        if self._characters is not None:
            # before splitting: kernels cannot query the reference, and skip a chunk with an unknown character
            self._characters.learn(chunks.strings)
            left = left[: self._split(chunks, self._characters, left)]
        if len(left):
            words = self._split_by_reference(chunks, left)
            with self._lock:
                self.words.add(words)

    def _split(self, chunks: StringCounts, known: Characters, left: NDArray[np.int64]) -> int:
        """Count by kernels; writes the chunks that they leave to ``left`` and returns how many they are."""
        # one buffer a thread, kept between batches: the pages of a new one would be mapped anew each time
        if not hasattr(self._local, "text"):
            self._local.text = np.empty(_TEXT, np.uint8)
            self._local.words = np.empty((3, _TEXT // 8), np.int64)
        text, (starts, ends, owners) = self._local.text, self._local.words
        first, skipped = 0, 0
        while first < len(chunks):
            first, count, more = split_kernels.split(
                data=chunks.strings.data,
                chunk_starts=chunks.strings.starts,
                chunk_ends=chunks.strings.ends,
                first=first,
                gpt2=known.gpt2,
                forms=known.forms,
                offsets=known.offsets,
                written=known.written,
                classes=known.classes,
                text=text,
                starts=starts,
                ends=ends,
                owners=owners,
                left=left[skipped:],
            )
            skipped += more
            counts = chunks.counts[owners[:count]]
            with self._lock:
                self.words.add_rows(Strings(text, starts[:count], ends[:count]), counts)
        return skipped

    def _split_by_reference(self, chunks: StringCounts, which: NDArray[np.int64]) -> StringCounts:
        texts = [chunk.decode() for chunk in chunks.to_bytes(which)]
        words = list(weighted_words(self._tokenizer, texts, chunks.counts[which].tolist()))
        return StringCounts.of([self._encoded(word) for word, _ in words], [count for _, count in words])

    def _encoded(self, word: str) -> bytes:
        return bytes(self._bytes[character] for character in word) if self.raw else word.encode()


def count_words(
    corpus: Sequence[CorpusFile],
    tokenizer: str,
    progress: Progress,
    thread_count: int | None = None,
    memory: int | None = None,
) -> WordColumns:
    """The words of a corpus under the blocks of ``tokenizer`` (JSON).

    memory  bytes that the tables of chunks may take; the words themselves come on top

    Raises `InputError` for text that cannot be read, and for a corpus without words.
    """
    cuts = Pipeline.of(tokenizer).cuts()
    if cuts is None:
        words, size = count_in_child(corpus, tokenizer, progress, thread_count)
        return WordColumns.of_table(table_of(words), False, size)
    splitter = Splitter(tokenizer)
    number = threads.threads_to_use(thread_count)
    limit = MEMORY if memory is None else memory // number
    tasks = threads.Tasks(blocks(corpus))

    def work(tasks: threads.Tasks[Block]) -> None:
        chunks = ByteTable()
        for block in tasks:
            count_chunks(block, cuts, chunks, limit, flush)
            tasks.done(block.read)
        flush(chunks)

    def flush(chunks: ByteTable) -> None:
        for batch in chunks.batches():
            if tasks.stopped:
                break
            splitter.count(batch)
        chunks.clear()

    threads.run(work, tasks, number, progress)
    return threads.aside(lambda: WordColumns.of_table(splitter.words, splitter.raw, tasks.total), progress)


def table_of(words: Mapping[str, int]) -> ByteTable:
    """Counted words as a table."""
    table = ByteTable()
    table.add(StringCounts.of([word.encode() for word in words], list(words.values())))
    return table


def words_of_texts(texts: Sequence[str], tokenizer: str) -> tuple[int, WordColumns] | None:
    """The number of distinct words in every second text, and the words of all; None where there are none."""
    splitter = Splitter(tokenizer)
    size, distinct = 0, []
    # every second text, not the first half: a corpus may change its subject or language half way
    for half in (texts[::2], texts[1::2]):
        strings = StringCounts.of([text.encode() for text in half], [1] * len(half))
        splitter.count(strings)
        size += strings.strings.size
        distinct.append(len(splitter.words))
    if not distinct[0]:
        return None
    return distinct[0], WordColumns.of_table(splitter.words, splitter.raw, size)


def count_chunks(
    block: Block, cuts: str, table: ByteTable, most: int, flush: Callable[[ByteTable], None]
) -> None:
    """Add the chunks of a block to the table; a table that would grow beyond ``most`` bytes is flushed."""
    before = np.zeros(33, np.bool_)
    before[[ord(character) for character in cuts]] = True
    start, end = chunk_kernels.BEFORE, chunk_kernels.BEFORE + block.size
    while start < end:
        reason, start = chunk_kernels.count_chunks(
            block.data, start, end, block.separator, before, table.slots, table.arena, table.usage
        )
        if reason == chunk_kernels.TOO_LONG:
            raise InputError(
                f"a text of {block.size / 1e6:,.0f} MB has no space or line end where it could be cut",
                hint="is it text? break it into lines first: fold -s corpus.txt > lines.txt",
            )
        # growing doubles the table, so it is flushed before it would exceed the limit
        if reason == chunk_kernels.TABLE_FULL and len(table) and 2 * table.nbytes > most:
            flush(table)
        elif reason == chunk_kernels.TABLE_FULL:
            table.reserve(len(table) // 2 + 1, end - start)
