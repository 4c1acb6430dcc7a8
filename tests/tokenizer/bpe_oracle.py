"""The reference's BPE trainer in plain Python: slow, short, and proved against the reference itself.

>>> learn({"abab": 3, "ab": 1}, vocab_size=4).tokens
['a', 'b', 'ab', 'abab']

It follows ``BpeTrainer.do_train`` of `tokenizers` step by step, with three of its defects mended: counts do
not wrap, a negative count is not read as a huge one, and what the reference leaves to the order of a hash map
has an order here: the words as they are given, the lower code point among equally rare characters, and the
older of two queue entries of one pair. `Learned.open` says where that matters.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Learned:
    """tokens by id, the first ``initial`` there before any merge; ``made`` holds (left, right, token).

    open  whether the reference may give something else from the same initial tokens, because a count fell
          below zero or a pair stood in the queue twice
    """

    tokens: list[str]
    initial: int
    merges_made: list[tuple[int, int, int]]
    open: bool

    @property
    def merges(self) -> list[list[str]]:
        """In rank order; of a pair that was merged twice the last rank counts."""
        ranks = {(left, right): rank for rank, (left, right, _) in enumerate(self.merges_made)}
        return [
            [self.tokens[left], self.tokens[right]] for left, right in sorted(ranks, key=ranks.__getitem__)
        ]

    @property
    def reused(self) -> int:
        """Merges that made a token that was there already."""
        return len(self.merges_made) - (len(self.tokens) - self.initial)


def learn(
    words: Mapping[str, int],
    *,
    vocab_size: int,
    min_frequency: int = 0,
    special: Sequence[str] = (),
    alphabet: Iterable[str] = (),
    limit: int | None = None,
    prefix: str = "",
    suffix: str = "",
    longest: int | None = None,
    initial: Sequence[str] = (),
) -> Learned:
    """Vocabulary and merges of the words.

    longest  characters of the longest token; the reference's ``max_token_length`` is one more
    initial  the tokens before the first merge, instead of those that are met
    """
    if initial:
        tokens = {token: number for number, token in enumerate(initial)}
        characters = set(initial)
    else:
        tokens = {token: number for number, token in enumerate(dict.fromkeys(special))}
        for character in kept_characters(words, alphabet, limit):
            tokens.setdefault(character, len(tokens))
        characters = set(tokens)
    symbols = [written(word, tokens, characters, prefix, suffix) for word in words]
    first = len(tokens)
    merges_made, is_open = merged(
        symbols, list(words.values()), tokens, vocab_size, min_frequency, prefix, longest
    )
    return Learned(list(tokens), first, merges_made, is_open)


def kept_characters(words: Mapping[str, int], alphabet: Iterable[str], limit: int | None) -> list[str]:
    """The alphabet in the order of its ids."""
    counts: dict[str, float] = defaultdict(float)
    for word, count in words.items():
        for character in word:
            counts[character] += count
    counts.update(dict.fromkeys(alphabet, float("inf")))
    return sorted(sorted(counts, key=lambda c: (-counts[c], c))[:limit])


def written(
    word: str, tokens: dict[str, int], characters: Container[str], prefix: str, suffix: str
) -> list[list[int]]:
    """The word as symbols, [id, characters] each; a decorated character that is new gets the next id."""
    symbols = []
    for position, character in enumerate(word):
        if character in characters:
            decorated = (
                (prefix if position else "") + character + (suffix if position == len(word) - 1 else "")
            )
            symbols.append([tokens.setdefault(decorated, len(tokens)), 1])
    return symbols


def merged(
    words: list[list[list[int]]],
    weights: list[int],
    tokens: dict[str, int],
    vocab_size: int,
    min_frequency: int,
    prefix: str,
    longest: int | None,
) -> tuple[list[tuple[int, int, int]], bool]:
    """Merges until the vocabulary is full or the pairs are too rare; changes ``words`` and ``tokens``."""
    texts = list(tokens)
    counts: Counter[tuple[int, int]] = Counter()
    where: dict[tuple[int, int], set[int]] = defaultdict(set)
    for number, word in enumerate(words):
        for (left, _), (right, _) in pairwise(word):
            counts[left, right] += weights[number]
            where[left, right].add(number)
    queue: list[tuple[int, tuple[int, int], int, set[int]]] = []
    entries: Counter[tuple[int, int]] = Counter()
    pushed, is_open = 0, False
    merges_made = []
    while True:
        for pair in sorted(where):
            if counts[pair] > 0:
                heapq.heappush(queue, (-counts[pair], pair, pushed, where[pair]))
                pushed += 1
                entries[pair] += 1
        if len(tokens) >= vocab_size:
            return merges_made, is_open
        while queue and -queue[0][0] != counts[queue[0][1]]:
            _, pair, age, holders = heapq.heappop(queue)
            is_open = is_open or counts[pair] < 0
            heapq.heappush(queue, (-counts[pair], pair, age, holders))
        if not queue or -queue[0][0] < max(min_frequency, 1):
            return merges_made, is_open
        _, (left, right), _, holders = heapq.heappop(queue)
        is_open = is_open or entries[left, right] > 1
        entries[left, right] -= 1
        text = texts[left] + texts[right].removeprefix(prefix)
        if text not in tokens:
            tokens[text] = len(tokens)
            texts.append(text)
        merges_made.append((left, right, tokens[text]))
        where = defaultdict(set)
        for number in holders:
            for pair, change in changes(words[number], left, right, tokens[text], longest):
                counts[pair] += change * weights[number]
                if change > 0:
                    where[pair].add(number)


def changes(
    word: list[list[int]], left: int, right: int, token: int, longest: int | None
) -> Iterable[tuple[tuple[int, int], int]]:
    """Merges the pair in one word, from left to right; the pairs that fall and rise."""
    position = 0
    while position + 1 < len(word):
        if word[position][0] == left and word[position + 1][0] == right:
            length = word[position][1] + word[position + 1][1]
            word[position : position + 2] = [[token, length]]
            if position > 0:
                before, size = word[position - 1]
                yield (before, left), -1
                if longest is None or size + length <= longest:
                    yield (before, token), 1
            if position + 1 < len(word):
                after, size = word[position + 1]
                yield (right, after), -1
                if longest is None or size + length <= longest:
                    yield (token, after), 1
        position += 1
