"""What a tokenizer is measured by: figures over arrays of counts, special tokens left out of all of them.

A word is what white space separates. Every share and ratio is a ratio of sums over rows (`RATIOS`), never a
mean of per-row ratios: a text of two words weighs less than one of two hundred.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Metric -> what is summed above and below the line, over rows.
RATIOS = {
    "fertility": ("tokens", "words"),
    "bytes_per_token": ("bytes", "tokens"),  # of UTF-8
    "characters_per_token": ("characters", "tokens"),  # Unicode code points
    "continued_words": ("continued", "words"),  # words cut into two or more tokens
    "unknown_rate": ("unknown", "tokens"),
    "unknown_words": ("unknown_words", "words"),  # with an unknown token in them
    "unknown_rows": ("unknown_rows", "rows"),  # with an unknown token in them
}

# Of the Rényi entropy: the one that went best with translation quality (Zouhar et al. 2023).
ORDER = 2.5


def sums_by_row(values: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum over each row, (rows,): row i is ``values[offsets[i]:offsets[i + 1]]``, and may be empty.

    >>> sums_by_row(np.array([1, 0, 1]), np.array([0, 2, 2, 3]))
    array([1, 0, 1])
    """
    # `np.add.reduceat` returns the next value, not 0, for an empty row.
    running = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return running[offsets[1:]] - running[offsets[:-1]]


def ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """``above / below``, NaN where there is nothing below the line."""
    # `np.where` evaluates the division for all elements, also for those it discards.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, np.divide(above, below), np.nan)


def renyi_efficiency(counts: NDArray[np.int64], vocab_size: int, order: float = ORDER) -> float | None:
    """Rényi entropy of the tokens over the largest there could be, log of the vocabulary's size: 0 to 1.

    counts  (ids,) occurrences of each token in the text

    High where no token is much more frequent than the others; it can be driven up by a worse tokenizer
    (Cognetta et al. 2024), so it is never reported alone. None without tokens, and for a vocabulary of one.
    Source: Zouhar et al. 2023, Tokenization and the Noiseless Channel; ``order`` is not 1.
    """
    total = int(counts.sum())
    if not total or vocab_size < 2:
        return None
    shares = counts[counts > 0] / total
    # Two tokens with equal shares, order 2.5: log(2 * 0.5^2.5) / -1.5 = log 2, the maximum for two.
    entropy = math.log(float(np.sum(shares**order))) / (1 - order)
    # Rounding gives a value just below 0 where one token is all of the text.
    return max(entropy, 0.0) / math.log(vocab_size)


def vocabulary_used(counts: NDArray[np.int64], vocab_size: int) -> float:
    """Share of the vocabulary that the text needs at all."""
    return int((counts > 0).sum()) / max(vocab_size, 1)


def whole_words(pieces: NDArray[np.int64], counts: NDArray[np.int64], most: int) -> float | None:
    """Share of the ``most`` frequent distinct words that are one token.

    pieces, counts  (distinct words,) tokens of each word, and its occurrences; of words equally
                    frequent, those that come first are taken
    """
    frequent = np.argsort(-counts, kind="stable")[:most]
    return float((pieces[frequent] == 1).mean()) if len(frequent) else None


def gini(costs: Sequence[float]) -> float | None:
    """How unequal costs are: 0 where all are equal, towards 1 where one bears everything.

    Half the mean difference between any two, over the mean (Gini 1912). None without a positive cost.

    >>> gini([1, 1, 1]), gini([0, 0, 3])
    (0.0, 0.6666666666666666)
    """
    total = sum(costs)
    if total <= 0:
        return None
    # [0, 0, 3]: four ordered pairs differ by 3, and 12 / (2 * 3 * 3) = 2/3.
    differences = sum(abs(one - other) for one in costs for other in costs)
    return differences / (2 * len(costs) * total)
