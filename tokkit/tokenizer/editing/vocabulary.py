"""Words put into the vocabulary itself (``--native``), so that the model produces them.

WordPiece   the word; greedy matching then takes it wherever it is the longest piece, also as a beginning
BPE         the word, and behind all merges those that join what it is cut into now, from left to right;
            the tokens on that way enter the vocabulary too
Unigram     the word, as likely as the best cut it has now and a little more
WordLevel   the word
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.tokenizer.editing.bpe import Merges
from tokkit.tokenizer.editing.pre_tokens import forms
from tokkit.tokenizer.editing.unigram import best_score
from tokkit.tokenizer.folder.tokenizer_folder import guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MARGIN = 0.01
"""How much likelier (in natural logarithms) a new Unigram piece is than the best cut of its text."""

Model = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """A vocabulary entry; ``word`` is what was asked for, None for a step on the way to it.

    form    the pre-token it stands for, None for a step and for a continuation
    texts   in which it must be produced
    """

    token: str
    word: str | None
    form: str | None = None
    texts: tuple[str, ...] = ()


def native_pieces(backend: Tokenizer, words: Sequence[str]) -> list[Piece]:
    """The vocabulary entry of each form of each word, in the order asked for.

    Raises `InputError` for a word that no vocabulary can hold.
    """
    prefix = continuation_prefix(backend)
    suffix = getattr(backend.model, "end_of_word_suffix", None) or ""
    found: dict[str, Piece] = {}
    for word in words:
        if prefix and word.startswith(prefix) and word != prefix:
            inner = forms(backend, word.removeprefix(prefix))
            pieces = [Piece(prefix + form, word) for form in inner]
        else:
            found_in = forms(backend, word).items()
            pieces = [Piece(form + suffix, word, form, tuple(texts)) for form, texts in found_in]
        for piece in pieces:
            found.setdefault(piece.token, piece)
    return list(found.values())


def put(model: Model, pieces: Sequence[Piece], first_id: int) -> list[Piece]:
    """Puts the pieces into a model in JSON, ids from ``first_id``; all that entered, in the order of ids.

    Raises `InputError` for a word the model would never produce.
    """
    entered: list[Piece] = []
    for piece in _ENTER[model["type"]](model, pieces):
        _enter(model, piece.token, first_id + len(entered))
        entered.append(piece)
    return entered


def old_pieces(backend: Tokenizer, piece: Piece, unknown: int | None) -> tuple[int, ...]:
    """The ids of the tokens the old model cuts a piece into, unknown ones left out."""
    text = piece.form or piece.token.removeprefix(continuation_prefix(backend))
    with guarded(f"the tokenizer fails on {text!r}"):
        ids = [token.id for token in backend.model.tokenize(text)]
    return tuple(id_ for id_ in ids if id_ != unknown)


def continuation_prefix(backend: Tokenizer) -> str:
    """What a person writes before a WordPiece that continues a word: ``##``."""
    is_word_piece = type(backend.model).__name__ == "WordPiece"
    return backend.model.continuing_subword_prefix if is_word_piece else ""


def _enter(model: Model, token: str, id_: int) -> None:
    """An entry of that id; a Unigram entry stands in the list already."""
    if model["type"] != "Unigram":
        model["vocab"][token] = id_


def _word_piece(model: Model, pieces: Sequence[Piece]) -> Iterator[Piece]:
    longest = model["max_input_chars_per_word"]
    for piece in pieces:
        if len(piece.token) > longest:
            raise InputError(
                f'"{piece.word}" is longer than the {longest} characters this WordPiece takes for a word',
                hint="leave out --native: an added token is matched before the text is cut",
            )
        yield piece


def _word_level(model: Model, pieces: Sequence[Piece]) -> Iterator[Piece]:
    yield from pieces


def _bpe(model: Model, pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The characters that are missing, then the tokens on the way, then the piece itself."""
    merges = Merges.of(model)
    vocabulary: Mapping[str, int] = model["vocab"]
    wanted = {piece.token: piece for piece in pieces}
    for piece in pieces:
        symbols = merges.symbols(piece.form or piece.token)
        for symbol in dict.fromkeys(symbols):
            if symbol not in vocabulary:
                yield wanted.get(symbol, Piece(symbol, None))
        parts, _ = merges.run(symbols)
        while len(parts) > 1:
            token = merges.append(parts[0], parts[1])
            parts[:2] = [token]
            if token not in vocabulary:
                yield wanted.get(token, Piece(token, None))
    model["merges"] += [list(pair) for pair in merges.appended]


def _unigram(model: Model, pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Shorter pieces first, so that a longer one is likelier than a cut that holds them."""
    scores = dict(model["vocab"])
    lowest = min(scores.values(), default=0.0)
    for piece in sorted(pieces, key=lambda piece: len(piece.token)):
        likeliest = best_score(piece.token, scores, max(map(len, scores)))
        scores[piece.token] = max(likeliest + MARGIN, lowest)
        model["vocab"].append([piece.token, scores[piece.token]])
        yield piece


_ENTER: Mapping[str, Callable[[Model, Sequence[Piece]], Iterator[Piece]]] = {
    "WordPiece": _word_piece,
    "BPE": _bpe,
    "Unigram": _unigram,
    "WordLevel": _word_level,
}
