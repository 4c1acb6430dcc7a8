"""Learning a vocabulary from word counts: what stands behind `train-wordpiece` and `train-bpe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.words import Words
from tokkit.progress import Stages
from tokkit.runtime import threads
from tokkit.runtime.kernels import say_if_compiling
from tokkit.tokenizer.training.alphabet import Alphabet, Marks
from tokkit.tokenizer.training.merging import merge_words


@dataclass(frozen=True)
class Job:
    """What to learn: the tokens that come first, and the limits.

    reserved          tokens that take the first ids, in order
    alphabet          characters that are kept however rare they are
    vocab_size        tokens in all, those and the alphabet included
    min_frequency     a pair must stand this often to be merged
    longest           characters of the longest token
    """

    reserved: Sequence[str]
    alphabet: Sequence[str]
    vocab_size: int
    min_frequency: int
    limit_alphabet: int | None = None
    prefix: str = ""
    suffix: str = ""
    longest: int | None = None


@dataclass(frozen=True)
class Learned:
    """tokens in the order of their ids, the first ``initial`` of them there before any merge; merges (n, 3)
    int32 in the order in which they were made: left, right, and the token they give.
    """

    tokens: Sequence[str]
    initial: int
    merges: NDArray[np.int32]

    def trained(self, size: int) -> dict[str, Any]:
        """Vocabulary and merges of that size as `tokenizers` writes them to JSON."""
        return {"vocab": self.vocabulary(size), "merges": self.merges_of(size)}

    def vocabulary(self, size: int) -> Mapping[str, int]:
        """Token -> id of the vocabulary that training for ``size`` tokens gives."""
        return {token: number for number, token in enumerate(self.tokens[: max(size, self.initial)])}

    def merges_of(self, size: int) -> list[list[str]]:
        """Its merges in rank order; of a pair that was merged twice the last rank counts."""
        made = self.merges
        if size <= len(self.tokens):  # training ends with the merge that makes the last token
            last = np.flatnonzero(made[:, 2] == size - 1) if size > self.initial else np.empty(0, np.int64)
            made = made[: last[0] + 1 if len(last) else 0]
        ranks = {(left, right): rank for rank, (left, right, _) in enumerate(made.tolist())}
        pairs = sorted(ranks, key=ranks.__getitem__)
        return [[self.tokens[left], self.tokens[right]] for left, right in pairs]


def learn(job: Job, words: Words, stages: Stages, initial: Sequence[str] = ()) -> Learned:
    """The vocabulary and merges of the words, equal to what the reference trainer may give.

    ``initial`` are the tokens that are there before the first merge, where a reference has chosen them.
    Ctrl-C, or a `Progress` that says so, ends it within a tenth of a second.
    """
    marks = Marks(job.prefix, job.suffix)
    with stages.stage("alphabet") as progress:
        alphabet = threads.aside(lambda: Alphabet(words), progress)
        if not initial:
            first = (job.reserved, job.alphabet, job.limit_alphabet, marks)
            initial = threads.aside(lambda: alphabet.initial_tokens(*first), progress)
    wanted = job.vocab_size - len(initial)
    if wanted <= 0:
        return Learned(initial, len(initial), np.empty((0, 3), np.int32))
    say_if_compiling("merge_kernels", stages.progress)
    with stages.stage("merging", wanted, "merges") as progress:
        merged = merge_words(
            lambda: alphabet.records(initial, marks),
            initial,
            prefix=job.prefix,
            size=job.vocab_size,
            lowest=job.min_frequency,
            longest=job.longest,
            progress=progress,
        )
    return Learned(merged.tokens, len(initial), merged.merges)
