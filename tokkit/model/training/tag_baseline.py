"""Baselines of a tagger: the most frequent tag of each word, and a linear tagger.

The linear tagger, a linear SVM, reads a token and its neighbors: the word, in lower case too, its shape, its
first and last characters, and the pairs of words.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from tokkit.data.dataset import sort_labels
from tokkit.model.training.linear_model import best_learner, quiet_learner
from tokkit.progress import Progress

# Columns that features are hashed to.
_COLUMNS = 1 << 18
_AFFIXES = (1, 2, 3)
_STRENGTHS = (0.1, 0.3, 1.0)
_RUN = re.compile(r"(.)\1+")


def word_majority(
    training: Sequence[Sequence[str]], tags: Sequence[Sequence[str]], held_out: Sequence[Sequence[str]]
) -> list[list[str]]:
    """The most frequent tag of each word in training; of a new word, of all words."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for word, tag in zip(chain(*training), chain(*tags), strict=True):
        counts[word][tag] += 1
    overall = _most_frequent(Counter(chain(*tags)))
    of_word = {word: _most_frequent(of) for word, of in counts.items()}
    return [[of_word.get(word, overall) for word in row] for row in held_out]


def _most_frequent(counts: Counter[str]) -> str:
    return max(sort_labels(counts), key=counts.__getitem__)


def linear_tags(
    training: Sequence[Sequence[str]],
    tags: Sequence[Sequence[str]],
    held_out: Sequence[Sequence[str]],
    threads: int | None,
    progress: Progress,
) -> list[list[str]]:
    """The tags that the linear tagger predicts for the held-out rows of words."""
    # Here alone, so that runs without a baseline do not load scikit-learn.
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.svm import LinearSVC

    hasher = FeatureHasher(_COLUMNS, input_type="string")
    features: Any = hasher.transform(chain.from_iterable(map(_features, training)))
    targets = np.array(list(chain(*tags)))
    if len(np.unique(targets)) < 2:
        return word_majority(training, tags, held_out)
    learners = [LinearSVC(C=strength, random_state=0) for strength in _STRENGTHS]
    with quiet_learner("linear tagger", threads, progress):
        learner = learners[best_learner(learners, features, targets, by_class=True)].fit(features, targets)
        predicted = iter(learner.predict(hasher.transform(chain.from_iterable(map(_features, held_out)))))
    return [[str(next(predicted)) for _ in row] for row in held_out]


def _features(words: Sequence[str]) -> Iterator[Iterable[str]]:
    """Those of each word.

    >>> sorted(list(_features(["Ada", "lives"]))[0])[:4]
    ['after=lives', 'after pair=ada lives', 'before=<', 'before pair=< ada']
    """
    lower = ["<", *(word.lower() for word in words), ">"]
    shapes = ["<", *map(_shape, words), ">"]
    for i, word in enumerate(words, 1):
        before, own, after = lower[i - 1 : i + 2]
        yield [
            *("bias", f"word={word}", f"lower={own}", f"before={before}", f"after={after}"),
            f"shape={shapes[i]}",
            *(f"shapes={' '.join(shapes[i - 1 : i + 1])}", f"next shapes={' '.join(shapes[i : i + 2])}"),
            *(f"before pair={before} {own}", f"after pair={own} {after}"),
            *(f"prefix={own[:n]}" for n in _AFFIXES),
            *(f"suffix={own[-n:]}" for n in _AFFIXES),
        ]


def _shape(word: str) -> str:
    """Runs of capitals, small letters, other letters and digits as one of each: McDonald's42 is XxXx'xd."""
    kinds = (
        "X" if c.isupper() else "x" if c.islower() else "d" if c.isdecimal() else "w" if c.isalpha() else c
        for c in word
    )
    return _RUN.sub(r"\1", "".join(kinds))
