"""The distinct words of a corpus as a tokenizer cuts them now, and as it would with one more token.

A new token matters where a word begins with it. What becomes of such a word depends on the model:

    WordPiece   takes the longest piece that fits, so the token goes first and the rest is matched anew:
                with `covid` added, `covidiot` is `covid ##iot`. That may take more tokens than before.
    WordLevel   knows the word itself, no other.
    the others  take the token in place of the pieces it is joined from; the rest stays as it is. BPE does so
                with merges behind all others, as `add-tokens --native` adds them.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tokkit.progress import Progress, stop_if_cancelled
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.folder.load import LoadedTokenizer

# In ``rest``: no token ends here, or what follows cannot be matched; not computed yet.
NEVER, UNSET = -1, -2

_BATCH = 10_000
_LAST = chr(0x10FFFF)


@dataclass(frozen=True)
class Change:
    """What one more token does to the words that begin with it.

    words           (n,) numbers of the words that are cut otherwise
    cost, unknown   (n,) their tokens afterwards, and unknown ones among them
    length          of the new token, in characters of the pre-token
    """

    words: NDArray[np.int64]
    cost: NDArray[np.int64]
    unknown: NDArray[np.int64]
    length: int


@dataclass(frozen=True)
class CutWords:
    """Words in order of code points, each with what it costs. ``cost``, ``unknown`` and ``first`` are changed
    by `apply`, all else stays.

    counts    (words,) occurrences of each in the corpus
    cost      (words,) tokens it is cut into, ``unknown`` of them unknown
    first     (words,) characters of its first token
    starts    (words + 1,) where its positions 0 .. len(word) stand in the next three
    rest      tokens that follow if a token ends at that position
    lost      unknown ones among those
    cuts      a number for the borders up to there: two words have the same one where they are cut alike
    too_long  occurrences of words that are too long for the model: one unknown token each, whatever is added;
              not among ``words``
    """

    words: Sequence[str]
    counts: NDArray[np.int64]
    cost: NDArray[np.int64]
    unknown: NDArray[np.int64]
    first: NDArray[np.int64]
    starts: NDArray[np.int64]
    rest: NDArray[np.int32]
    lost: NDArray[np.int32]
    cuts: NDArray[np.uint64]
    model: Model
    too_long: int = 0

    @property
    def totals(self) -> tuple[int, int]:
        """Tokens of the corpus's words, and unknown ones among them."""
        unknown = 0 if self.model.unknown is None else self.too_long
        return int(self.counts @ self.cost) + self.too_long, int(self.counts @ self.unknown) + unknown

    def change(self, form: str) -> Change:
        """What adding a pre-token to the vocabulary does, on top of all that was applied before."""
        # In order of code points, words that begin with `form` are a range; the largest one ends it.
        low, high = bisect_left(self.words, form), bisect_left(self.words, form + _LAST)
        numbers = np.arange(low, high)
        numbers = numbers[self.first[low:high] < len(form)]
        at = self.starts[numbers] + len(form)
        if self.model.family == "WordPiece":
            for number in numbers[self.rest[at] == UNSET].tolist():
                pieces = self.model.matched(self.words[number], len(form))
                self.rest[self.starts[number] + len(form)] = NEVER if pieces is None else len(pieces)
            lost = self.rest[at] == NEVER
            cost, unknown = np.where(lost, 1, 1 + self.rest[at]), lost.astype(np.int64)
        else:
            fitting = self.rest[at] >= 0
            if self.model.family != "WordLevel":
                # Pieces are joined to the token only where the word is cut up to there as the token alone is.
                fitting &= self.cuts[at] == border_hash(self.model.borders(form))
            numbers, at = numbers[fitting], at[fitting]
            cost, unknown = 1 + self.rest[at].astype(np.int64), self.lost[at].astype(np.int64)
        changed = (cost != self.cost[numbers]) | (unknown != self.unknown[numbers])
        return Change(numbers[changed], cost[changed], unknown[changed], len(form))

    def apply(self, change: Change) -> None:
        """The token of this change is in the vocabulary from now on."""
        self.cost[change.words] = change.cost
        self.unknown[change.words] = change.unknown
        self.first[change.words] = change.length


