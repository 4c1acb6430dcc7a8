"""Which tokens of a vocabulary a corpus needs, so that it is cut as before without the others.

    WordPiece   the pieces used: greedy matching takes the longest, and that is among them
    BPE         the tokens used and those on the way to them: no other merge was ever made
    Unigram     the pieces used, and the least likely of all, on which the score of the unknown depends
    WordLevel   the words used

Kept besides: special and added tokens, what a template or a configuration names, the bytes of a byte-level
tokenizer, and every single character that stands in a token that is used, so that other words can be cut too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tokkit.errors import UsageError
from tokkit.tokenizer.editing.bpe import Merges
from tokkit.tokenizer.editing.pre_tokens import pre_tokens
from tokkit.tokenizer.folder.load import LoadedTokenizer
from tokkit.tokenizer.training.blueprint import BYTE_FALLBACK_TOKENS, byte_characters
from tokkit.tokenizer.training.inherit import tokens_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a tokenizer, and what each of them needs."""

    tokenizer: LoadedTokenizer
    content: dict[str, Any]

    @classmethod
    def of(cls, tokenizer: LoadedTokenizer) -> Vocabulary:
        return cls(tokenizer, json.loads(tokenizer.backend.to_str()))

    @cached_property
    def ids(self) -> dict[str, int]:
        return dict(self.tokenizer.backend.get_vocab(with_added_tokens=True))

    @cached_property
    def token(self) -> dict[int, str]:
        return {id_: token for token, id_ in self.ids.items()}

    @cached_property
    def ids_of_the_model(self) -> set[int]:
        """Ids of what the model may cut a text into, added tokens left out."""
        added = {entry["content"] for entry in self.content["added_tokens"]}
        return {id_ for token, id_ in self.ids.items() if token not in added}

    @cached_property
    def merges(self) -> Merges | None:
        return Merges.of(self.content["model"]) if self.content["model"]["type"] == "BPE" else None

    def required(self, further: Iterable[int] = ()) -> set[int]:
        """Ids of what is kept whatever the corpus says."""
        model = self.content["model"]
        tokens = [entry["content"] for entry in self.content["added_tokens"]]
        tokens += [*self.tokenizer.special.values(), *tokens_in(self.content["post_processor"])]
        if model["type"] == "Unigram":
            tokens += [piece for piece, _ in sorted(model["vocab"], key=lambda piece: float(piece[1]))[:1]]
            further = (*further, *([] if model["unk_id"] is None else [model["unk_id"]]))
        elif model.get("unk_token"):
            tokens.append(model["unk_token"])
        if model.get("byte_fallback"):
            tokens += BYTE_FALLBACK_TOKENS
        if '"ByteLevel"' in json.dumps([self.content["normalizer"], self.content["pre_tokenizer"]]):
            tokens += byte_characters()
        found = {self.ids[token] for token in tokens if token in self.ids}
        return found | {id_ for id_ in further if id_ in self.token}

    def characters(self, used: Iterable[int]) -> set[int]:
        """Ids of the single characters, marked in every way, of which tokens consist."""
        model = self.content["model"]
        prefixes = ("", model.get("continuing_subword_prefix") or "")
        suffixes = ("", model.get("end_of_word_suffix") or "")
        letters = {letter for id_ in used for letter in self.token[id_]}
        spelled = (first + letter + last for letter in letters for first in prefixes for last in suffixes)
        return {self.ids[each] for each in spelled if each in self.ids}

    def needed_for(self, id_: int) -> set[int]:
        """A token's id and those of the tokens on the way to it."""
        token = self.token[id_]
        if self.merges is None:
            return {id_}
        symbols = self.merges.symbols_of(token)
        parts, made = self.merges.run(symbols)
        steps = (*symbols, *made) if parts == [token] else ()
        return {id_, *(self.ids[step] for step in steps if step in self.ids)}

    def unknown_words(self, text: str) -> set[int]:
        """Ids of the WordPieces that a text's words begin with before they prove unknown, if they do."""
        model = self.content["model"]
        if model["type"] != "WordPiece":
            return set()
        return {id_ for word in pre_tokens(self.tokenizer.backend, text) for id_ in self._greedy(word)}

    def _greedy(self, word: str) -> list[int]:
        model, start, found = self.content["model"], 0, []
        if len(word) > model["max_input_chars_per_word"]:
            return []
        while start < len(word):
            prefix = model["continuing_subword_prefix"] if start else ""
            ends = (end for end in range(len(word), start, -1) if prefix + word[start:end] in model["vocab"])
            end = next(ends, None)
            if end is None:
                break
            found.append(model["vocab"][prefix + word[start:end]])
            start = end
        return found


def kept_ids(
    vocabulary: Vocabulary,
    counts: NDArray[np.int64],
    min_frequency: int,
    most: int | None,
    required: set[int],
) -> list[int]:
    """Ids of the tokens that are kept, ascending.

    counts         (ids,) how often each is used
    min_frequency  a token used less often is left out, so that texts may be cut otherwise
    most           tokens at most, the most frequent first, None for no limit

    Raises `UsageError` where ``required`` and the characters alone are more than ``most``.
    """
    import numpy as np

    used = [int(id_) for id_ in np.flatnonzero(counts >= min_frequency) if int(id_) in vocabulary.token]
    cut = [int(id_) for id_ in np.flatnonzero(counts) if int(id_) in vocabulary.ids_of_the_model]
    kept = set[int]().union(*(vocabulary.needed_for(id_) for id_ in required), vocabulary.characters(cut))
    if most is not None and len(kept) > most:
        raise UsageError(
            f"--vocab-size: {most} is too small: special tokens, bytes and characters alone are {len(kept)}",
            hint=f"--vocab-size {len(kept)}",
        )
    for id_ in sorted(used, key=lambda id_: (-int(counts[id_]), id_)):
        needed = vocabulary.needed_for(id_) - kept
        if most is None or len(kept) + len(needed) <= most:
            kept |= needed
    return sorted(kept)


def cut_down(vocabulary: Vocabulary, kept: Sequence[int]) -> tuple[dict[str, Any], dict[str, int]]:
    """The tokenizer in JSON with these tokens alone, and token -> new id: their order, without gaps."""
    from tokkit.tokenizer.training.inherit import with_ids

    new = {vocabulary.token[id_]: number for number, id_ in enumerate(kept)}
    content = json.loads(json.dumps(vocabulary.content))
    model = content["model"]
    if model["type"] == "Unigram":
        unknown = model["unk_id"]
        model["unk_id"] = None if unknown is None else new[vocabulary.token[unknown]]
        model["vocab"] = [piece for piece in model["vocab"] if piece[0] in new]
    else:
        held = sorted((token for token in model["vocab"] if token in new), key=new.__getitem__)
        model["vocab"] = {token: new[token] for token in held}
    if (merges := vocabulary.merges) is not None:
        model["merges"] = [
            [left, right]
            for left, right in model["merges"]
            if left in new and right in new and merges.joined(left, right) in new
        ]
    content["added_tokens"] = [
        {**entry, "id": new[entry["content"]]} for entry in content["added_tokens"] if entry["content"] in new
    ]
    content["post_processor"] = with_ids(content["post_processor"], new)
    return content, new
