"""Prune a tokenizer to the tokens that a corpus needs, so that the corpus keeps its tokens.

    WordPiece   the pieces used: greedy matching takes the longest, which is among them
    BPE         the tokens used and the intermediate ones: no other merge was applied
    Unigram     the pieces used, and the least likely of all, on which the score of the unknown depends
    WordLevel   the words used

Kept in any case: special and added tokens, tokens of the template or of a model's configuration, the bytes of
a byte-level tokenizer, and every single character of a token that is used, so that other words can be built.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import feed
from tokkit.corpus.cutting import byte_of_character
from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress, stage, stop_if_cancelled
from tokkit.tokenizer.blocks.post_processors import tokens_in, with_ids
from tokkit.tokenizer.blocks.recipes import BYTE_FALLBACK_TOKENS
from tokkit.tokenizer.editing.extend import build_with_ids
from tokkit.tokenizer.editing.options import TrimOptions
from tokkit.tokenizer.editing.segmentation import Merges, pre_tokens, word_pieces
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.folder.load import LoadedTokenizer

# Texts of the corpus for which a model must give the same output as before.
_SAMPLE_TEXTS = 3


@dataclass
class CorpusFigures:
    """Number of texts, of those whose tokens changed, and of tokens, special ones included."""

    texts: int = 0
    texts_changed: int = 0
    tokens_before: int = 0
    tokens_after: int = 0


@dataclass(frozen=True)
class PrunedTokenizer:
    """The tokenizer after pruning.

    kept_ids    old ids in the order of the new ones
    figures     of the corpus
    sample_ids  (old ids, new ids) of a few texts of the corpus that keep their tokens
    """

    tokenizer: LoadedTokenizer
    kept_ids: list[int]
    figures: CorpusFigures
    sample_ids: Sequence[tuple[list[int], list[int]]]


def prune(
    old: LoadedTokenizer,
    corpus: Sequence[feed.CorpusFile],
    options: TrimOptions,
    configured_ids: Iterable[int],
    progress: Progress,
) -> PrunedTokenizer:
    """Prune a tokenizer to a corpus, and compare both on every text of it.

    configured_ids  ids that a model's configuration names, which are kept

    Raises `UsageError` for a token to keep that is missing, and for a size that is too small; `InputError`
    for a corpus without text, and where a text would change although options ask for an exact result.
    """
    vocabulary = Vocabulary(old)
    for token in options.keep_token:
        if token not in vocabulary.ids:
            raise UsageError(f'--keep-token: "{token}" is not in the vocabulary')
    further = {*configured_ids, *(vocabulary.ids[token] for token in options.keep_token)}
    counts, samples = _count_usage(old, corpus, progress)
    # A text may change although every token it uses is kept: see `Vocabulary.unknown_words`. What changed
    # texts need is then kept too, until nothing changes or nothing is left to add.
    while True:
        kept_ids = _kept_ids(vocabulary, counts, options, vocabulary.required(further))
        content, ids = _pruned_content(vocabulary, kept_ids)
        new = replace(old, backend=build_with_ids(content, ids, str(old.file)))
        figures, changed_text, missing = _compare(vocabulary, new, kept_ids, corpus, progress)
        if changed_text is None or not options.exact:
            pairs = [(old.backend.encode(text).ids, new.backend.encode(text).ids) for text in samples]
            same = [(a, b) for a, b in pairs if a and a == [kept_ids[id_] for id_ in b]]
            return PrunedTokenizer(new, kept_ids, figures, same)
        if missing <= set(kept_ids):
            raise InputError(
                f"{old.file}: cannot be pruned without changing the tokens of the corpus; a text that would "
                f"change begins {changed_text[:60]!r}"
            )
        further |= missing


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a tokenizer, and what each of them needs."""

    tokenizer: LoadedTokenizer

    @cached_property
    def content(self) -> dict[str, Any]:
        """The tokenizer as in `tokenizer.json`."""
        return dict(json.loads(self.tokenizer.backend.to_str()))

    @cached_property
    def ids(self) -> dict[str, int]:
        return dict(self.tokenizer.backend.get_vocab(with_added_tokens=True))

    @cached_property
    def tokens(self) -> dict[int, str]:
        return {id_: token for token, id_ in self.ids.items()}

    @property
    def added_tokens(self) -> list[str]:
        """Tokens that are matched before the model gets a text."""
        return [entry["content"] for entry in self.content["added_tokens"]]

    @cached_property
    def merges(self) -> Merges | None:
        return Merges.of(self.content["model"]) if self.content["model"]["type"] == "BPE" else None

    def required(self, further: Iterable[int] = ()) -> set[int]:
        """Ids that are kept whatever the corpus uses."""
        model = self.content["model"]
        tokens = [*self.added_tokens, *self.tokenizer.special.values()]
        tokens += tokens_in(self.content["post_processor"])
        if model["type"] == "Unigram":
            # `tokenizers` scores an unknown character by the lowest score of the vocabulary: keep that piece
            tokens += [piece for piece, _ in sorted(model["vocab"], key=lambda piece: float(piece[1]))[:1]]
            further = (*further, *([] if model["unk_id"] is None else [model["unk_id"]]))
        elif model.get("unk_token"):
            tokens.append(model["unk_token"])
        if model.get("byte_fallback"):
            tokens += BYTE_FALLBACK_TOKENS
        # a byte-level tokenizer has no unknown token: every byte needs one of its own
        if '"ByteLevel"' in json.dumps([self.content["normalizer"], self.content["pre_tokenizer"]]):
            tokens += sorted(byte_of_character())
        ids = {self.ids[token] for token in tokens if token in self.ids}
        return ids | {id_ for id_ in further if id_ in self.tokens}

    def characters(self, used: Iterable[int]) -> set[int]:
        """Ids of the single characters, with every mark, that occur in these tokens."""
        model = self.content["model"]
        prefixes = ("", model.get("continuing_subword_prefix") or "")
        suffixes = ("", model.get("end_of_word_suffix") or "")
        letters = {letter for id_ in used for letter in self.tokens[id_]}
        marked = (first + letter + last for letter in letters for first in prefixes for last in suffixes)
        return {self.ids[token] for token in marked if token in self.ids}

    def needed_for(self, id_: int) -> set[int]:
        """A token's id, and of BPE those of its characters and the intermediate tokens."""
        token = self.tokens[id_]
        if self.merges is None:
            return {id_}
        symbols = self.merges.token_symbols(token)
        parts, produced = self.merges.apply(symbols)
        # a token that its own characters do not merge into is produced otherwise (ignore_merges)
        steps = (*symbols, *produced) if parts == [token] else ()
        return {id_, *(self.ids[step] for step in steps if step in self.ids)}

    def unknown_words(self, text: str) -> set[int]:
        """Ids of the WordPieces that the words of a text begin with, unknown ones included.

        WordPiece gives the unknown token for a word with a missing part, ``abx`` -> ``[UNK]``, so the corpus
        never shows that ``ab`` was matched. Without ``ab`` the word may become ``a ##bx``.
        """
        model = self.content["model"]
        if model["type"] != "WordPiece":
            return set()
        return {id_ for word in pre_tokens(self.tokenizer.backend, text) for id_ in word_pieces(word, model)}