@dataclass(frozen=True)
class Model:
    """A tokenizer's model without its pipeline: it encodes words.

    bare     cuts a pre-token, and nothing else
    prefix   what marks a WordPiece inside a word
    longest  characters of its longest token
    most     characters of the longest word it cuts at all, None where there is no limit
    """

    bare: Tokenizer
    family: str
    unknown: int | None
    vocabulary: frozenset[str]
    prefix: str
    longest: int
    most: int | None

    @classmethod
    def of(cls, tokenizer: LoadedTokenizer) -> Model:
        content = json.loads(tokenizer.backend.to_str())
        pipeline = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
        bare = {**content, **dict.fromkeys(pipeline), "added_tokens": []}
        model = content["model"]
        vocabulary = frozenset(tokenizer.backend.get_vocab(with_added_tokens=False))
        return cls(
            bare=Tokenizer.from_str(json.dumps(bare)),
            family=model["type"],
            unknown=tokenizer.id_of("unk"),
            vocabulary=vocabulary,
            prefix=model.get("continuing_subword_prefix") or "",
            longest=max(map(len, vocabulary), default=0),
            most=model.get("max_input_chars_per_word"),
        )

    def cut(self, words: Sequence[str]) -> list[Any]:
        """The `tokenizers.Encoding` of each word; raises `InputError` where the model fails."""
        with guarded("the tokenizer fails on a word of the corpus"):
            return self.bare.encode_batch(list(words), add_special_tokens=False)

    def borders(self, word: str) -> list[int]:
        """Where the tokens of a word end, in characters."""
        tokens = tokens_of(self.cut([word]), self.unknown)
        return tokens.end[tokens.is_border].tolist()

    def matched(self, word: str, start: int) -> list[str] | None:
        """The WordPieces of a word from ``start`` on, the longest first; None where one is missing."""
        pieces = []
        while start < len(word):
            end = min(len(word), start + self.longest)
            while end > start and self.prefix + word[start:end] not in self.vocabulary:
                end -= 1
            if end == start:
                return None
            pieces.append(self.prefix + word[start:end])
            start = end
        return pieces

    def tokens_after(self, word: str, form: str) -> list[str]:
        """How a word that begins with a new token is cut with it."""
        if self.family == "WordPiece":
            return [form, *(self.matched(word, len(form)) or ())]
        [encoding] = self.cut([word])
        tokens = zip(encoding.tokens, encoding.offsets, strict=True)
        return [form, *(token for token, (start, _) in tokens if start >= len(form))]


def cut_words(counted: Sequence[tuple[str, int]], model: Model, progress: Progress) -> CutWords:
    """The words with their counts, cut by the model; those too long for it are only counted."""
    fitting = sorted(pair for pair in counted if model.most is None or len(pair[0]) <= model.most)
    words = [word for word, _ in fitting]
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    starts = np.concatenate([[0], np.cumsum(lengths + 1)])
    rest = np.full(starts[-1], UNSET if model.family == "WordPiece" else NEVER, dtype=np.int32)
    lost = np.zeros(starts[-1], dtype=np.int32)
    ends = np.zeros(starts[-1], dtype=np.bool_)
    cost, unknown, first = (np.zeros(len(words), dtype=np.int64) for _ in range(3))
    # These models replace a whole word by one unknown token, which has no borders inside.
    whole_unknown = model.family in ("WordPiece", "WordLevel")
    for start in range(0, len(words), _BATCH):
        stop_if_cancelled(progress)
        some = slice(start, min(start + _BATCH, len(words)))
        tokens = tokens_of(model.cut(words[some]), model.unknown)
        cost[some], unknown[some] = tokens.in_word, tokens.unknown_in_word
        known = ~(tokens.unknown_in_word > 0)[tokens.word] if whole_unknown else np.True_
        begins = (tokens.index == 0) & known
        first[start + tokens.word[begins]] = tokens.end[begins]
        borders = tokens.is_border & known
        at = starts[start + tokens.word[borders]] + tokens.end[borders]
        ends[at] = True
        rest[at] = (tokens.in_word[tokens.word] - tokens.index - 1)[borders]
        lost[at] = tokens.unknown_after[borders]
        progress.advance(some.stop - start)
    if whole_unknown:
        # As a token of its own, an unknown word has nothing behind it.
        rest[(starts[1:] - 1)[unknown > 0]] = 0
    counts = np.fromiter((count for _, count in fitting), dtype=np.int64, count=len(fitting))
    cuts = running_sums(np.where(ends, mixed(positions(starts)), np.uint64(0)), starts)
    too_long = sum(count for _, count in counted) - int(counts.sum())
    return CutWords(words, counts, cost, unknown, first, starts, rest, lost, cuts, model, too_long)


