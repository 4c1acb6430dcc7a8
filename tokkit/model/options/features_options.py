"""Options of `features`."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.model.options.inference_options import InferenceOptions
from tokkit.options import LARGEST_SEED, option

DTYPES = ("float32", "float16")
# Distances of UMAP for any real vectors, without parameters.
DISTANCES = ("cosine", "euclidean", "manhattan", "chebyshev", "canberra", "braycurtis", "correlation")


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
    max_length: int | None = option(
        None, "tokens per row", minimum=3, metavar="N", default_text="the tokenizer's, at most the model's"
    )
    probe: bool = option(False, "train a logistic regression on the vectors of train, and score it")
    bag_of_words: bool = option(
        False, "score a logistic regression on words and word pairs (TF-IDF) on the same rows"
    )
    split: str = option("validation", "split that these two are scored on", choices=("validation", "test"))
    neighbors: int = option(15, "of the map: neighbors of a row that UMAP considers", minimum=2)
    min_dist: float = option(0.1, "of the map: minimum distance of points", minimum=0.0, maximum=1.0)
    umap_metric: str = option("cosine", "of the map: distance between vectors", choices=DISTANCES)
    map_rows: int = option(10_000, "of the map: maximum number of rows", minimum=10, metavar="N")
    seed: int = option(42, "seed of the map and of a validation split", minimum=0, maximum=LARGEST_SEED)
