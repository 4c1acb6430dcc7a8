"""`train_unigram`: the Unigram model of the `tokenizers` package, to compare others with.

The package learns the pieces, in a child process that can be killed; here its result is put in order. It
walks a randomly seeded hash map: sums of probabilities differ in their last digits from run to run, and
characters that are no piece by their own strength get their scores in a random order. So scores are rounded
to `DECIMALS`, those characters get theirs by code point, and pieces are sorted by score, then text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.corpus import feed
from tokkit.errors import UsageError
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, Stages
from tokkit.runtime import children
from tokkit.tokenizer.training.blueprint import Untrained
from tokkit.tokenizer.training.train import Corpus, TrainResult, trained
from tokkit.tokenizer.training.trainer_options import UnigramOptions

if TYPE_CHECKING:
    from tokkit.corpus.words import Words

DECIMALS = 4
"""Of a score (a natural logarithm); the noise is below 1e-10, and the reference's smallest step is this."""

_STEP = 0.0001
"""Between the scores of two characters that are no pieces: `min_score_penalty_delta` of the reference."""


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
    spec: UnigramOptions | None = None,
    *,
    counts: str | Path | None = None,
    reading: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult:
    """Trains Unigram with the `tokenizers` package; the rest as `train_wordpiece`.

    ``settings`` are fields of `UnigramOptions` and `CorpusOptions`:
    ``train_unigram("corpus.txt", vocab_size=4000)``.
    Pieces are the reference's, scores its own to four decimals. Every repetition we made gave the same bytes;
    unlike of the other families that is not proven, for the reference adds up in a random order, and where
    two pieces are equally dispensable to the last digit, chance may decide.

    Raises `UsageError` also for several sizes (a smaller Unigram is no beginning of a larger) and for one
    that has no room for every character.
    """
    chosen, reading = apply_to_both(UnigramOptions, spec, feed.CorpusOptions, reading, settings)
    if len(set(chosen.vocab_size)) > 1:
        raise UsageError(
            "--vocab-size: a Unigram vocabulary is no beginning of a larger one, so name one size",
            hint="train each size by itself: --vocab-size 8000 -o out-8000/",
        )
    return trained(corpus, counts, None, out, chosen, reading, force, threads, progress, most_probable_pieces)


def most_probable_pieces(
    spec: UnigramOptions, blueprint: Untrained, words: Words, stages: Stages
) -> ScoredPieces:
    """What the reference's trainer makes of the words, put in order."""
    from tokkit.corpus.words import texts_of

    job = {
        "words": dict(sorted(texts_of(words))),
        "vocab_size": max(spec.vocab_size),
        "reserved": blueprint.reserved,
        "unk_token": blueprint.roles["unk"],
        "initial_alphabet": blueprint.alphabet,
        "max_piece_length": spec.max_piece_length,
        "shrinking_factor": spec.shrinking_factor,
        "n_sub_iterations": spec.sub_iterations,
    }
    with stages.stage("learning pieces", words.total, "words") as progress:
        learned = children.ask("tokkit.tokenizer.training.unigram_worker", job, progress, 1)["pieces"]
    reserved = set(blueprint.reserved)
    pieces = in_order([(piece, score) for piece, score in learned if piece not in reserved])
    first = [(token, 0.0) for token in blueprint.reserved]
    return ScoredPieces([*first, *pieces], blueprint.reserved.index(blueprint.roles["unk"]))


def in_order(pieces: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The pieces as every run gives them: scores rounded, those of bare characters dealt out by code point.

    >>> in_order([("ab", -1.00000000001), ("z", -4.0), ("y", -3.9999), ("x", -2.0)])
    [('ab', -1.0), ('x', -2.0), ('z', -3.9999), ('y', -4.0)]
    """
    lowest = min((score for _, score in pieces), default=0.0)
    bare = sorted(
        piece for piece, score in pieces if len(piece) == 1 and _is_step(score - lowest, len(pieces))
    )
    scores = dict(pieces)
    dealt = dict(zip(bare, sorted(scores[piece] for piece in bare), strict=True))
    rounded = {piece: round(score, DECIMALS) + 0.0 for piece, score in {**scores, **dealt}.items()}
    return sorted(rounded.items(), key=lambda entry: (-entry[1], entry[0]))


def _is_step(above: float, most: int) -> bool:
    steps = round(above / _STEP)
    return steps < most and abs(above - steps * _STEP) < _STEP / 1000
