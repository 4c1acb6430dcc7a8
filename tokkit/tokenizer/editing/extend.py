"""Extend a tokenizer: every old token keeps its id, new tokens get the ids after the highest one.

An added token is matched before the text is split. A native token is in the vocabulary itself, so that the
model produces it:

WordPiece   the word; greedy matching then takes it wherever it is the longest piece, also as a prefix
BPE         the word and, ranked after all merges, those that join its present tokens from left to right;
            the tokens on the way are added too
Unigram     the word, slightly likelier than its best segmentation so far
WordLevel   the word
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from tokkit.errors import InputError
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.editing.segmentation import Merges, best_score, pre_token_forms
from tokkit.tokenizer.editing.token_requests import TokenRequest
from tokkit.tokenizer.folder.load import LoadedTokenizer

# How much likelier (in natural logarithms) a new Unigram piece is than the best segmentation of its text.
UNIGRAM_MARGIN = 0.01

Json = dict[str, Any]


@dataclass(frozen=True)
class NewToken:
    """A token that the old tokenizer does not have.

    token    as written in the vocabulary: ``covid``, ``ĠCOVID``
    word     as requested: ``COVID``; None for an intermediate token
    pieces   ids of its tokens, or those of its description, in the old tokenizer, unknown ones excluded
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
    """The extended tokenizer.

    new              by id
    already_present  requested tokens that the old tokenizer has
    became_special   those of them that were not special before
    """

    backend: Tokenizer
    new: tuple[NewToken, ...]
    already_present: tuple[str, ...]
    became_special: tuple[str, ...]


def extend(old: LoadedTokenizer, requests: Sequence[TokenRequest]) -> Extension:
    """The tokenizer with every requested token; existing ids do not change.

    Raises `InputError` for a word that cannot be native, and where `tokenizers` would give a new token an id
    in use.
    """
    content: Json = json.loads(old.backend.to_str())
    old_ids, first_id = old.backend.get_vocab(with_added_tokens=True), old.vocab_size
    descriptions = {request.token: request.description for request in requests}
    new: list[NewToken] = []

    # native tokens get the first new ids, as in `tokenizers` added tokens follow the model's vocabulary
    natives = native_tokens(old.backend, [request.token for request in requests if request.native])
    missing = [native for native in natives if native.token not in old_ids]
    for native in _add_to_vocabulary(content["model"], missing, first_id):
        description = descriptions.get(native.word or "")
        pieces = _old_pieces(old, native) if description is None else _old_ids(old, description)
        id_ = first_id + len(new)
        new.append(NewToken(native.token, id_, native.word, pieces, native=True, texts=native.texts))
    present = [native.token for native in natives if native.token in old_ids]
    native_names = {token.token for token in new}

    became_special = []
    for request in (request for request in requests if not request.native):
        if request.token in old_ids:
            present.append(request.token)
            if request.special and _make_special(content, request, old_ids[request.token]):
                became_special.append(request.token)
        elif request.token not in native_names:
            id_ = first_id + len(new)
            content["added_tokens"].append(request.added_token(id_))
            pieces = _old_ids(old, request.token if request.description is None else request.description)
            texts = _required_texts(request)
            new.append(NewToken(request.token, id_, request.token, pieces, native=False, texts=texts))
    ids = {**old_ids, **{token.token: token.id for token in new}}
    backend = build_with_ids(content, ids, str(old.folder))
    return Extension(backend, tuple(new), tuple(dict.fromkeys(present)), tuple(became_special))


