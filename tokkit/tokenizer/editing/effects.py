"""What new tokens change: proof that each is produced, and the words of a sample whose tokens differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress, stop_if_cancelled
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.editing.extend import Extension, NewToken, continuation_prefix
from tokkit.tokenizer.editing.token_requests import TokenRequest

# Changed words that are reported with their tokens, the most frequent first.
MAX_EXAMPLES = 20

_BATCH = 10_000


@dataclass(frozen=True)
class Proof:
    """A text in which a new token is produced, and all its tokens."""

    token: str
    text: str
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class Effects:
    """What the new tokens do to the words of a sample, each tokenized after a space.

    words, distinct           words in the sample
    tokens_before, _after     number of tokens of all words
    changed, other            words with other tokens, and those among them that were not requested
    examples                  the most frequent changed words with both lists of tokens
    """

    words: int
    distinct: int
    tokens_before: int
    tokens_after: int
    changed: int
    other: int
    examples: tuple[dict[str, Any], ...]


def prove(extension: Extension, requests: Sequence[TokenRequest]) -> list[Proof]:
    """One text for each new token in which it is produced, after checking all in which it must be.

    Raises `InputError` naming the text that gives another token.
    """
    request_of = {request.token: request for request in requests}
    proofs = []
    for token in (token for token in extension.new if token.word is not None):
        request = request_of[token.word or ""]
        for text in token.texts or (_continued_word(extension.backend, token),):
            ids, tokens = _encode(extension.backend, text)
            if token.id not in ids:
                raise _not_proven(f'"{token.token}" is not produced in', request, text, tokens)
        proofs.append(Proof(token.token, text, tuple(tokens)))
        if request.single_word and not request.native:
            text = f"x{token.token}x"
            ids, tokens = _encode(extension.backend, text)
            if token.id in ids:
                failure = f'"{token.token}" matches whole words only, but is produced inside a word, in'
                raise _not_proven(failure, request, text, tokens)
    return proofs


def _continued_word(backend: Tokenizer, token: NewToken) -> str:
    """A word that ends with the token: the first letter of the vocabulary that leaves it the rest."""
    rest = token.token.removeprefix(continuation_prefix(backend))
    # sorted below: `tokenizers` returns its vocabulary in a random order
    letters = [piece for piece in backend.get_vocab() if len(piece) == 1 and piece.isalnum()]
    for letter in sorted(letters):
        if token.id in _encode(backend, letter + rest)[0]:
            return letter + rest
    raise InputError(
        f'"{token.token}" would never be produced: no letter before "{rest}" leaves it to it',
        hint="the vocabulary has longer pieces that match first; add the whole word",
    )


def _encode(backend: Tokenizer, text: str) -> tuple[list[int], list[str]]:
    with guarded(f"the extended tokenizer fails on the text {text!r}"):
        encoding = backend.encode(text, add_special_tokens=False)
    return encoding.ids, encoding.tokens


def _not_proven(failure: str, request: TokenRequest, text: str, tokens: Sequence[str]) -> InputError:
    hint = "another token may match first, or the normalizer changes it"
    if not request.native and request.normalized:
        hint += "; --no-normalized matches it in the text as it is written"
    return InputError(f"{failure} the text {text!r}: that gives {' '.join(tokens)}", hint)


def measure_effects(
    old: Tokenizer,
    extension: Extension,
    requests: Sequence[TokenRequest],
    texts: Iterable[Sequence[str]],
    progress: Progress = SILENT,
) -> Effects:
    """The difference on the words (between whitespace) of batches of texts."""
    counts: Counter[str] = Counter()
    for batch in texts:
        stop_if_cancelled(progress)
        for text in batch:
            counts.update(text.split())
    tokens_before, tokens_after, changed = 0, 0, []
    words = list(counts)
    tokens_of = [_word_tokens(backend, words, progress) for backend in (old, extension.backend)]
    for word, before, after in zip(words, *tokens_of, strict=True):
        tokens_before += counts[word] * len(before)
        tokens_after += counts[word] * len(after)
        if before != after:
            changed.append((word, before, after))
    requested = {request.token for request in requests}
    changed.sort(key=lambda entry: (-counts[entry[0]], entry[0]))
    return Effects(
        words=counts.total(),
        distinct=len(counts),
        tokens_before=tokens_before,
        tokens_after=tokens_after,
        changed=len(changed),
        other=sum(word not in requested for word, _, _ in changed),
        examples=tuple(
            {
                "word": word,
                "count": counts[word],
                "before": before,
                "after": after,
                "asked": word in requested,
            }
            for word, before, after in changed[:MAX_EXAMPLES]
        ),
    )


def _word_tokens(backend: Tokenizer, words: Sequence[str], progress: Progress) -> Iterator[list[str]]:
    """The tokens of each word, as in the middle of a text: after a space."""
    for start in range(0, len(words), _BATCH):
        stop_if_cancelled(progress)
        batch = [f" {word}" for word in words[start : start + _BATCH]]
        with guarded("the tokenizer fails on a word of the sample"):
            encodings = backend.encode_batch(batch, add_special_tokens=False)
        yield from (encoding.tokens for encoding in encodings)
