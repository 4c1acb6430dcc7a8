"""Options of `explore`, without the libraries that compute."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.model.options.inference_options import InferenceOptions
from tokkit.options import LARGEST_SEED, count_option, option


@dataclass(frozen=True)
class ExploreOptions(InferenceOptions):
    """Which rows are in the page, and what is computed of them."""

    rows: int = count_option("maximum number of rows in the page; of more, a random sample", 200_000)
    near: bool = option(False, "find near duplicates as well, which takes longer")
    max_length: int | None = count_option(
        "tokens at which a row counts as truncated",
        minimum=3,
        default_text="the model's, else the tokenizer's",
    )
    map_rows: int = count_option("with --features: maximum number of texts on the map", 10_000, minimum=10)
    seed: int = option(42, "seed of the sample and of the map", minimum=0, maximum=LARGEST_SEED)
