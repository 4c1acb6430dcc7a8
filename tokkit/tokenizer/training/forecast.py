"""Before long work: what a sample says of the vocabulary, the memory and the time that training takes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokkit.corpus.cutting import Pipeline
from tokkit.corpus.feed import CorpusFile, size_of
from tokkit.progress import Progress

if TYPE_CHECKING:
    from tokkit.tokenizer.training.engine import Job

WORTH_IT = 16 << 20
"""Bytes of a corpus below which training takes no longer than looking ahead would."""

_LONG = 10
_LARGE = 1 << 30
"""Seconds and bytes of memory from which the forecast is told."""

_START, _PER_WORD, _PER_CHARACTER = 200 << 20, 120, 8
"""Memory in bytes: of the program itself, of each distinct word, of each character of one."""
_RATE, _PLAIN_RATE, _SECONDS_PER_WORD, _SECONDS_TO_START = 60e6, 3e6, 2.5e-6, 1.5
"""Bytes counted a second and thread, by the kernels and by the reference; seconds to split and merge each
distinct word. Measured on two cores of a server; another machine may take half as long, or twice."""

_NEVER_REPEATS = 0.9
"""Growth of the distinct words with the text, as an exponent: 1 where all are new. Prose has 0.4 to 0.8."""


@dataclass(frozen=True)
class Forecast:
    """What to expect of a corpus.

    growth               exponent of Heaps' law: distinct words grow as the text to that power
    smallest_vocabulary  reserved tokens and the alphabet of the sample: no smaller one is possible
    """

    bytes: int
    distinct_words: int
    growth: float
    smallest_vocabulary: int
    memory: int
    seconds: float


def forecast(corpus: Sequence[CorpusFile], tokenizer: str, job: Job, threads: int | None) -> Forecast | None:
    """What a sample lets expect; None where the corpus is small, or its size is not known."""
    from tokkit.corpus import sample
    from tokkit.corpus.words import words_of_texts
    from tokkit.runtime.threads import threads_to_use
    from tokkit.tokenizer.training.alphabet import Alphabet, Marks

    size = size_of(corpus)
    rate = _PLAIN_RATE if Pipeline.of(tokenizer).cuts() is None else _RATE
    if size is None or size < WORTH_IT:
        return None
    lines = sample.lines_of(corpus)
    counted = words_of_texts(lines, tokenizer)
    if counted is None:
        return None
    of_half, whole = counted
    growth = min(1.0, math.log2(len(whole.pieces) / of_half))
    distinct = int(len(whole.pieces) * (size / whole.bytes) ** growth)
    marks = Marks(job.prefix, job.suffix)
    alphabet = Alphabet(whole)
    tokens = alphabet.initial_tokens(job.reserved, job.alphabet, job.limit_alphabet, marks)
    length = int(whole.pieces.offsets[-1]) / len(whole.pieces)
    return Forecast(
        bytes=size,
        distinct_words=distinct,
        growth=growth,
        smallest_vocabulary=len(tokens),
        memory=int(_START + distinct * (_PER_WORD + _PER_CHARACTER * length)),
        seconds=_SECONDS_TO_START + size / rate / threads_to_use(threads) + distinct * _SECONDS_PER_WORD,
    )


def tell(expected: Forecast, vocab_size: int, progress: Progress) -> None:
    """Says what is long, large or will not work, before it starts."""
    if vocab_size < expected.smallest_vocabulary:
        progress.say(
            f"--vocab-size {vocab_size}: special tokens and alphabet alone are "
            f"{expected.smallest_vocabulary:,} tokens, or more"
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


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _free_memory() -> int | None:
    """Memory of this machine that is not in use, in bytes; None where the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
