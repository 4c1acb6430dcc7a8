"""Distinct chunks to token ids: words by the kernels of the model, the rest by `tokenizers`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.characters import BUFFER, Characters, characters_of
from tokkit.corpus.cutting import Pipeline
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding.added_tokens import AddedTokens
from tokkit.tokenizer.encoding.bpe_kernels import LEFT
from tokkit.tokenizer.encoding.reference import bare_ids
from tokkit.tokenizer.encoding.row_kernels import WHOLE
from tokkit.tokenizer.encoding.word_models import ChunkIds, WordModel, word_model

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer

_BATCH = 1 << 12
"""Chunks that `tokenizers` encodes at a time."""


@dataclass(frozen=True)
class ChunkEncoder:
    """Encodes chunks of text, each alone; threads may share it.

    cuts        before which characters text may be cut into chunks (`cutting`)
    added       which chunks may contain an added token
    characters  tables that split chunks, and the model for their words; None where `tokenizers` does both
    model       encodes their words
    unknown     the id that counts as unknown, -1 where none does
    """

    tokenizer: LoadedTokenizer
    cuts: str
    added: AddedTokens
    characters: Characters | None
    model: WordModel | None
    unknown: int

    @classmethod
    def of(cls, tokenizer: LoadedTokenizer) -> ChunkEncoder | None:
        """None where text may not be cut, or encoding is random (dropout)."""
        backend = tokenizer.backend
        content = json.loads(backend.to_str())
        pipeline, settings = Pipeline.in_content(content), content["model"]
        cuts = pipeline.cuts()
        # with dropout (BPE) or ``alpha`` (Unigram) every occurrence of a chunk may get other ids
        if cuts is None or settings.get("dropout") or settings.get("alpha"):
            return None
        added = AddedTokens.of(backend, cuts)
        if added is None:
            return None
        characters = characters_of(pipeline, backend)
        model = word_model(settings, characters.gpt2) if characters else None
        unknown = tokenizer.id_of("unk")
        return cls(
            tokenizer=tokenizer,
            cuts=cuts,
            added=added,
            characters=characters if model else None,
            model=model,
            unknown=-1 if unknown is None else unknown,
        )

    @property
    def kernels(self) -> tuple[str, ...]:
        """Modules of kernels that encode words."""
        return (self.model.kernels,) if self.model else ()

    def encode(self, chunks: Strings) -> ChunkIds:
        """The ids of every chunk; `WHOLE` for those that may contain an added token."""
        number = len(chunks)
        into = ChunkIds(np.zeros((number, 2), np.int32), np.zeros(number, np.int64), np.empty(0, np.int32))
        if self.characters and self.model:
            into = self._encode_words(chunks, self.characters, self.model, into)
        else:
            into.sizes[:, 0] = LEFT
        # after the model, since a chunk with an added token is whole even where its words were encoded
        into.sizes[self.added.in_chunks(chunks, self.characters)] = WHOLE, 0
        left = np.flatnonzero(into.sizes[:, 0] == LEFT)
        return self._encode_by_reference(chunks, left, into) if len(left) else into

    def _encode_words(self, chunks: Strings, known: Characters, model: WordModel, into: ChunkIds) -> ChunkIds:
        used, ids = 0, np.empty(chunks.size + BUFFER, np.int32)
        for words, left in known.split(chunks):
            into.sizes[left, 0] = LEFT
            # a word has at most as many tokens as bytes
            if used + BUFFER > len(ids):
                ids = np.concatenate((ids[:used], np.empty(used + BUFFER, np.int32)))
            used = model.encode(words, self.unknown, ChunkIds(into.sizes, into.offsets, ids), used)
        return ChunkIds(into.sizes, into.offsets, ids[:used])

    def _encode_by_reference(self, chunks: Strings, left: NDArray[np.int64], into: ChunkIds) -> ChunkIds:
        """The same, with the chunks that are left over encoded by `tokenizers`."""
        parts, end = [into.ids], len(into.ids)
        for first in range(0, len(left), _BATCH):
            batch = left[first : first + _BATCH]
            encoded = bare_ids(chunks.take(batch).to_list(), self.tokenizer)
            lengths = np.array([len(ids) for ids in encoded], np.int64)
            into.sizes[batch, 0] = lengths
            into.sizes[batch, 1] = [ids.count(self.unknown) for ids in encoded]
            into.offsets[batch] = end + np.cumsum(lengths) - lengths
            parts.append(np.array([number for ids in encoded for number in ids], np.int32))
            end += len(parts[-1])
        return ChunkIds(into.sizes, into.offsets, np.concatenate(parts))
