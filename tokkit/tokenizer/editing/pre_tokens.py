"""A word as the model sees it: normalized and pre-tokenized, alone and after a space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.tokenizer.folder.tokenizer_folder import guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def normalized(backend: Tokenizer, text: str) -> str:
    """What the normalizer makes of a text."""
    with guarded(f"the tokenizer fails on the text {text!r}"):
        return text if backend.normalizer is None else str(backend.normalizer.normalize_str(text))


def normalizes_alike(backend: Tokenizer, token: str) -> bool:
    """Whether the normalizer makes the same of a token inside a text as of the token alone.

    One that puts something before a text, as Llama's does, does not: ``COVID`` -> ``▁COVID``.
    """
    return normalized(backend, token) in normalized(backend, f"x{token}x")


def pre_tokens(backend: Tokenizer, text: str) -> list[str]:
    """What normalizer and pre-tokenizer make of a text, added tokens not looked for."""
    told = normalized(backend, text)
    with guarded(f"the tokenizer fails on the text {text!r}"):
        if backend.pre_tokenizer is None:
            return [told] if told else []
        return [piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str(told)]


def forms(backend: Tokenizer, word: str) -> dict[str, list[str]]:
    """The one pre-token a word is, alone and after a space, with texts in which it must be produced.

        BERT, lower case   COVID   ->   covid
        byte-level         COVID   ->   COVID, ĠCOVID
        metaspace          COVID   ->   ▁COVID

    A word that itself begins with a space has that form only. Raises `InputError` for a word that is cut into
    several pre-tokens: no vocabulary can hold it.
    """
    alone = pre_tokens(backend, word)
    _check(word, alone)
    if word[:1].isspace():
        return {alone[0]: [f"a{word} b", f"a{word}"]}
    context = pre_tokens(backend, "a")
    after = pre_tokens(backend, f"a {word}")
    if len(after) == len(context) == 1 and after[0].startswith(context[0]):
        after = [after[0][len(context[0]) :]]
    else:
        after = after[len(context) :]
    _check(word, after)
    found: dict[str, list[str]] = {alone[0]: [f"{word} b", word]}
    found.setdefault(after[0], []).extend((f"a {word}", f"a {word} b"))
    return found


def _check(word: str, pieces: list[str]) -> None:
    if len(pieces) == 1 and pieces[0]:
        return
    cut = "cut into " + " ".join(pieces) if pieces else "left with nothing"
    raise InputError(
        f'"{word}" cannot stand in the vocabulary itself: it is {cut} before the model sees it',
        hint="leave out --native: an added token is matched before the text is cut",
    )