@dataclass(frozen=True)
class Tokens:
    """Tokens of several words, one after another.

    word, index, end           (tokens,) its word, its number in that word, and where it ends, in characters
    is_border                  (tokens,) whether the next one begins there: the bytes of one character, which
                               share its offsets, have no border between them
    unknown_after              (tokens,) unknown tokens that follow in the word
    in_word, unknown_in_word   (words,) tokens of each word, and unknown ones
    """

    word: NDArray[np.int64]
    index: NDArray[np.int64]
    end: NDArray[np.int64]
    is_border: NDArray[np.bool_]
    unknown_after: NDArray[np.int64]
    in_word: NDArray[np.int64]
    unknown_in_word: NDArray[np.int64]


def tokens_of(encodings: Sequence[Any], unknown: int | None) -> Tokens:
    """The tokens of some `tokenizers.Encoding`; ``unknown`` is the id of the unknown token, None without."""
    in_word = np.fromiter(map(len, encodings), dtype=np.int64, count=len(encodings))
    ids = np.fromiter((id_ for encoding in encodings for id_ in encoding.ids), dtype=np.int64)
    offsets = [pair for encoding in encodings for pair in encoding.offsets]
    starts, ends = np.array(offsets, dtype=np.int64).reshape(-1, 2).T
    word = np.repeat(np.arange(len(encodings)), in_word)
    firsts = np.cumsum(in_word) - in_word
    index = np.arange(len(ids)) - firsts[word]
    is_last = index == in_word[word] - 1
    is_unknown = (ids == unknown) if unknown is not None else np.zeros(len(ids), np.bool_)
    unknown_in_word = np.bincount(word[is_unknown], minlength=len(encodings))
    running = np.cumsum(is_unknown)
    before = np.concatenate([[0], running])[firsts]
    return Tokens(
        word=word,
        index=index,
        end=ends,
        is_border=is_last | (np.append(starts[1:], 0) >= ends),
        unknown_after=(before + unknown_in_word)[word] - running,
        in_word=in_word,
        unknown_in_word=unknown_in_word,
    )


def border_hash(borders: Sequence[int]) -> np.uint64:
    """The values of ``cuts`` after these borders."""
    return mixed(np.array(borders, dtype=np.uint64)).sum(dtype=np.uint64)


def positions(starts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The positions 0 .. len(word) of every word, one word after another."""
    return (np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts))).astype(np.uint64)


def running_sums(values: NDArray[np.uint64], starts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """For every position of every word the sum of the values up to there, without that of position 0."""
    # The sum wraps around at 2^64; differences modulo 2^64 stay right.
    running = np.cumsum(values, dtype=np.uint64)
    return running - np.repeat(running[starts[:-1]], np.diff(starts))


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers as good as random for numbers: SplitMix64 (Steele, Lea and Flood 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
