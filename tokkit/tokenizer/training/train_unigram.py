"""`train_unigram`: the Unigram model of the `tokenizers` package, for comparison with others.

The package learns the tokens, in a child process that can be killed; here its result is made reproducible. It
walks a randomly seeded hash map: sums of probabilities differ in their last digits from run to run, and
characters that the model does not need get their scores in a random order. So scores are rounded to
`DECIMALS`, those characters get theirs by code point, and tokens are sorted by score, then text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.corpus import feed
from tokkit.errors import UsageError
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, Stages
from tokkit.runtime.child_process import run_child
from tokkit.runtime.dry_run import DryRunResult
from tokkit.tokenizer.training.blueprint import UntrainedTokenizer
from tokkit.tokenizer.training.lexicon import Words
from tokkit.tokenizer.training.train import Corpus, TrainRequest, TrainResult, run_training
from tokkit.tokenizer.training.trainer_options import UnigramOptions

# Of a score (a natural logarithm); the noise is below 1e-10, and the reference's smallest step is this.
DECIMALS = 4

# Between the scores of two characters that are no pieces: `min_score_penalty_delta` of the reference.
_STEP = 0.0001


@dataclass(frozen=True)
class ScoredTokens:
    """tokens with their scores by id, reserved ones first; unknown: the id of the unknown token."""

    tokens: Sequence[tuple[str, float]]
    unknown: int

    def trained(self, size: int) -> dict[str, Any]:
        return {"vocab": [list(token) for token in self.tokens], "unk_id": self.unknown}


def train_unigram(
    corpus: Corpus = (),
    out: str | Path = "out",
    options: UnigramOptions | None = None,
    *,
    counts: str | Path | None = None,
    read_options: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult | DryRunResult:
    """Train Unigram with the `tokenizers` package; the rest as `train_wordpiece`.

    ``settings`` are fields of `UnigramOptions` and `CorpusOptions`:
    ``train_unigram("corpus.txt", vocab_size=4000)``.
    Pieces are the reference's, scores its own to four decimals. Every repetition so far gave the same bytes.
    Unlike for the other families that is not proven: the reference adds up in a random order, and where two
    pieces are equally dispensable to the last digit, chance may decide.

    Raises `UsageError` also for several sizes (a smaller Unigram is no prefix of a larger one) and for one
    that has no room for every character.
    """
    options, read_options = apply_to_both(UnigramOptions, options, feed.CorpusOptions, read_options, settings)
    if len(set(options.vocab_size)) > 1:
        raise UsageError(
            "--vocab-size: a Unigram vocabulary is no prefix of a larger one, so name one size",
            hint="train each size by itself",
        )
    request = TrainRequest(corpus, out, options, read_options, counts, None, force, threads, dry_run)
    return run_training(request, most_probable_tokens, progress)


def most_probable_tokens(
    options: UnigramOptions, blueprint: UntrainedTokenizer, words: Words, stages: Stages
) -> ScoredTokens:
    """The tokens that the reference's trainer learns from the words, in a reproducible order."""
    settings = {
        "vocab_size": max(options.vocab_size),
        "special_tokens": blueprint.reserved,
        "unk_token": blueprint.roles["unk"],
        "initial_alphabet": blueprint.alphabet,
        "max_piece_length": options.max_piece_length,
        "shrinking_factor": options.shrinking_factor,
        "n_sub_iterations": options.sub_iterations,
    }
    # sorted, and one thread below: sums of floats depend on their order
    job = {"words": dict(sorted(words.texts())), "trainer": settings}
    with stages.stage("learning pieces", words.total, "words") as progress:
        learned = run_child("tokkit.tokenizer.training.unigram_worker", job, progress, 1)["tokens"]
    reserved = set(blueprint.reserved)
    tokens = reproducible([(token, score) for token, score in learned if token not in reserved])
    first = [(token, 0.0) for token in blueprint.reserved]
    return ScoredTokens([*first, *tokens], blueprint.reserved.index(blueprint.roles["unk"]))


def reproducible(tokens: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The tokens as every run gives them: scores rounded, those of bare characters reassigned by code point.

    >>> reproducible([("ab", -1.00000000001), ("z", -4.0), ("y", -3.9999), ("x", -2.0)])
    [('ab', -1.0), ('x', -2.0), ('z', -3.9999), ('y', -4.0)]
    """
    lowest = min((score for _, score in tokens), default=0.0)
    bare = sorted(
        token for token, score in tokens if len(token) == 1 and _is_step(score - lowest, len(tokens))
    )
    scores = dict(tokens)
    reassigned = dict(zip(bare, sorted(scores[token] for token in bare), strict=True))
    # + 0.0 turns -0.0, which JSON writes with its sign, into 0.0
    rounded = {token: round(score, DECIMALS) + 0.0 for token, score in {**scores, **reassigned}.items()}
    return sorted(rounded.items(), key=lambda entry: (-entry[1], entry[0]))


def _is_step(above: float, most: int) -> bool:
    steps = round(above / _STEP)
    return steps < most and abs(above - steps * _STEP) < _STEP / 1000
