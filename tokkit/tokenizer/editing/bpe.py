"""BPE on one word in plain Python: which tokens it is cut into, and which are made on the way.

`tokenizers` tells only the result. What a vocabulary needs to be extended or cut down are the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Pair = tuple[str, str]


@dataclass
class Merges:
    """The merges of a BPE model by rank, to which more can be appended.

    prefix, suffix   what marks a piece inside a word, and the last one
    """

    ranks: dict[Pair, int]
    prefix: str = ""
    suffix: str = ""
    appended: list[Pair] = field(default_factory=list)

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Merges:
        """From a model as `tokenizers` writes it to JSON; of a pair that stands twice, the last counts."""
        ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}
        prefix, suffix = model.get("continuing_subword_prefix"), model.get("end_of_word_suffix")
        return cls(ranks, prefix or "", suffix or "")

    def symbols(self, word: str) -> list[str]:
        """The characters of a word as they enter the model: ``ab`` -> ``a``, ``##b`` with that prefix."""
        marked = [self.prefix + each if i else each for i, each in enumerate(word)]
        return [*marked[:-1], marked[-1] + self.suffix] if marked else []

    def symbols_of(self, token: str) -> list[str]:
        """The characters that a token of the vocabulary is made of, marked as they are in it."""
        bare = token.removeprefix(self.prefix).removesuffix(self.suffix)
        if not bare:
            return [token]
        first = "" if token == token.removeprefix(self.prefix) else self.prefix
        last = "" if token == token.removesuffix(self.suffix) else self.suffix
        marked = [first + bare[0], *(self.prefix + each for each in bare[1:])]
        return [*marked[:-1], marked[-1] + last]

    def joined(self, left: str, right: str) -> str:
        """The token a merge makes."""
        return left + right.removeprefix(self.prefix)

    def __post_init__(self) -> None:
        self._next = 1 + max(self.ranks.values(), default=-1)

    def append(self, left: str, right: str) -> str:
        """One more merge, behind all others; the token it makes."""
        self.ranks[left, right] = self._next
        self._next += 1
        self.appended.append((left, right))
        return self.joined(left, right)

    def run(self, symbols: Sequence[str]) -> tuple[list[str], list[str]]:
        """The tokens that are left when no merge applies, and every token made on the way.

        The merge of the lowest rank comes first, its leftmost place first, as in `tokenizers`.

        >>> Merges({("a", "b"): 0, ("ab", "c"): 1}).run(["a", "b", "c"])
        (['abc'], ['ab', 'abc'])
        """
        parts, made = list(symbols), []
        while len(parts) > 1:
            ranked = [(self.ranks[pair], i) for i, pair in enumerate(pairwise(parts)) if pair in self.ranks]
            if not ranked:
                break
            _, i = min(ranked)
            parts[i : i + 2] = [self.joined(parts[i], parts[i + 1])]
            made.append(parts[i])
        return parts, made
