"""Options of `predict` and `evaluate`."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.model.options.inference_options import InferenceOptions
from tokkit.options import LARGEST_SEED, option


@dataclass(frozen=True)
class PredictOptions(InferenceOptions):
    """How predictions are computed, calibrated and decided."""

    calibrated: bool = option(
        False, "divide the logits by the temperature that finetune fitted on its validation rows"
    )
    tuned_thresholds: bool = option(
        False, "decide by the thresholds that finetune tuned on its validation rows: best F1 by class"
    )


@dataclass(frozen=True)
class EvaluateOptions(PredictOptions):
    """What `evaluate` reports besides scores."""

    label_issues: bool = option(
        False, "find rows whose label is likely wrong; best on a folder of folds, without a data set"
    )
    worst: int = option(10, "rows with the highest loss to list", minimum=0, metavar="N")
    resamples: int = option(1000, "bootstrap samples of the rows, for the 95 % CI", minimum=0)
    seed: int = option(42, "seed of the bootstrap samples", minimum=0, maximum=LARGEST_SEED)
