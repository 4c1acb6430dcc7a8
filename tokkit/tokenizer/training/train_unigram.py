"""`train_unigram`: the Unigram model of the `tokenizers` package, for comparison with others.

The package learns the pieces, in a child process that can be killed; here its result is made reproducible. It
walks a randomly seeded hash map: sums of probabilities differ in their last digits from run to run, and
characters that are no piece of their own get their scores in a random order. So scores are rounded to
`DECIMALS`, those characters get theirs by code point, and pieces are sorted by score, then text.
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
from tokkit.tokenizer.training.blueprint import UntrainedTokenizer
from tokkit.tokenizer.training.lexicon import Words
from tokkit.tokenizer.training.train import Corpus, TrainRequest, TrainResult, run_training
from tokkit.tokenizer.training.trainer_options import UnigramOptions

# Of a score (a natural logarithm); the noise is below 1e-10, and the reference's smallest step is this.
DECIMALS = 4

# Between the scores of two characters that are no pieces: `min_score_penalty_delta` of the reference.
_STEP = 0.0001


@dataclass(frozen=True)
class ScoredPieces:
    """pieces with their scores by id, reserved tokens first; unknown: the id of the unknown token."""

    pieces: Sequence[tuple[str, float]]
    unknown: int

    def trained(self, size: int) -> dict[str, Any]:
        return {"vocab": [list(piece) for piece in self.pieces], "unk_id": self.unknown}


def train_unigram(
    corpus: Corpus = (),
    out: str | Path = "out",
    options: UnigramOptions | None = None,
    *,
    counts: str | Path | None = None,
    read_options: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult:
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
            hint="train each size by itself: --vocab-size 8000 -o out-8000/",
        )
    request = TrainRequest(corpus, out, options, read_options, counts, None, force, threads)
    return run_training(request, most_probable_pieces, progress)


def most_probable_pieces(
    options: UnigramOptions, blueprint: UntrainedTokenizer, words: Words, stages: Stages
) -> ScoredPieces:
    """The pieces that the reference's trainer learns from the words, in a reproducible order."""
    job = {
        # sorted, and one thread below: sums of floats depend on their order
        "words": dict(sorted(words.texts())),
        "vocab_size": max(options.vocab_size),
        "reserved": blueprint.reserved,
        "unk_token": blueprint.roles["unk"],
        "initial_alphabet": blueprint.alphabet,
        "max_piece_length": options.max_piece_length,
        "shrinking_factor": options.shrinking_factor,
        "n_sub_iterations": options.sub_iterations,
    }
    with stages.stage("learning pieces", words.total, "words") as progress:
        learned = run_child("tokkit.tokenizer.training.unigram_worker", job, progress, 1)["pieces"]
    reserved = set(blueprint.reserved)
    pieces = reproducible([(piece, score) for piece, score in learned if piece not in reserved])
    first = [(token, 0.0) for token in blueprint.reserved]
    return ScoredPieces([*first, *pieces], blueprint.reserved.index(blueprint.roles["unk"]))


def reproducible(pieces: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The pieces as every run gives them: scores rounded, those of bare characters reassigned by code point.

    >>> reproducible([("ab", -1.00000000001), ("z", -4.0), ("y", -3.9999), ("x", -2.0)])
    [('ab', -1.0), ('x', -2.0), ('z', -3.9999), ('y', -4.0)]
    """
    lowest = min((score for _, score in pieces), default=0.0)
    bare = sorted(
        piece for piece, score in pieces if len(piece) == 1 and _is_step(score - lowest, len(pieces))
    )
    scores = dict(pieces)
    reassigned = dict(zip(bare, sorted(scores[piece] for piece in bare), strict=True))
    # + 0.0 turns -0.0, which JSON writes with its sign, into 0.0
    rounded = {piece: round(score, DECIMALS) + 0.0 for piece, score in {**scores, **reassigned}.items()}
    return sorted(rounded.items(), key=lambda entry: (-entry[1], entry[0]))


def _is_step(above: float, most: int) -> bool:
    steps = round(above / _STEP)
    return steps < most and abs(above - steps * _STEP) < _STEP / 1000
