"""The options of `suggest_rows`, without the libraries that compute."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.model.options.inference_options import InferenceOptions
from tokkit.options import LARGEST_SEED, count_option, option


@dataclass(frozen=True)
class SuggestRowsOptions(InferenceOptions):
    """How many rows are picked, and from how many."""

    budget: int = count_option("rows to pick", 200)
    candidates: int = count_option(
        "times the budget: as many rows with the smallest margins are candidates, of which diverse ones are "
        "picked; 1 picks by margin alone",
        10,
    )
    seed: int = option(42, "seed of the clusters of candidates", minimum=0, maximum=LARGEST_SEED)
