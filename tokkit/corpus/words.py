"""Words of a corpus and how often each stands there, exactly as the reference's trainers count them.

The corpus is cut where its pipeline allows (`cutting`), distinct chunks are counted, and each is normalized
and pre-tokenized once. A pipeline that may not be cut is counted by the reference, in a process of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import chunk_kernels, plain, split_kernels
from tokkit.corpus.characters import Characters, characters_of
from tokkit.corpus.cutting import Pipeline
from tokkit.corpus.feed import CorpusFile
from tokkit.corpus.reference_words import weighted_words
from tokkit.corpus.text_blocks import Block, blocks
from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable, Pieces, pieces_of

MEMORY = 32 << 20
"""Bytes that each thread's table of chunks may take, unless told otherwise: more is hardly faster."""

_TEXT = 1 << 19
"""Bytes of normal forms that are split before their words are counted."""


@dataclass(frozen=True)
class Words:
    """Distinct words with their counts.

    pieces  the words, in no particular order
    raw     whether they are held as the bytes they stand for, not in ByteLevel's characters
    total   words in all
    bytes   bytes of text they were counted in
    """

    pieces: Pieces
    raw: bool
    total: int
    bytes: int


class Splitter:
    """Counts the words of chunks in one table, ``words``; threads may share it."""

    def __init__(self, tokenizer: str) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._characters = characters_of(Pipeline.of(tokenizer), self._tokenizer)
        self.words = ByteTable()
        self._adding = threading.Lock()
        self._room = threading.local()
        self.raw = self._characters is not None and self._characters.gpt2
        self._bytes = byte_of_character() if self.raw else {}

    def count(self, chunks: Pieces) -> None:
        """Adds the words of the chunks, each as often as its chunk stands in the corpus."""
        left = np.arange(len(chunks))
        if self._characters is not None:
            self._characters.learn(chunks)
            left = left[: self._split(chunks, self._characters, left)]
        if len(left):
            asked = self._ask(chunks, left)
            with self._adding:
                self.words.add(asked)

    def _split(self, chunks: Pieces, known: Characters, left: NDArray[np.int64]) -> int:
        if not hasattr(self._room, "text"):
            self._room.text = np.empty(_TEXT, np.uint8)
            self._room.places = np.empty((3, _TEXT // 8), np.int64)
        text, (starts, ends, owners) = self._room.text, self._room.places
        first, over = 0, 0
        while first < len(chunks):
            first, words, more = split_kernels.split(
                *(chunks.data, chunks.offsets, first, known.gpt2),
                *(known.forms, known.places, known.written, known.classes),
                *(text, starts, ends, owners, left[over:]),
            )
            over += more
            counts = chunks.counts[owners[:words]]
            with self._adding:
                self.words.add_slices(text, starts[:words], ends[:words], counts)
        return over

    def _ask(self, chunks: Pieces, which: NDArray[np.int64]) -> Pieces:
        """The words of some chunks, from the reference."""
        starts, ends = chunks.offsets[which].tolist(), chunks.offsets[which + 1].tolist()
        data = chunks.data.tobytes()
        texts = [data[start:end].decode() for start, end in zip(starts, ends, strict=True)]
        counted = list(weighted_words(self._tokenizer, texts, chunks.counts[which].tolist()))
        return pieces_of([self._encoded(word) for word, _ in counted], [count for _, count in counted])

    def _encoded(self, word: str) -> bytes:
        return bytes(self._bytes[character] for character in word) if self.raw else word.encode()


def count_words(
    corpus: Sequence[CorpusFile],
    tokenizer: str,
    progress: Progress,
    thread_count: int | None = None,
    memory: int | None = None,
) -> Words:
    """The words of a corpus under the blocks of ``tokenizer`` (JSON).

    memory  bytes that the tables of chunks may take; the words themselves come on top

    Raises `InputError` for text that cannot be read, and for a corpus without words.
    """
    cuts = Pipeline.of(tokenizer).cuts()
    if cuts is None:
        table, size = plain.count(corpus, tokenizer, progress, thread_count)
        return words_of(table, False, size)
    splitter = Splitter(tokenizer)
    number = threads.threads_to_use(thread_count)
    share = MEMORY if memory is None else memory // number
    tasks = threads.Tasks(blocks(corpus))

    def work(mine: threads.Tasks[Block]) -> None:
        chunks = ByteTable()
        for block in mine:
            count_chunks(block, cuts, chunks, share, flush)
            mine.done(block.read)
        flush(chunks)

    def flush(chunks: ByteTable) -> None:
        for batch in chunks.batches():
            if tasks.stopped:
                break
            splitter.count(batch)
        chunks.clear()

    threads.run(work, tasks, number, progress)
    return threads.aside(lambda: words_of(splitter.words, splitter.raw, tasks.total), progress)


def words_of_texts(texts: Sequence[str], tokenizer: str) -> tuple[int, Words] | None:
    """The distinct words of every second text, and the words of all; None where they hold none."""
    splitter = Splitter(tokenizer)
    size, distinct = 0, []
    for half in (texts[::2], texts[1::2]):
        pieces = pieces_of([text.encode() for text in half], [1] * len(half))
        splitter.count(pieces)
        size += int(pieces.offsets[-1])
        distinct.append(len(splitter.words))
    return (distinct[0], words_of(splitter.words, splitter.raw, size)) if distinct[0] else None


def words_of(table: ByteTable, raw: bool, size: int) -> Words:
    """The table as columns; raises `InputError` where it is empty."""
    if not len(table):
        raise InputError("the corpus holds no word that the pre-tokenizer lets through")
    return Words(table.pieces(), raw, table.total(), size)


def count_chunks(
    block: Block, cuts: str, table: ByteTable, most: int, flush: Callable[[ByteTable], None]
) -> None:
    """Adds the chunks of a block to the table; one that would grow beyond ``most`` bytes is flushed."""
    before = np.zeros(33, np.bool_)
    before[[ord(character) for character in cuts]] = True
    start, end = chunk_kernels.BEFORE, chunk_kernels.BEFORE + block.size
    while start < end:
        reason, start = chunk_kernels.count_chunks(
            block.data, start, end, block.separator, before, table.slots, table.arena, table.held
        )
        if reason == chunk_kernels.TOO_LONG:
            raise InputError(
                f"a text of {block.size / 1e6:,.0f} MB has no space or line end where it could be cut",
                hint="is it text? break it into lines first: fold -s corpus.txt > lines.txt",
            )
        if reason == chunk_kernels.CROWDED and len(table) and 2 * table.nbytes > most:
            flush(table)
        elif reason == chunk_kernels.CROWDED:
            table.make_room(len(table) // 2 + 1, end - start)


def texts_of(words: Words, lowest: int = 1) -> list[tuple[str, int]]:
    """The words that stand at least ``lowest`` times, as the pre-tokenizer writes them, with their counts."""
    pieces = words.pieces
    wanted = np.flatnonzero(pieces.counts >= lowest)
    data = pieces.data.tobytes()
    bounds = zip(pieces.offsets[wanted].tolist(), pieces.offsets[wanted + 1].tolist(), strict=True)
    strings = [data[start:end] for start, end in bounds]
    counts = pieces.counts[wanted].tolist()
    if not words.raw:
        return [(string.decode(), count) for string, count in zip(strings, counts, strict=True)]
    names = {byte: character for character, byte in byte_of_character().items()}
    return [
        ("".join([names[byte] for byte in string]), count)
        for string, count in zip(strings, counts, strict=True)
    ]


def byte_of_character() -> dict[str, int]:
    """The byte that each of ByteLevel's 256 characters stands for."""
    from tokenizers.pre_tokenizers import ByteLevel

    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in own]
    table = {chr(byte): byte for byte in own} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
    assert set(table) == set(ByteLevel.alphabet())
    return table
