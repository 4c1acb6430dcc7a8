"""The options of `compare`."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.options import LARGEST_SEED, Options, option


@dataclass(frozen=True)
class CompareOptions(Options):
    """What to measure, and the number of bootstrap samples for the confidence intervals."""

    split: str | None = option(
        None, "only this split", choices=("train", "validation", "test"), default_text="all splits"
    )
    by: str | None = option(
        None, "column of languages or other groups to measure separately", metavar="COLUMN"
    )
    resamples: int = option(1000, "bootstrap samples of the rows, for the 95 % CI", minimum=0)
    frequent_words: int = option(1000, "frequent words to check for being one token", minimum=1)
    seed: int = option(42, "seed of the bootstrap samples", minimum=0, maximum=LARGEST_SEED)
