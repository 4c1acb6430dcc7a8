"""The options of `audit`, without the libraries that compute."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.model.options.inference_options import InferenceOptions
from tokkit.options import LARGEST_SEED, count_option, option


@dataclass(frozen=True)
class AuditOptions(InferenceOptions):
    """Which rows are listed, and who votes on them."""

    features: str | None = option(
        None,
        "features file of the same rows: neighbors vote on each label as well; without --model, linear "
        "models of the features judge them",
        metavar="FILE",
    )
    neighbors: int = count_option("with --features: neighbors of a row that vote on its label", 20)
    folds: int = count_option("without --model: folds of the linear model", 5, minimum=2)
    seed: int = option(42, "seed of these folds", minimum=0, maximum=LARGEST_SEED)
    rows: int | None = count_option(
        "rows to list, the most suspect first", default_text="those whose label is likely wrong"
    )