def _kept_ids(
    vocabulary: Vocabulary, counts: NDArray[np.int64], options: TrimOptions, required: set[int]
) -> list[int]:
    """Ids of the tokens that are kept, ascending.

    counts    (ids,) how often each is used
    required  ids that are kept whatever the corpus uses

    Raises `UsageError` where those and the characters alone are more than the requested size.
    """
    vocab_size, added = options.vocab_size, set(vocabulary.added_tokens)
    used = [id_ for id_ in map(int, np.flatnonzero(counts)) if id_ in vocabulary.tokens]
    from_model = [id_ for id_ in used if vocabulary.tokens[id_] not in added]
    ids = vocabulary.characters(from_model).union(*(vocabulary.needed_for(id_) for id_ in required))
    if vocab_size is not None and len(ids) > vocab_size:
        raise UsageError(
            f"--vocab-size: {vocab_size} is too small: special tokens, bytes and characters alone are "
            f"{len(ids)}",
            hint=f"at least:\n--vocab-size {len(ids)}",
        )
    # a token enters with all it needs or not at all; a later, cheaper one may still fit
    frequent = (id_ for id_ in used if counts[id_] >= options.min_frequency)
    for id_ in sorted(frequent, key=lambda id_: (-int(counts[id_]), id_)):
        needed = vocabulary.needed_for(id_) - ids
        if vocab_size is None or len(ids) + len(needed) <= vocab_size:
            ids |= needed
    return sorted(ids)


