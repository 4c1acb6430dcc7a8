"""What the user may ask of an evaluation, and of answers in general."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.model.options.inference_options import InferenceOptions
from tokkit.options import LARGEST_SEED, option


@dataclass(frozen=True)
class PredictOptions(InferenceOptions):
    """How a model's answers are computed, and what is made of them."""

    calibrated: bool = option(
        False, "divide the logits by the temperature that fine-tuning fitted on its validation rows"
    )
    tuned_thresholds: bool = option(
        False, "decide by the thresholds that fine-tuning chose on its validation rows: best F1 by class"
    )


@dataclass(frozen=True)
class EvaluateOptions(PredictOptions):
    """Settings of `evaluate`."""

    label_issues: bool = option(
        False, "find rows whose label is likely wrong; best on a folder of folds, without a data set"
    )
    worst: int = option(10, "rows with the highest loss to tell", minimum=0, metavar="N")
    resamples: int = option(1000, "bootstrap samples of the rows, for the 95 % intervals", minimum=0)
    seed: int = option(42, "seed of the bootstrap samples", minimum=0, maximum=LARGEST_SEED)
