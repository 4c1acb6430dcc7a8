"""The words of a corpus with their counts, exactly as the trainers of `tokenizers` count them.

    text -> chunks (cut before white space) -> distinct chunks -> normalized and split once each -> words

The corpus is cut where its pipeline allows (`cutting`). A pipeline that may not be cut is counted by
`tokenizers` in a process of its own (`uncut_words`).
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from typing import IO

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tokkit.corpus.characters import characters_of
from tokkit.corpus.chunks import count_in_threads, texts_of
from tokkit.corpus.cutting import Pipeline, byte_of_character
from tokkit.corpus.feed import CorpusFile
from tokkit.corpus.reference_words import no_words, weighted_words
from tokkit.corpus.uncut_words import count_in_child
from tokkit.corpus.word_table import WordTable
from tokkit.progress import Progress
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable, StringCounts
from tokkit.runtime.strings import Strings


class WordColumns:
    """`lexicon.Words` as columns.

    raw  whether they are held as bytes of text, not in the 256 characters that ByteLevel writes for bytes
    """

    def __init__(self, words: StringCounts, raw: bool, total: int, size: int) -> None:
        self.raw, self.total, self.bytes = raw, total, size
        self._length = len(words)
        self._words: StringCounts | None = words
        self._file: IO[bytes] | None = None

    @property
    def words(self) -> StringCounts:
        """In no particular order."""
        if self._words is None:
            assert self._file is not None
            self._file.seek(0)
            data, starts, ends, counts = (np.load(self._file) for _ in range(4))
            self._words = StringCounts(Strings(data, starts, ends), counts)
        return self._words

    def set_aside(self) -> None:
        """Move them to a temporary file, from which they are read where they are used again.

        Merging works on a copy, and needs the originals only in rare cases: millions of words take more
        memory than the program.
        """
        if self._file is not None:
            self._words = None
            return
        words = self.words
        with suppress(OSError):  # without space for it, they stay in memory
            file = tempfile.TemporaryFile()
            for array in (words.strings.data, words.strings.starts, words.strings.ends, words.counts):
                np.save(file, array)
            file.flush()
            self._file, self._words = file, None

    @classmethod
    def of_table(cls, table: ByteTable | WordTable, raw: bool, size: int) -> WordColumns:
        """Raises `InputError` where the table is empty; ``size`` are the bytes that were read."""
        words = table.columns()
        if not len(words):
            raise no_words()
        return cls(words, raw, int(words.counts.sum()), size)

    def __len__(self) -> int:
        return self._length

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

    def __init__(self, tokenizer: str, memory: int | None = None) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._characters = characters_of(Pipeline.of(tokenizer), self._tokenizer)
        self.words = WordTable(memory)
        self._lock = threading.Lock()
        self.raw = self._characters is not None and self._characters.gpt2
        self._bytes = byte_of_character() if self.raw else {}

    def count(self, chunks: StringCounts) -> None:
        """Add the words of the chunks, each as often as its chunk occurs in the corpus."""
        left = [np.arange(0 if self._characters else len(chunks))]
        for words, skipped in self._characters.split(chunks.strings) if self._characters else ():
            left.append(skipped.copy())
            counts = chunks.counts[words.owners]
            with self._lock:
                self.words.add_rows(words.words, counts)
        if len(rows := np.concatenate(left)):
            added = self._split_by_reference(chunks, rows)
            with self._lock:
                self.words.add(added)

    def _split_by_reference(self, chunks: StringCounts, rows: NDArray[np.int64]) -> StringCounts:
        texts = [chunk.decode() for chunk in chunks.to_bytes(rows)]
        words = list(weighted_words(self._tokenizer, texts, chunks.counts[rows].tolist()))
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

    memory  bytes that the tables of chunks may take, and that of words while it is filled

    Raises `InputError` for text that cannot be read, and for a corpus without words.
    """
    cuts = Pipeline.of(tokenizer).cuts()
    if cuts is None:
        words = count_in_child(corpus, tokenizer, progress, thread_count)
        return WordColumns.of_table(table_of(words.counts), False, words.bytes)
    splitter = Splitter(tokenizer, memory)

    def count(chunks: ByteTable, stopped: Callable[[], bool]) -> None:
        for batch in chunks.batches():
            if stopped():
                break
            splitter.count(batch)

    with closing(splitter.words):
        size = count_in_threads(texts_of(corpus), cuts, count, progress, thread_count, memory)
        return threads.aside(lambda: WordColumns.of_table(splitter.words, splitter.raw, size), progress)


def table_of(counts: Mapping[str, int]) -> ByteTable:
    """Counted words as a table."""
    table = ByteTable()
    table.add(StringCounts.of([word.encode() for word in counts], list(counts.values())))
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
