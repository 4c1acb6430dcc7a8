"""`train_word` and `train_char`: the most frequent words, or characters, as tokens; baselines for comparison.

word    [UNK], then words by count, equal ones by code point, as `WordLevelTrainer` of `tokenizers`
char    "a cat"  ->  a ▁ c a t        a model of byte-pair encoding that has no merges
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokkit.corpus import feed
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, Stages
from tokkit.runtime.dry_run import DryRunResult
from tokkit.tokenizer.training.blueprint import UntrainedTokenizer
from tokkit.tokenizer.training.learning import lexicon_of
from tokkit.tokenizer.training.lexicon import MergedVocabulary, Words
from tokkit.tokenizer.training.train import Corpus, TrainRequest, TrainResult, run_training
from tokkit.tokenizer.training.trainer_options import CharOptions, WordOptions


def train_word(
    corpus: Corpus = (),
    out: str | Path = "out",
    options: WordOptions | None = None,
    *,
    counts: str | Path | None = None,
    read_options: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult | DryRunResult:
    """One token for each of the most frequent words, the others unknown; the rest as `train_wordpiece`.

    ``settings`` are fields of `WordOptions` and `CorpusOptions`:
    ``train_word("corpus.txt", vocab_size=5000)``.
    Equal to the reference's trainer to the last id, and the same at every run.
    """
    options, read_options = apply_to_both(WordOptions, options, feed.CorpusOptions, read_options, settings)
    request = TrainRequest(corpus, out, options, read_options, counts, None, force, threads, dry_run)
    return run_training(request, most_frequent_words, progress)


def train_char(
    corpus: Corpus = (),
    out: str | Path = "out",
    options: CharOptions | None = None,
    *,
    counts: str | Path | None = None,
    read_options: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult | DryRunResult:
    """One token for each of the most frequent characters, the others unknown; the rest as `train_wordpiece`.

    ``settings`` are fields of `CharOptions` and `CorpusOptions`: ``train_char("corpus.txt", recipe="gpt2")``.
    A byte-level recipe gives one token a byte, all 256. The same at every run.

    Raises `UsageError` also for a pre-tokenizer that drops spaces: no decoder could put them back.
    """
    options, read_options = apply_to_both(CharOptions, options, feed.CorpusOptions, read_options, settings)
    request = TrainRequest(corpus, out, options, read_options, counts, None, force, threads, dry_run)
    return run_training(request, most_frequent_characters, progress)


def most_frequent_words(
    options: WordOptions, blueprint: UntrainedTokenizer, words: Words, stages: Stages
) -> MergedVocabulary:
    """Reserved tokens, then the most frequent words."""
    with stages.stage("choosing words"):
        # a word rarer than the one at the rank of the vocabulary's size never gets a token
        lowest = max(options.min_frequency, words.count_at_rank(max(options.vocab_size)))
        return _by_count(blueprint.reserved, words.texts(lowest))


def most_frequent_characters(
    options: CharOptions, blueprint: UntrainedTokenizer, words: Words, stages: Stages
) -> MergedVocabulary:
    """Reserved tokens, all bytes of a byte-level tokenizer, then the most frequent characters."""
    with stages.stage("choosing characters") as progress:
        counts = lexicon_of(words, progress).counts
        frequent = [(character, n) for character, n in counts.items() if n >= options.min_frequency]
        initial = tuple(dict.fromkeys((*blueprint.reserved, *blueprint.alphabet)))
        return _by_count(initial, frequent)


def _by_count(initial: Sequence[str], counted: Iterable[tuple[str, int]]) -> MergedVocabulary:
    """The initial tokens, then ``counted`` by count, equal ones by code point; without merges."""
    ordered = (string for string, _ in sorted(counted, key=lambda entry: (-entry[1], entry[0])))
    return MergedVocabulary(list(dict.fromkeys((*initial, *ordered))), len(initial), [])
