"""How one word is segmented, in plain Python: its pre-token, and the steps of BPE, Unigram and WordPiece.

`tokenizers` gives only the result. Extending and pruning a vocabulary need the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tokenizers import Tokenizer

from tokkit.errors import InputError
from tokkit.runtime.panics import guarded

Pair = tuple[str, str]

# How far an unknown character scores below the worst piece: ``K_UNK_PENALTY`` of `tokenizers`.
UNKNOWN_PENALTY = 10.0


def normalize(backend: Tokenizer, text: str) -> str:
    """The text after the normalizer."""
    with guarded(f"the tokenizer fails on the text {text!r}"):
        return text if backend.normalizer is None else str(backend.normalizer.normalize_str(text))


def normalizes_in_context(backend: Tokenizer, token: str) -> bool:
    """Whether the normalizer gives the same for a token inside a text as for the token alone.

    A normalizer that prepends to a text, as Llama's does, does not: ``COVID`` -> ``▁COVID``.
    """
    return normalize(backend, token) in normalize(backend, f"x{token}x")


def pre_tokens(backend: Tokenizer, text: str) -> list[str]:
    """The text after normalizer and pre-tokenizer; added tokens are not matched."""
    normalized = normalize(backend, text)
    with guarded(f"the tokenizer fails on the text {text!r}"):
        if backend.pre_tokenizer is None:
            return [normalized] if normalized else []
        return [piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str(normalized)]


def pre_token_forms(backend: Tokenizer, word: str) -> dict[str, list[str]]:
    """The one pre-token of a word, alone and after a space -> texts in which it must be produced.

        BERT, lower case   COVID   ->   covid
        byte-level         COVID   ->   COVID, ĠCOVID
        metaspace          COVID   ->   ▁COVID

    A word that begins with a space has that form only. Raises `InputError` for a word that is split into
    several pre-tokens: no vocabulary can hold it.
    """
    alone = pre_tokens(backend, word)
    _check_one_pre_token(word, alone)
    if word[:1].isspace():
        return {alone[0]: [f"a{word} b", f"a{word}"]}
    context = pre_tokens(backend, "a")
    after = pre_tokens(backend, f"a {word}")
    # without a pre-tokenizer that splits, "a word" is one pre-token: the word's form is what follows "a"
    if len(after) == len(context) == 1 and after[0].startswith(context[0]):
        after = [after[0][len(context[0]) :]]
    else:
        after = after[len(context) :]
    _check_one_pre_token(word, after)
    forms: dict[str, list[str]] = {alone[0]: [f"{word} b", word]}
    forms.setdefault(after[0], []).extend((f"a {word}", f"a {word} b"))
    return forms


def _check_one_pre_token(word: str, pieces: Sequence[str]) -> None:
    if len(pieces) == 1 and pieces[0]:
        return
    result = "split into " + " ".join(pieces) if pieces else "empty"
    raise InputError(
        f'"{word}" cannot be in the vocabulary itself: it is {result} before the model sees it',
        hint="leave out --native: an added token is matched before the text is split",
    )


@dataclass
class Merges:
    """The merges of a BPE model by rank; more can be appended.

    prefix, suffix   marks of a piece inside a word, and of the last one
    """

    ranks: dict[Pair, int]
    prefix: str = ""
    suffix: str = ""
    appended: list[Pair] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._next_rank = 1 + max(self.ranks.values(), default=-1)

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Merges:
        """The merges of a model in `tokenizer.json`."""
        # a pair listed twice has its last rank, as in `tokenizers`
        ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}
        prefix, suffix = model.get("continuing_subword_prefix"), model.get("end_of_word_suffix")
        return cls(ranks, prefix or "", suffix or "")

    def symbols(self, word: str) -> list[str]:
        """The characters of a word before any merge: ``ab`` -> ``a ##b`` with the prefix ``##``."""
        return self._marked(word, "", self.suffix)

    def token_symbols(self, token: str) -> list[str]:
        """The characters of a token of the vocabulary, marked as they are inside it."""
        bare = token.removeprefix(self.prefix).removesuffix(self.suffix)
        first = self.prefix if token.startswith(self.prefix) else ""
        last = self.suffix if token.endswith(self.suffix) else ""
        return self._marked(bare, first, last) or [token]

    def _marked(self, text: str, first: str, last: str) -> list[str]:
        marks = [first, *[self.prefix] * (len(text) - 1)]
        symbols = [mark + character for mark, character in zip(marks, text, strict=False)]
        return [*symbols[:-1], symbols[-1] + last] if symbols else []

    def join(self, left: str, right: str) -> str:
        """The token that a merge gives."""
        return left + right.removeprefix(self.prefix)

    def append(self, left: str, right: str) -> str:
        """Append one merge, ranked last; returns its token."""
        self.ranks[left, right] = self._next_rank
        self._next_rank += 1
        self.appended.append((left, right))
        return self.join(left, right)

    def apply(self, symbols: Sequence[str]) -> tuple[list[str], list[str]]:
        """The tokens left when no merge applies, and every token produced on the way.

        The merge of the lowest rank comes first, leftmost position first, as in `tokenizers`.

        >>> Merges({("a", "b"): 0, ("ab", "c"): 1}).apply(["a", "b", "c"])
        (['abc'], ['ab', 'abc'])
        """
        parts, produced = list(symbols), []
        while len(parts) > 1:
            ranked = [(self.ranks[pair], i) for i, pair in enumerate(pairwise(parts)) if pair in self.ranks]
            if not ranked:
                break
            # quadratic in the length of the word, which is short
            _, i = min(ranked)
            parts[i : i + 2] = [self.join(parts[i], parts[i + 1])]
            produced.append(parts[i])
        return parts, produced


def best_score(word: str, scores: Mapping[str, float], max_piece_length: int) -> float:
    """The score of the likeliest Unigram segmentation of ``word``, a sum of log probabilities (Viterbi).

    max_piece_length   characters of the longest piece

    >>> best_score("ab", {"a": -1.0, "b": -2.0, "ab": -2.5}, 2)
    -2.5
    """
    unknown = min(scores.values(), default=0.0) - UNKNOWN_PENALTY
    best = [0.0]
    for end in range(1, len(word) + 1):
        candidates = [
            best[start] + scores[word[start:end]]
            for start in range(max(0, end - max_piece_length), end)
            if word[start:end] in scores
        ]
        best.append(max([*candidates, best[end - 1] + unknown]))
    return best[-1]


def word_pieces(word: str, model: Mapping[str, Any]) -> list[int]:
    """Ids of the WordPieces that greedy matching takes from a word, up to the part it finds no piece for.

    model   the model in `tokenizer.json`
    """
    start, ids = 0, list[int]()
    if len(word) > model["max_input_chars_per_word"]:
        return []
    while start < len(word):
        prefix = model["continuing_subword_prefix"] if start else ""
        ends = (end for end in range(len(word), start, -1) if prefix + word[start:end] in model["vocab"])
        end = next(ends, None)
        if end is None:
            break
        ids.append(model["vocab"][prefix + word[start:end]])
        start = end
    return ids