def _pruned_content(vocabulary: Vocabulary, kept_ids: Sequence[int]) -> tuple[dict[str, Any], dict[str, int]]:
    """`tokenizer.json` with these tokens alone, and token -> new id, in the old order without gaps."""
    new_ids = {vocabulary.tokens[id_]: number for number, id_ in enumerate(kept_ids)}
    content = json.loads(json.dumps(vocabulary.content))
    model = content["model"]
    if model["type"] == "Unigram":
        unknown = model["unk_id"]
        model["unk_id"] = None if unknown is None else new_ids[vocabulary.tokens[unknown]]
        model["vocab"] = [piece for piece in model["vocab"] if piece[0] in new_ids]
    else:
        tokens = sorted((token for token in model["vocab"] if token in new_ids), key=new_ids.__getitem__)
        model["vocab"] = {token: new_ids[token] for token in tokens}
    if (merges := vocabulary.merges) is not None:
        model["merges"] = [
            [left, right]
            for left, right in model["merges"]
            if left in new_ids and right in new_ids and merges.join(left, right) in new_ids
        ]
    content["added_tokens"] = [
        {**entry, "id": new_ids[entry["content"]]}
        for entry in content["added_tokens"]
        if entry["content"] in new_ids
    ]
    # a template has a copy of its tokens' ids (transformers issue 30752)
    content["post_processor"] = with_ids(content["post_processor"], new_ids)
    return content, new_ids


def _count_usage(
    tokenizer: LoadedTokenizer, corpus: Sequence[feed.CorpusFile], progress: Progress
) -> tuple[NDArray[np.int64], list[str]]:
    """How often each id is used, (ids,), and the first texts of the corpus that are not blank."""
    counts = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    samples: list[str] = []
    for texts in _read("counting tokens", corpus, progress):
        counts += np.bincount(encode(texts, tokenizer).ids, minlength=len(counts))
        samples += [text for text in texts if text.strip()][: _SAMPLE_TEXTS - len(samples)]
    if not samples:
        raise InputError("--to: the corpus has no text")
    # a template gives the empty text tokens too
    return counts, [*samples, ""]


def _compare(
    vocabulary: Vocabulary,
    new: LoadedTokenizer,
    kept_ids: Sequence[int],
    corpus: Sequence[feed.CorpusFile],
    progress: Progress,
) -> tuple[CorpusFigures, str | None, set[int]]:
    """Figures of the corpus, a text whose tokens change, and old ids that such texts need."""
    old = vocabulary.tokenizer
    # -1 for dropped tokens equals no new id, so a text that used one counts as changed
    new_id = np.full(old.vocab_size, -1, dtype=np.int64)
    new_id[kept_ids] = np.arange(len(kept_ids))
    figures = CorpusFigures()
    example: str | None = None
    missing: set[int] = set()
    for texts in _read("checking every text", corpus, progress):
        before, after = encode(texts, old), encode(texts, new)
        changed = _changed_texts(before, after, new_id)
        for i in changed:
            example = example or texts[i]
            missing |= vocabulary.unknown_words(texts[i])
        figures.texts += len(texts)
        figures.texts_changed += len(changed)
        figures.tokens_before += len(before.ids)
        figures.tokens_after += len(after.ids)
    return figures, example, missing


def _read(name: str, corpus: Sequence[feed.CorpusFile], progress: Progress) -> Iterator[list[str]]:
    with stage(progress, name, feed.size_of(corpus), "bytes"):
        for texts in feed.items(corpus, progress.advance):
            stop_if_cancelled(progress)
            yield texts


def _changed_texts(before: Encoded, after: Encoded, new_id: NDArray[np.int64]) -> list[int]:
    """Indices of the texts whose old ids do not map to the new ones."""
    mapped = new_id[before.ids]
    # the usual case, without a loop over texts
    if np.array_equal(before.offsets, after.offsets) and np.array_equal(mapped, after.ids):
        return []
    old, new = before.offsets, after.offsets
    return [
        i
        for i in range(len(before))
        if not np.array_equal(mapped[old[i] : old[i + 1]], after.ids[new[i] : new[i + 1]])
    ]
