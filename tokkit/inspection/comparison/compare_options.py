"""What the user may ask of a comparison of tokenizers."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.data.dataset import SPLITS
from tokkit.options import LARGEST_SEED, Options, option


@dataclass(frozen=True)
class CompareOptions(Options):
    """What is measured, and how often rows are drawn anew for the intervals."""

    split: str | None = option(None, "only this split", choices=SPLITS, default_text="all of them")
    by: str | None = option(None, "column of languages or other groups to measure apart", metavar="COLUMN")
    resamples: int = option(1000, "bootstrap samples of the rows, for the 95 % intervals", minimum=0)
    frequent_words: int = option(1000, "frequent words asked whether they are one token", minimum=1)
    seed: int = option(42, "start of the random numbers", minimum=0, maximum=LARGEST_SEED)
