"""A tokenizer with more tokens: every old id stays, new ones come behind the highest in use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.tokenizer.editing.requests import Request
from tokkit.tokenizer.editing.vocabulary import Piece, native_pieces, old_pieces, put
from tokkit.tokenizer.folder.load import LoadedTokenizer
from tokkit.tokenizer.folder.tokenizer_folder import guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Content = dict[str, Any]


@dataclass(frozen=True)
class NewToken:
    """A token the old tokenizer did not have.

    token    as it stands in the vocabulary: ``covid``, ``ĠCOVID``
    word     what was asked for: ``COVID``; None for a step on the way to it
    pieces   ids of the tokens the old tokenizer cut it into, unknown ones left out
    native   whether it is in the vocabulary itself
    texts    in which it must be produced
    """

    token: str
    id: int
    word: str | None
    pieces: tuple[int, ...]
    native: bool
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extension:
    """The extended tokenizer, what is new in it by id, what was there, and what of that became special."""

    backend: Tokenizer
    new: tuple[NewToken, ...]
    already_present: tuple[str, ...]
    became_special: tuple[str, ...]


def extend(old: LoadedTokenizer, requests: Sequence[Request]) -> Extension:
    """The tokenizer with every token asked for; ids of what was there do not change.

    Raises `InputError` for a word that cannot be native, and where the library would give a new token an id
    that is taken.
    """
    content: Content = json.loads(old.backend.to_str())
    held = old.backend.get_vocab(with_added_tokens=True)
    unknown = old.id_of("unk")
    new: list[NewToken] = []

    natives = native_pieces(old.backend, [each.token for each in requests if each.native])
    missing = [piece for piece in natives if piece.token not in held]
    for piece in put(content["model"], missing, old.vocab_size):
        new.append(_native(old, piece, old.vocab_size + len(new), unknown))
    present = [piece.token for piece in natives if piece.token in held]
    entered = {token.token for token in new}

    became_special = []
    for request in (each for each in requests if not each.native):
        if request.token in held:
            present.append(request.token)
            if request.special and _make_special(content, request, held[request.token]):
                became_special.append(request.token)
        elif request.token not in entered:
            id_ = old.vocab_size + len(new)
            content["added_tokens"].append(request.as_added(id_))
            pieces = tuple(each for each in _encoded(old, request.token) if each != unknown)
            new.append(NewToken(request.token, id_, request.token, pieces, False, _contexts(request)))
    ids = {**held, **{token.token: token.id for token in new}}
    backend = numbered(content, ids, str(old.folder))
    return Extension(backend, tuple(new), tuple(dict.fromkeys(present)), tuple(became_special))


def numbered(content: Content, ids: dict[str, int], name: str) -> Tokenizer:
    """The tokenizer of that JSON, in which every token has the id that ``ids`` says.

    `tokenizers` numbers added tokens that are not in the model's vocabulary itself, by its length: where ids
    have gaps, or the model has later ones, that gives them other ids. Then they are put into the vocabulary,
    where ids are fixed; the model never sees them, for they are cut out before.
    """
    made = _parsed(content, name)
    if not _has(made, ids):
        vocabulary = content["model"]["vocab"]
        outside = [token["content"] for token in content["added_tokens"]]
        if isinstance(vocabulary, dict):
            vocabulary.update({token: ids[token] for token in outside})
        else:
            _into_list(vocabulary, {token: ids[token] for token in outside})
        made = _parsed(content, name)
    if not _has(made, ids):
        raise InputError(
            f"{name}: the ids of this tokenizer have gaps that leave new tokens no id of their own",
            hint="tokkit trim gives it ids without gaps",
        )
    return made


def _into_list(pieces: list[list[Any]], ids: dict[str, int]) -> None:
    """Puts tokens into a Unigram vocabulary, where the place is the id, with the lowest score."""
    lowest = min((score for _, score in pieces), default=0.0)
    known = {token for token, _ in pieces}
    for token, id_ in sorted(ids.items(), key=lambda entry: entry[1]):
        if token not in known:
            pieces.insert(id_, [token, lowest])


def _parsed(content: Content, name: str) -> Tokenizer:
    from tokenizers import Tokenizer

    with guarded(f"{name}: cannot be extended"):
        return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def _has(backend: Tokenizer, ids: dict[str, int]) -> bool:
    return backend.get_vocab(with_added_tokens=True) == ids


def _native(old: LoadedTokenizer, piece: Piece, id_: int, unknown: int | None) -> NewToken:
    pieces = old_pieces(old.backend, piece, unknown)
    return NewToken(piece.token, id_, piece.word, pieces, True, piece.texts)


def _contexts(request: Request) -> tuple[str, ...]:
    """Where an added token must be found: inside a word too, unless it is asked for as a whole one."""
    token = request.token
    inside = () if request.single_word else (f"x{token}x",)
    return (*inside, token, f"{token} b", f"a {token}", f"a {token} b")


def _encoded(old: LoadedTokenizer, text: str) -> list[int]:
    with guarded(f"{old.folder}: the tokenizer fails on the text {text!r}"):
        ids: list[int] = old.backend.encode(text, add_special_tokens=False).ids
        return ids


def _make_special(content: Content, request: Request, id_: int) -> bool:
    """Registers a token that is there as special; whether it was not so before."""
    for entry in content["added_tokens"]:
        if entry["content"] == request.token:
            changed = not entry["special"]
            entry["special"] = True
            return changed
    content["added_tokens"].append(request.as_added(id_))
    content["added_tokens"].sort(key=lambda entry: int(entry["id"]))
    return True
