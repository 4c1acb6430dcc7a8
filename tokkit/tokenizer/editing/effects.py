"""What new tokens change: proof that each is produced, and the words of a sample that are cut otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress, stop_if_cancelled
from tokkit.tokenizer.editing.extend import Extension, NewToken
from tokkit.tokenizer.editing.requests import Request
from tokkit.tokenizer.editing.vocabulary import continuation_prefix
from tokkit.tokenizer.folder.tokenizer_folder import guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SHOWN = 20
"""Words of the sample that are shown with their cuts, the most frequent first."""

_BATCH = 10_000


@dataclass(frozen=True)
class Proof:
    """A text, the token that was looked for in it, and how the text is cut."""

    token: str
    text: str
    tokens: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"token": self.token, "text": self.text, "tokens": list(self.tokens)}


@dataclass(frozen=True)
class Effects:
    """What the new tokens do to the words of a sample, each as it is cut after a space.

    words, distinct           words in the sample
    tokens_before, _after     what they are cut into, all together
    changed, other            words cut otherwise, and those among them that were not asked for
    examples                  the most frequent changed words with both cuts
    """

    words: int
    distinct: int
    tokens_before: int
    tokens_after: int
    changed: int
    other: int
    examples: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        sample = ("words", "distinct", "tokens_before", "tokens_after", "changed", "other")
        return {"sample": {name: getattr(self, name) for name in sample}, "effects": list(self.examples)}


def prove(extension: Extension, requests: Sequence[Request]) -> list[Proof]:
    """One text for each new token in which it is produced, after all in which it must be were tried.

    Raises `InputError` naming the text that gives another token.
    """
    of = {request.token: request for request in requests}
    proofs = []
    for token in (each for each in extension.new if each.word is not None):
        request = of[token.word or ""]
        for text in token.texts or (_continued(extension.backend, token),):
            ids, tokens = _cut(extension.backend, text)
            if token.id not in ids:
                raise _unproven(f'"{token.token}" is not produced in', request, text, tokens)
        proofs.append(Proof(token.token, text, tuple(tokens)))
        if request.single_word and not request.native:
            text = f"x{token.token}x"
            ids, tokens = _cut(extension.backend, text)
            if token.id in ids:
                told = f'"{token.token}" is produced inside a word, though asked for as a whole one, in'
                raise _unproven(told, request, text, tokens)
    return proofs


def _continued(backend: Tokenizer, token: NewToken) -> str:
    """A word of which the token is the rest: the first letter that leaves it to it, and the rest."""
    inner = token.token.removeprefix(continuation_prefix(backend))
    letters = [each for each in backend.get_vocab() if len(each) == 1 and each.isalnum()]
    for letter in sorted(letters):
        if token.id in _cut(backend, letter + inner)[0]:
            return letter + inner
    raise InputError(
        f'"{token.token}" would never be produced: no letter before "{inner}" leaves it to it',
        hint="the vocabulary holds longer pieces that are taken first; add the whole word",
    )


def _cut(backend: Tokenizer, text: str) -> tuple[list[int], list[str]]:
    with guarded(f"the extended tokenizer fails on the text {text!r}"):
        encoding = backend.encode(text, add_special_tokens=False)
    return encoding.ids, encoding.tokens


def _unproven(told: str, request: Request, text: str, tokens: Sequence[str]) -> InputError:
    hint = "another token may swallow it, or the normalizer changes it"
    if not request.native and request.normalized:
        hint += "; --no-normalized matches it in the text as it is written"
    return InputError(f"{told} the text {text!r}: that gives {' '.join(tokens)}", hint)


def effects(
    old: Tokenizer,
    extension: Extension,
    requests: Sequence[Request],
    texts: Iterable[Sequence[str]],
    progress: Progress = SILENT,
) -> Effects:
    """The difference on the words (between white space) of lists of texts."""
    counts: Counter[str] = Counter()
    for batch in texts:
        stop_if_cancelled(progress)
        for text in batch:
            counts.update(text.split())
    before, after, changed = 0, 0, []
    words = list(counts)
    for start in range(0, len(words), _BATCH):
        stop_if_cancelled(progress)
        batch = words[start : start + _BATCH]
        for word, was, now in zip(batch, _all(old, batch), _all(extension.backend, batch), strict=True):
            before += counts[word] * len(was)
            after += counts[word] * len(now)
            if was != now:
                changed.append((word, was, now))
    asked = {request.token for request in requests}
    changed.sort(key=lambda entry: (-counts[entry[0]], entry[0]))
    return Effects(
        words=counts.total(),
        distinct=len(counts),
        tokens_before=before,
        tokens_after=after,
        changed=len(changed),
        other=sum(word not in asked for word, _, _ in changed),
        examples=tuple(
            {"word": word, "count": counts[word], "before": was, "after": now, "asked": word in asked}
            for word, was, now in changed[:SHOWN]
        ),
    )


def _all(backend: Tokenizer, words: Sequence[str]) -> list[list[str]]:
    with guarded("the tokenizer fails on a word of the sample"):
        spaced = [f" {word}" for word in words]
        return [each.tokens for each in backend.encode_batch(spaced, add_special_tokens=False)]
