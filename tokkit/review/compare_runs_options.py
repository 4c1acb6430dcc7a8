"""The options of `compare_runs`, without the libraries that compute."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.model.options.inference_options import InferenceOptions
from tokkit.options import LARGEST_SEED, option


@dataclass(frozen=True)
class CompareRunsOptions(InferenceOptions):
    """What two runs are compared by."""

    metric: str | None = option(
        None,
        "score to compare: macro_f1, accuracy, loss, span_f1, classes.joy.f1",
        metavar="SCORE",
        default_text="macro_f1, or the task's own",
    )
    resamples: int = option(1000, "bootstrap samples of the rows, for the 95 % CI", minimum=1)
    seed: int = option(42, "seed of the bootstrap samples", minimum=0, maximum=LARGEST_SEED)
