"""Which tokens no text gives: found by asking the model for each, then by encoding texts made for it.

1. A BPE, Unigram or WordLevel model is handed the token as a word of its own. What it cuts there it cuts
   everywhere, for nothing outside a token changes how its inside is merged or scored.
2. Its text is encoded, bare and between other characters: a lower-casing normalizer lets no capital through,
   BERT's splitting no ``[unused1]``, and ``##x`` needs a word before it.

A token that is part of a character's bytes has no text of its own; such tokens are only tested in step 1.
Step 2 tries a dozen texts a token and proves nothing by failing, which is why no error follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from tokkit.inspection.statistics.scripts import script_of
from tokkit.tokenizer.folder.load import LoadedTokenizer

# What is put before and behind a token's own text until one gives it: normalizers and pre-tokenizers may need
# the start of a text, white space, a letter, a digit or punctuation there.
_AROUND = (
    *(("", ""), ("-", ""), ("a", ""), ("🙂", ""), ("1", ""), (" ", ""), ("\n", "")),
    *(("", "a"), ("", "1"), ("", "-"), ("a", "a"), ("-", "a")),
)
_WORDS_TRIED = 8  # behind which a continuation piece is tried
_NO_CHARACTER = "\ufffd"
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")  # byte fallback: a byte of a character that the vocabulary lacks


@dataclass(frozen=True)
class Unreachable:
    """never_built   tokens that the model cuts into others, or cannot reach by merging
    never_let_in     tokens whose text normalizer or pre-tokenizer changes or cuts
    """

    never_built: list[str]
    never_let_in: list[str]


def unreachable(tokenizer: LoadedTokenizer, model: Mapping[str, Any], spared: Collection[int]) -> Unreachable:
    """Tokens that no text gives, of all but those whose ids are spared (a template puts them, say).

    model  the model in `tokenizer.json`

    Raises `InputError` where the tokenizer fails on a text.
    """
    backend = tokenizer.backend
    vocabulary: dict[str, int] = backend.get_vocab(with_added_tokens=True)
    added = {token.content for token in backend.get_added_tokens_decoder().values()}
    tested = sorted(
        (token for token, id_ in vocabulary.items() if id_ not in spared), key=vocabulary.__getitem__
    )
    prefix = model.get("continuing_subword_prefix") or ""
    suffix = model.get("end_of_word_suffix") or ""
    bytes_ = {token for token in tested if model.get("byte_fallback") and _BYTE.fullmatch(token)}
    inside = {token for token in tested if prefix and token.startswith(prefix) and token != prefix}
    # Byte tokens and continuation pieces are no words of their own, and added tokens are cut out of the text
    # before the model runs: the model alone says nothing about them.
    untested = bytes_ | inside | added
    unbuilt = {token for token in tested if token not in untested and not _builds(backend.model, token)}
    texts: dict[str, Iterator[str]] = {}
    words = _Words(vocabulary, prefix, added) if prefix else None
    for token in (token for token in tested if token not in unbuilt):
        if token in added:
            texts[token] = _around(token)
        elif words is not None and token in inside:
            texts[token] = words.before(token[len(prefix) :].removesuffix(suffix))
        elif token not in bytes_:
            text = backend.decode([vocabulary[token]], skip_special_tokens=False)
            # Part of a character decodes to U+FFFD, and has no text; a token may hold that character itself.
            if _NO_CHARACTER not in text or _NO_CHARACTER in token:
                texts[token] = _around(text)
    refused = _without_text(tokenizer, texts, vocabulary)
    return Unreachable(
        never_built=[token for token in tested if token in unbuilt],
        never_let_in=[token for token in tested if token in refused],
    )


def _around(text: str) -> Iterator[str]:
    return (before + text + behind for before, behind in _AROUND)


def _builds(model: Any, token: str) -> bool:
    """Whether the model leaves the token whole; what raises an error is not whole."""
    try:
        pieces = model.tokenize(token)
    except Exception:  # the library raises bare exceptions
        return False
    return len(pieces) == 1 and pieces[0].value == token


def _without_text(
    tokenizer: LoadedTokenizer, texts: Mapping[str, Iterator[str]], vocabulary: Mapping[str, int]
) -> set[str]:
    """The tokens that none of their texts gives; a text each at a time, all tokens together."""
    remaining: dict[str, Iterator[str]] = dict(texts)
    refused: set[str] = set()
    while remaining:
        next_texts = {token: next(tries, None) for token, tries in remaining.items()}
        refused |= {token for token, text in next_texts.items() if text is None}
        tested = {token: text for token, text in next_texts.items() if text is not None}
        # One batch per round for all tokens: a call for every token and text takes far longer.
        ids = tokenizer.bare_ids(list(tested.values()))
        given = {token for token, text_ids in zip(tested, ids, strict=True) if vocabulary[token] in text_ids}
        remaining = {token: remaining[token] for token in tested if token not in given}
    return refused


class _Words:
    """Beginnings of words that stay what they are when a continuation piece follows."""

    def __init__(self, vocabulary: Mapping[str, int], prefix: str, added: Collection[str]) -> None:
        begin = (token for token in vocabulary if not token.startswith(prefix) and token not in added)
        letters = sorted((token for token in begin if token.isalnum()), key=lambda token: (len(token), token))
        self._all = letters
        self._by_script: dict[str | None, list[str]] = {}
        for token in letters:
            self._by_script.setdefault(script_of(token[-1]), []).append(token)
        self._vocabulary = vocabulary

    def before(self, piece: str) -> Iterator[str]:
        """Texts whose longest first token ends where the piece begins, first in the piece's own script."""
        likely = self._by_script.get(script_of(piece[:1] or " "), [])
        beginnings = [piece[:end] for end in range(1, len(piece) + 1)]
        # WordPiece takes the longest token that fits: for `##ing` after `play`, tokens such as `playi` and
        # `playin` must not exist, because they would be matched first.
        texts = (
            word + piece
            for word in chain(likely, self._all)
            if not any(word + beginning in self._vocabulary for beginning in beginnings)
        )
        return islice(texts, _WORDS_TRIED)
