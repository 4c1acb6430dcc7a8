"""What learning a vocabulary starts from and gives: options, the words of a corpus, vocabulary and merges."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tokkit.progress import Progress

# left token, right token, and the token that they become
Merge = tuple[int, int, int]


class Words(Protocol):
    """The distinct words of a corpus, with their counts.

    total  words in all
    bytes  bytes of text they were counted in
    """

    @property
    def total(self) -> int: ...
    @property
    def bytes(self) -> int: ...

    def __len__(self) -> int: ...

    def texts(self, lowest: int = 1) -> list[tuple[str, int]]:
        """The words that occur at least ``lowest`` times, as the pre-tokenizer writes them, with counts."""

    def count_at_rank(self, rank: int) -> int:
        """The count of the word at that rank by frequency, from 1; 1 where there are fewer words."""


@dataclass(frozen=True)
class MergeOptions:
    """What to learn: the tokens that come first, and the limits.

    reserved        tokens that take the first ids, in order
    alphabet        characters that get a token however rare they are
    vocab_size      tokens in all, reserved ones and alphabet included
    min_frequency   a pair must occur this often to be merged
    limit_alphabet  characters that get a token; None: all
    prefix, suffix  mark a character that is not the first of its word, and one that is the last
    longest         characters of the longest token; None: no limit
    """

    reserved: Sequence[str]
    alphabet: Sequence[str]
    vocab_size: int
    min_frequency: int
    limit_alphabet: int | None = None
    prefix: str = ""
    suffix: str = ""
    longest: int | None = None

    def marked(self, kind: int, character: str) -> str:
        """A character as it is written inside a word (kind 1), as the whole word (2) or at its end (3)."""
        return (self.prefix if kind & 1 else "") + character + (self.suffix if kind & 2 else "")


@dataclass(frozen=True)
class MergedVocabulary:
    """Tokens by id, the first ``initial`` of them there before any merge, and the merges in order."""

    tokens: Sequence[str]
    initial: int
    merges: Sequence[Merge]

    def trained(self, size: int) -> dict[str, Any]:
        """Vocabulary and merges of that size as `tokenizers` writes them to JSON."""
        return {"vocab": self.vocabulary(size), "merges": self.merges_of(size)}

    def vocabulary(self, size: int) -> Mapping[str, int]:
        """Token -> id of the vocabulary that training for ``size`` tokens gives."""
        return {token: number for number, token in enumerate(self.tokens[: max(size, self.initial)])}

    def merges_of(self, size: int) -> list[list[str]]:
        """The merges of that vocabulary by rank; of a pair that was merged twice the last rank counts."""
        count = len(self.merges)
        # a smaller size is a prefix: the merges after its last new token belong to the larger ones
        if size <= len(self.tokens):  # training ends with the merge that creates the last token
            last = (i for i, merge in enumerate(self.merges) if merge[2] == size - 1)
            count = next(last, -1) + 1 if size > self.initial else 0
        ranks = {(left, right): rank for rank, (left, right, _) in enumerate(self.merges[:count])}
        pairs = sorted(ranks, key=ranks.__getitem__)
        return [[self.tokens[left], self.tokens[right]] for left, right in pairs]


class Lexicon(ABC):
    """The distinct words of a corpus, and the characters they consist of.

    counts  how often each character occurs in the corpus
    """

    counts: Mapping[str, int]

    def initial_tokens(self, options: MergeOptions) -> list[str]:
        """The tokens before the first merge, in the order of their ids.

        Where the alphabet is limited, the kept characters come first, and among equally rare ones the higher
        code point is dropped.
        """
        if options.limit_alphabet is None:
            characters = sorted({*options.alphabet, *self.counts})
        else:
            # equally frequent characters by code point: in the reference, chance decides which is dropped
            counts = {**self.counts, **dict.fromkeys(options.alphabet, float("inf"))}
            characters = sorted(sorted(counts, key=lambda c: (-counts[c], c))[: options.limit_alphabet])
        tokens = dict.fromkeys((*options.reserved, *characters))
        if options.prefix or options.suffix:
            for kind, character in self.marked_characters():
                if character in tokens:
                    tokens.setdefault(options.marked(kind, character))
        return list(tokens)

    @abstractmethod
    def marked_characters(self) -> Iterable[tuple[int, str]]:
        """Kinds (see `MergeOptions.marked`; 0 is unmarked) and characters in the order they are met.

        The reference meets them in the order of a randomly seeded hash map. Here the words are walked in
        sorted order, which is one of its orders, and the same at every run.
        """

    @abstractmethod
    def merge(self, initial: Sequence[str], options: MergeOptions, progress: Progress) -> MergedVocabulary:
        """Merge pairs until there are ``vocab_size`` tokens, or no pair is frequent enough."""
