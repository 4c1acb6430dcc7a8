"""Before long work: vocabulary, memory and time of a training, estimated from a sample of the corpus."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from tokkit.corpus.cutting import Pipeline
from tokkit.corpus.feed import CorpusFile, items, size_of
from tokkit.corpus.words import words_of_texts
from tokkit.errors import counted
from tokkit.progress import Progress
from tokkit.runtime.threads import threads_to_use
from tokkit.sources import streams
from tokkit.tokenizer.training.lexicon import MergeOptions
from tokkit.tokenizer.training.merging import KernelLexicon

# Bytes of a corpus below which training takes no longer than sampling would.
WORTH_IT = 16 << 20

_LONG = 10
# Seconds, and bytes of memory, from which a forecast is worth a message.
_LARGE = 1 << 30

# Memory in bytes: of the program itself, of each distinct word, of each character of one.
_START, _PER_WORD, _PER_CHARACTER = 200 << 20, 120, 8
# Bytes counted per second and thread, by the kernels and by `tokenizers`; seconds to split and merge each
# distinct word. Measured on two cores of a server; another machine may take half as long, or twice.
_RATE, _REFERENCE_RATE, _SECONDS_PER_WORD, _SECONDS_TO_START = 60e6, 3e6, 2.5e-6, 1.5

# Growth of the distinct words with the text, as an exponent: 1 where all are new. Prose has 0.4 to 0.8.
_NEVER_REPEATS = 0.9

_WHITE = re.compile(rb"[\x00-\x20]")

# Bytes of each sample, and of all together.
_SAMPLE_SIZE, _SAMPLED = 64 << 10, 1 << 20


@dataclass(frozen=True)
class Forecast:
    """Expected size of a training.

    growth               exponent of Heaps' law: distinct words grow as the text to that power
    smallest_vocabulary  reserved tokens and the alphabet of the sample: no smaller one is possible
    """

    bytes: int
    distinct_words: int
    growth: float
    smallest_vocabulary: int
    memory: int
    seconds: float


def forecast(
    corpus: Sequence[CorpusFile], tokenizer: str, options: MergeOptions, threads: int | None
) -> Forecast | None:
    """The estimate; None where the corpus is small, or its size is not known."""
    size = size_of(corpus)
    rate = _REFERENCE_RATE if Pipeline.of(tokenizer).cuts() is None else _RATE
    if size is None or size < WORTH_IT:
        return None
    counted = words_of_texts(sample_lines(corpus), tokenizer)
    if counted is None:
        return None
    in_half, words = counted
    # words grow as text ** growth (Heaps' law): twice the text gives 2 ** growth times the words
    growth = min(1.0, math.log2(len(words) / in_half))
    distinct = int(len(words) * (size / words.bytes) ** growth)
    length = words.words.strings.size / len(words)
    return Forecast(
        bytes=size,
        distinct_words=distinct,
        growth=growth,
        smallest_vocabulary=len(KernelLexicon(words).initial_tokens(options)),
        memory=int(_START + distinct * (_PER_WORD + _PER_CHARACTER * length)),
        seconds=_SECONDS_TO_START + size / rate / threads_to_use(threads) + distinct * _SECONDS_PER_WORD,
    )


def say_forecast(expected: Forecast, vocab_size: int, progress: Progress) -> None:
    """Warn of what takes long, needs much memory or cannot work, before it starts."""
    if vocab_size < expected.smallest_vocabulary:
        progress.say(
            f"--vocab-size {vocab_size}: special tokens and alphabet alone are "
            f"{counted(expected.smallest_vocabulary, 'token', style=',')}, or more"
        )
    if expected.growth > _NEVER_REPEATS:
        progress.say(
            "the words of this corpus hardly repeat: is it text, and does the pre-tokenizer split it? "
            f"Some {expected.distinct_words:,} distinct ones are expected"
        )
    if expected.seconds > _LONG or expected.memory > _LARGE:
        progress.say(
            f"{expected.bytes / 1e6:,.0f} MB of text: about {expected.distinct_words:,} distinct words, "
            f"{expected.memory / 1e9:.1f} GB of memory and {_time(expected.seconds)} are expected"
        )
    free = _free_memory()
    if free is not None and expected.memory > free:
        progress.say(
            f"that may be more memory than the {free / 1e9:.1f} GB that are free: train on a part of the "
            "corpus, or split words further"
        )


def sample_lines(corpus: Sequence[CorpusFile], size: int = _SAMPLED) -> list[str]:
    """About ``size`` bytes of lines (or rows) from all files in order; of those whose size is not known, the
    first.

    Bytes that are not UTF-8 are skipped: reading the whole corpus reports them.
    """
    lines: list[str] = []
    samples = size // _SAMPLE_SIZE
    for file in corpus[:: max(1, len(corpus) // samples)]:
        if file.size is not None:
            lines += _spread_lines(file.path, max(1, samples // len(corpus)))
        else:
            lines += [line for batch in islice(items([file]), 1) for line in batch]
    return lines


def _spread_lines(path: Path, samples: int) -> list[str]:
    """Whole lines from equidistant offsets of a text file; one longer than a sample is cut at both ends."""
    size = path.stat().st_size
    lines = []
    with open(path, "rb") as file:
        for sample in range(samples):
            start = size * sample // samples
            file.seek(start)
            read = file.read(_SAMPLE_SIZE)
            if not _WHITE.search(read):
                _check_length(path, file, len(read))
            # an offset is within a line in general: half lines at both ends would count as words of their own
            first = read.find(b"\n") + 1 if start else 0
            last = read.rfind(b"\n") + 1
            text = (read[first:last] if last > first else read).decode("utf-8", errors="ignore")
            lines += [line + "\n" for line in text.split("\n") if line]
    return lines


def _check_length(path: Path, file: BinaryIO, length: int) -> None:
    """Raises `InputError` where the text goes on without a place to cut it for longer than a table takes."""
    while block := file.read(streams.BLOCK):
        white = _WHITE.search(block)
        length += white.start() if white else len(block)
        if length > streams.LONGEST_LINE:
            raise streams.line_too_long(path)
        if white:
            return


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _free_memory() -> int | None:
    """Memory of this machine that is not in use, in bytes; None where the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
