"""How a corpus uses a vocabulary, and whether one that was cut down cuts it as before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tokkit.corpus import feed
from tokkit.errors import InputError
from tokkit.progress import Progress, stage, stop_if_cancelled
from tokkit.tokenizer.editing.kept import Vocabulary
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.folder.load import LoadedTokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TRIED = 3
"""Texts of the corpus on which a model must answer as before."""


def used(
    tokenizer: LoadedTokenizer, corpus: Sequence[feed.CorpusFile], progress: Progress
) -> tuple[NDArray[np.int64], list[str]]:
    """How often each id is used, (ids,), and the first texts of the corpus that say anything."""
    import numpy as np

    counts = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    tried: list[str] = []
    for texts in _read("counting tokens", corpus, progress):
        counts += np.bincount(encode(texts, tokenizer).ids, minlength=len(counts))
        tried += [text for text in texts if text.strip()][: _TRIED - len(tried)]
    if not tried:
        raise InputError("--to: the corpus holds no text")
    return counts, tried


def compare(
    vocabulary: Vocabulary,
    new: LoadedTokenizer,
    kept: Sequence[int],
    corpus: Sequence[feed.CorpusFile],
    progress: Progress,
) -> tuple[dict[str, int], str | None, set[int]]:
    """Figures of the corpus, a text that is cut otherwise now, and old ids such texts need besides."""
    import numpy as np

    old = vocabulary.tokenizer
    new_id = np.full(old.vocab_size, -1, dtype=np.int64)
    new_id[kept] = np.arange(len(kept))
    figures = dict.fromkeys(("texts", "texts_changed", "tokens_before", "tokens_after"), 0)
    example: str | None = None
    lacking: set[int] = set()
    for texts in _read("checking every text", corpus, progress):
        before, after = encode(texts, old), encode(texts, new)
        changed = _differing(before, after, new_id)
        for i in changed:
            example = example or texts[i]
            lacking |= vocabulary.unknown_words(texts[i])
        for name, amount in zip(
            figures, (len(texts), len(changed), len(before.ids), len(after.ids)), strict=True
        ):
            figures[name] += amount
    return figures, example, lacking


def _read(name: str, corpus: Sequence[feed.CorpusFile], progress: Progress) -> Iterator[list[str]]:
    with stage(progress, name, feed.size_of(corpus), "bytes"):
        for texts in feed.items(corpus, progress.advance):
            stop_if_cancelled(progress)
            yield texts


def _differing(before: Encoded, after: Encoded, new_id: NDArray[np.int64]) -> list[int]:
    """Numbers of the texts whose old ids, mapped, are not the new ones."""
    import numpy as np

    mapped = new_id[before.ids]
    if np.array_equal(before.offsets, after.offsets) and np.array_equal(mapped, after.ids):
        return []
    old, new = before.offsets, after.offsets
    return [
        i
        for i in range(len(before))
        if not np.array_equal(mapped[old[i] : old[i + 1]], after.ids[new[i] : new[i + 1]])
    ]


def same_texts(
    texts: Sequence[str], old: LoadedTokenizer, new: LoadedTokenizer, kept: Sequence[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Old and new ids of those texts that are cut into the same tokens; of none, those of no text at all."""
    for text in (*texts, ""):
        before, after = old.backend.encode(text).ids, new.backend.encode(text).ids
        if before and before == [kept[id_] for id_ in after]:
            yield before, after
