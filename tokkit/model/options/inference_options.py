"""Options of the commands that apply a model: `predict`, `evaluate` and `features`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tokkit.data.output_options import OutputOptions
from tokkit.errors import UsageError, did_you_mean
from tokkit.options import LARGEST_SEED, Options, count_option, option

DTYPES = ("float32", "float16")
# Distances of UMAP for any real vectors, without parameters.
DISTANCES = ("cosine", "euclidean", "manhattan", "chebyshev", "canberra", "braycurtis", "correlation")


_DEVICES = ("auto", "cpu", "cuda", "mps")


def check_device(name: str) -> None:
    """Raises `UsageError` for what is no name of a device."""
    if name in _DEVICES or re.fullmatch(r"cuda:\d+", name):
        return
    raise UsageError(
        f'--device: "{name}" is neither {", ".join(_DEVICES)} nor cuda:N{did_you_mean(name, _DEVICES)}'
    )


@dataclass(frozen=True)
class InferenceOptions(Options):
    """How rows are computed; none of it changes an answer beyond rounding."""

    section: ClassVar[str] = "Computing"

    tokens_per_batch: int | None = count_option(
        "tokens, padding included, computed at once", default_text="chosen for the device"
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:N or mps")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_device(self.device)


@dataclass(frozen=True)
class DecisionOptions(InferenceOptions):
    """How predictions are computed, calibrated and decided."""

    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {"Computing": ("backend",)}

    calibrated: bool = option(
        False, "divide the logits by the temperature that finetune fitted on its validation rows"
    )
    tuned_thresholds: bool = option(
        False, "decide by the thresholds that finetune tuned on its validation rows: best F1 by class"
    )
    backend: str = option(
        "auto",
        "what computes the model: torch, or for a folder of the command export onnxruntime or openvino",
        choices=("auto", "torch", "onnxruntime", "openvino"),
    )


@dataclass(frozen=True)
class PredictOptions(OutputOptions, DecisionOptions):
    """How predictions are computed, and which columns ``-o`` adds to the rows of a data set."""

    probabilities: bool = option(
        False, 'with -o: also a column for the probability of each class, called "% LABEL"'
    )
    top: int = count_option("with -o: the N likeliest classes: predicted_2, probability_2, ...", 1)
    prefix: str = option(
        "", "with -o: put this before the names of the columns that are added", metavar="TEXT"
    )


@dataclass(frozen=True)
class EvaluateOptions(DecisionOptions):
    """What `evaluate` reports besides scores."""

    label_issues: bool = option(
        False, "find rows whose label is likely wrong; best on a folder of folds, without a data set"
    )
    metric: str | None = option(
        None,
        "score that picks the best of several models; that of one class is classes.joy.f1",
        default_text="macro_f1, or the task's own",
        metavar="SCORE",
    )
    worst: int = count_option("rows with the highest loss to list", 10, minimum=0)
    best: int = count_option("rows with the lowest loss to list", 0, minimum=0)
    resamples: int = option(1000, "bootstrap samples of the rows, for the 95 % CI", minimum=0)
    seed: int = option(42, "seed of the bootstrap samples", minimum=0, maximum=LARGEST_SEED)


@dataclass(frozen=True)
class FeaturesOptions(InferenceOptions):
    """Which hidden states are written, and what is computed from them."""

    pooling: str = option(
        "mean",
        "one vector per text: of its first token (first or cls), the mean or maximum over its tokens, or the "
        "output of the model's own pooler; none writes a vector per token",
        choices=("first", "cls", "mean", "max", "pooler", "none"),
    )
    layer: int = option(-1, "hidden states after this layer: 0 the embeddings, -1 the last")
    dtype: str = option("float32", "numbers in the file; float16 takes half the space", choices=DTYPES)
    max_length: int | None = count_option(
        "tokens per row", minimum=3, default_text="the tokenizer's, at most the model's"
    )
    probe: bool = option(False, "train a logistic regression on the vectors of train, and score it")
    bag_of_words: bool = option(
        False, "score a logistic regression on words and word pairs (TF-IDF) on the same rows"
    )
    split: str = option("validation", "split that these two are scored on", choices=("validation", "test"))
    neighbors: int = option(15, "of the map: neighbors of a row that UMAP considers", minimum=2)
    min_dist: float = option(0.1, "of the map: minimum distance of points", minimum=0.0, maximum=1.0)
    umap_metric: str = option("cosine", "of the map: distance between vectors", choices=DISTANCES)
    map_rows: int = count_option("of the map: maximum number of rows", 10_000, minimum=10)
    seed: int = option(42, "seed of the map and of a validation split", minimum=0, maximum=LARGEST_SEED)
