"""`train_word`: one token a word of the pre-tokenizer, to compare others with.

[UNK], then words by count, equal ones by code point: what `WordLevelTrainer` of `tokenizers` gives
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.corpus import feed
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, Stages
from tokkit.tokenizer.training.blueprint import Untrained
from tokkit.tokenizer.training.train import Corpus, TrainResult, trained
from tokkit.tokenizer.training.trainer_options import WordOptions

if TYPE_CHECKING:
    from tokkit.corpus.words import Words


@dataclass(frozen=True)
class InOrder:
    """A vocabulary whose beginnings are the smaller ones: tokens by id, ``initial`` of them in any case."""

    tokens: Sequence[str]
    initial: int

    def trained(self, size: int) -> dict[str, Any]:
        kept = self.tokens[: max(size, self.initial)]
        return {"vocab": {token: number for number, token in enumerate(kept)}}


def train_word(
    corpus: Corpus = (),
    out: str | Path = "out",
    spec: WordOptions | None = None,
    *,
    counts: str | Path | None = None,
    reading: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult:
    """One token for each of the most frequent words, the others unknown; the rest as `train_wordpiece`.

    ``settings`` are fields of `WordOptions` and `CorpusOptions`:
    ``train_word("corpus.txt", vocab_size=5000)``.
    Equal to the reference's trainer to the last id, and the same at every run.
    """
    chosen, reading = apply_to_both(WordOptions, spec, feed.CorpusOptions, reading, settings)
    return trained(corpus, counts, None, out, chosen, reading, force, threads, progress, most_frequent_words)


def most_frequent_words(spec: WordOptions, blueprint: Untrained, words: Words, stages: Stages) -> InOrder:
    """Reserved tokens, then words: the more frequent first, of equals the one with the lower code points."""
    from tokkit.corpus.words import texts_of

    with stages.stage("choosing words"):
        lowest = max(spec.min_frequency, _rarest(words, max(spec.vocab_size)))
        ordered = sorted(texts_of(words, lowest), key=lambda entry: (-entry[1], entry[0]))
    tokens = dict.fromkeys((*blueprint.reserved, *(word for word, _ in ordered)))
    return InOrder(list(tokens), len(blueprint.reserved))


def _rarest(words: Words, number: int) -> int:
    """The count of the word that is in place ``number`` by count: no rarer one can get a token."""
    import numpy as np

    counts = words.pieces.counts
    return (
        int(np.partition(counts, len(counts) - number)[len(counts) - number]) if number < len(counts) else 1
    )