def build_with_ids(content: Json, ids: Mapping[str, int], name: str) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`, in which every token has the id that ``ids`` gives.

    Raises `InputError` where no tokenizer can have these ids.
    """
    backend = _parse(content, name)
    if backend.get_vocab(with_added_tokens=True) != ids:
        # `tokenizers` numbers added tokens outside the model's vocabulary from its length on, not by their
        # "id": where ids have gaps, that gives others. In the vocabulary ids are fixed, and the
        # model never sees these tokens, because they are matched before.
        vocabulary = content["model"]["vocab"]
        added = {token["content"]: ids[token["content"]] for token in content["added_tokens"]}
        if isinstance(vocabulary, dict):
            vocabulary.update(added)
        else:
            _insert_into_list(vocabulary, added)
        backend = _parse(content, name)
    if backend.get_vocab(with_added_tokens=True) != ids:
        raise InputError(
            f"{name}: the ids of this tokenizer have gaps that leave new tokens no id of their own",
            hint="give it ids without gaps (the command trim)",
        )
    return backend


def _insert_into_list(pieces: list[list[Any]], ids: Mapping[str, int]) -> None:
    """Insert tokens into a Unigram vocabulary, where the position is the id, with the lowest score."""
    lowest = min((score for _, score in pieces), default=0.0)
    known = {token for token, _ in pieces}
    for token, id_ in sorted(ids.items(), key=lambda entry: entry[1]):
        if token not in known:
            pieces.insert(id_, [token, lowest])


def _parse(content: Json, name: str) -> Tokenizer:
    with guarded(f"{name}: cannot be extended"):
        return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def _required_texts(request: TokenRequest) -> tuple[str, ...]:
    """Texts in which an added token must match: inside a word too, unless it matches whole words only."""
    token = request.token
    inside = () if request.single_word else (f"x{token}x",)
    return (*inside, token, f"{token} b", f"a {token}", f"a {token} b")


def _make_special(content: Json, request: TokenRequest, id_: int) -> bool:
    """Register an existing token as special; returns whether it was not so before."""
    for entry in content["added_tokens"]:
        if entry["content"] == request.token:
            changed = not entry["special"]
            entry["special"] = True
            return changed
    content["added_tokens"].append(request.added_token(id_))
    # ordered by id, as `tokenizers` writes them
    content["added_tokens"].sort(key=lambda entry: int(entry["id"]))
    return True


@dataclass(frozen=True)
class NativeToken:
    """A new entry of the vocabulary itself.

    word    as requested, None for an intermediate token
    form    its pre-token, None for an intermediate token and a continuation
    texts   in which it must be produced
    """

    token: str
    word: str | None
    form: str | None = None
    texts: tuple[str, ...] = ()


def native_tokens(backend: Tokenizer, words: Sequence[str]) -> list[NativeToken]:
    """The vocabulary entry of each form of each word, in the requested order.

    Raises `InputError` for a word that no vocabulary can hold.
    """
    prefix = continuation_prefix(backend)
    suffix = getattr(backend.model, "end_of_word_suffix", None) or ""
    natives: dict[str, NativeToken] = {}
    for word in words:
        continues = prefix != "" and word.startswith(prefix) and word != prefix
        for form, texts in pre_token_forms(backend, word.removeprefix(prefix) if continues else word).items():
            # two words may share an entry: COVID and covid in lower case
            if continues:
                natives.setdefault(prefix + form, NativeToken(prefix + form, word))
            else:
                natives.setdefault(form + suffix, NativeToken(form + suffix, word, form, tuple(texts)))
    return list(natives.values())


def continuation_prefix(backend: Tokenizer) -> str:
    """The prefix of a WordPiece that continues a word: ``##``; empty for other models."""
    is_word_piece = type(backend.model).__name__ == "WordPiece"
    return backend.model.continuing_subword_prefix if is_word_piece else ""


def _old_pieces(old: LoadedTokenizer, native: NativeToken) -> tuple[int, ...]:
    """Ids of the tokens that the old model segments a native token into, unknown ones excluded."""
    text = native.form or native.token.removeprefix(continuation_prefix(old.backend))
    unknown = old.id_of("unk")
    with guarded(f"the tokenizer fails on {text!r}"):
        return tuple(token.id for token in old.backend.model.tokenize(text) if token.id != unknown)


def _old_ids(old: LoadedTokenizer, text: str) -> tuple[int, ...]:
    """Ids of a text in the old tokenizer, unknown ones excluded."""
    unknown = old.id_of("unk")
    with guarded(f"{old.folder}: the tokenizer fails on the text {text!r}"):
        ids = old.backend.encode(text, add_special_tokens=False).ids
    return tuple(id_ for id_ in ids if id_ != unknown)


def _add_to_vocabulary(model: Json, natives: Sequence[NativeToken], first_id: int) -> list[NativeToken]:
    """Add tokens to the model in `tokenizer.json`, ids from ``first_id``; returns all added, by id.

    Raises `InputError` for a word that the model would never produce.
    """
    added: list[NativeToken] = []
    for native in _ADD[model["type"]](model, natives):
        # a generator: BPE looks at the vocabulary as extended so far
        if model["type"] != "Unigram":
            model["vocab"][native.token] = first_id + len(added)
        added.append(native)
    return added


def _add_word_pieces(model: Json, natives: Sequence[NativeToken]) -> Iterator[NativeToken]:
    longest = model["max_input_chars_per_word"]
    for native in natives:
        if len(native.token) > longest:
            raise InputError(
                f'"{native.word}" is longer than the {longest} characters this WordPiece takes for a word',
                hint="leave out --native: an added token is matched before the text is split",
            )
        yield native


def _add_bpe_tokens(model: Json, natives: Sequence[NativeToken]) -> Iterator[NativeToken]:
    """The missing characters, then the intermediate tokens, then the token itself.

    With the merge a+b, ``abcd`` is ``ab c d`` so far: append ab+c and abc+d, and add ``abc`` and ``abcd``.
    """
    merges = Merges.of(model)
    vocabulary: Mapping[str, int] = model["vocab"]
    requested = {native.token: native for native in natives}
    for native in natives:
        symbols = merges.symbols(native.form or native.token)
        for symbol in dict.fromkeys(symbols):
            if symbol not in vocabulary:
                yield requested.get(symbol, NativeToken(symbol, None))
        # appended merges count for the words after this one
        parts, _ = merges.apply(symbols)
        while len(parts) > 1:
            token = merges.append(parts[0], parts[1])
            parts[:2] = [token]
            if token not in vocabulary:
                yield requested.get(token, NativeToken(token, None))
    model["merges"] += [list(pair) for pair in merges.appended]


def _add_unigram_pieces(model: Json, natives: Sequence[NativeToken]) -> Iterator[NativeToken]:
    scores = dict(model["vocab"])
    lowest = min(scores.values(), default=0.0)
    # shorter pieces first, so that a longer one is likelier than a segmentation that contains them
    for native in sorted(natives, key=lambda native: len(native.token)):
        likeliest = best_score(native.token, scores, max(map(len, scores)))
        scores[native.token] = max(likeliest + UNIGRAM_MARGIN, lowest)
        model["vocab"].append([native.token, scores[native.token]])
        yield native


_ADD: Mapping[str, Callable[[Json, Sequence[NativeToken]], Iterator[NativeToken]]] = {
    "WordPiece": _add_word_pieces,
    "BPE": _add_bpe_tokens,
    "Unigram": _add_unigram_pieces,
    "WordLevel": lambda model, natives: iter(natives),
}
