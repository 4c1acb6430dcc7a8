"""`train_char`: one token a character, to compare others with.

"a cat"  ->  a ▁ c a t        a model of byte-pair encoding that has no pairs
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.corpus import feed
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, Stages
from tokkit.tokenizer.training.blueprint import Untrained
from tokkit.tokenizer.training.train import Corpus, TrainResult, trained
from tokkit.tokenizer.training.train_word import InOrder
from tokkit.tokenizer.training.trainer_options import CharOptions

if TYPE_CHECKING:
    from tokkit.corpus.words import Words


def train_char(
    corpus: Corpus = (),
    out: str | Path = "out",
    spec: CharOptions | None = None,
    *,
    counts: str | Path | None = None,
    reading: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult:
    """One token for each of the most frequent characters, the others unknown; the rest as `train_wordpiece`.

    ``settings`` are fields of `CharOptions` and `CorpusOptions`: ``train_char("corpus.txt", recipe="gpt2")``.
    A byte-level recipe gives one token a byte, all 256. The same at every run.

    Raises `UsageError` also for a pre-tokenizer that drops spaces: no decoder could put them back.
    """
    chosen, reading = apply_to_both(CharOptions, spec, feed.CorpusOptions, reading, settings)
    return trained(
        *(corpus, counts, None, out, chosen, reading, force, threads, progress),
        most_frequent_characters,
    )


def most_frequent_characters(
    spec: CharOptions, blueprint: Untrained, words: Words, stages: Stages
) -> InOrder:
    """Reserved tokens, all bytes of a byte-level tokenizer, then characters by count, then code point."""
    from tokkit.tokenizer.training.alphabet import Alphabet

    with stages.stage("choosing characters"):
        counts = Alphabet(words).counts
        frequent = [character for character, count in counts.items() if count >= spec.min_frequency]
    initial = tuple(dict.fromkeys((*blueprint.reserved, *blueprint.alphabet)))
    ordered = sorted(frequent, key=lambda character: (-counts[character], character))
    return InOrder(list(dict.fromkeys((*initial, *ordered))), len(initial))
