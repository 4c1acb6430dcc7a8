"""Unigram on one word in plain Python: the score of its best cut."""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN_PENALTY = 10.0
"""How far an unknown character lies below the worst piece: ``K_UNK_PENALTY`` of `tokenizers`."""


def best_score(word: str, scores: Mapping[str, float], longest: int) -> float:
    """The sum of the scores of the pieces in the likeliest cut of ``word`` (Viterbi).

    longest   characters of the longest piece

    >>> best_score("ab", {"a": -1.0, "b": -2.0, "ab": -2.5}, 2)
    -2.5
    """
    unknown = min(scores.values(), default=0.0) - UNKNOWN_PENALTY
    best = [0.0]
    for end in range(1, len(word) + 1):
        cuts = [
            best[start] + scores[word[start:end]]
            for start in range(max(0, end - longest), end)
            if word[start:end] in scores
        ]
        best.append(max([*cuts, best[end - 1] + unknown]))
    return best[-1]
