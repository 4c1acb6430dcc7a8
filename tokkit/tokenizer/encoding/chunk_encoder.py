"""Distinct chunks to token ids: words by the kernels of the model, the rest by `tokenizers`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.characters import BUFFER, Characters, characters_of
from tokkit.corpus.cutting import Pipeline
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding.added_tokens import AddedTokens
from tokkit.tokenizer.encoding.bpe_kernels import LEFT
from tokkit.tokenizer.encoding.row_kernels import WHOLE
from tokkit.tokenizer.encoding.word_models import WordModel, word_model

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer


@dataclass(frozen=True)
class ChunkIds:
    """Ids of n chunks.

    sizes    (n, 2) int32: tokens, and how many of them are unknown; or ``LEFT`` (`bpe_kernels`) and
             ``WHOLE`` (`row_kernels`) in place of the tokens
    offsets  (n,) int64: where in ``ids`` its tokens start
    ids      (m,) int32
    """

    sizes: NDArray[np.int32]
    offsets: NDArray[np.int64]
    ids: NDArray[np.int32]


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

    def encode(self, chunks: Strings) -> ChunkIds:
        """The ids of every chunk; `WHOLE` for those that may contain an added token."""
        sizes, offsets = np.zeros((len(chunks), 2), np.int32), np.zeros(len(chunks), np.int64)
        ids = np.empty(0, np.int32)
        if self.characters and self.model:
            ids = self._encode_words(chunks, self.characters, self.model, sizes, offsets)
        else:
            sizes[:, 0] = LEFT
        # after the model, since a chunk with an added token is whole even where its words were encoded
        sizes[self.added.in_chunks(chunks, self.characters)] = WHOLE, 0
        left = np.flatnonzero(sizes[:, 0] == LEFT)
        if len(left):
            encoded = self.tokenizer.bare_ids(chunks.take(left).to_list())
            lengths = np.array([len(chunk_ids) for chunk_ids in encoded])
            sizes[left, 0] = lengths
            sizes[left, 1] = [chunk_ids.count(self.unknown) for chunk_ids in encoded]
            offsets[left] = len(ids) + np.cumsum(lengths) - lengths
            ids = np.concatenate((ids, np.fromiter(chain.from_iterable(encoded), np.int32)))
        return ChunkIds(sizes, offsets, ids)

    def _encode_words(
        self,
        chunks: Strings,
        known: Characters,
        model: WordModel,
        sizes: NDArray[np.int32],
        offsets: NDArray[np.int64],
    ) -> NDArray[np.int32]:
        """The ids of the chunks whose words the model encodes; ``sizes`` and ``offsets`` are filled."""
        used, ids = 0, np.empty(chunks.size + BUFFER, np.int32)
        for words, left in known.split(chunks):
            sizes[left, 0] = LEFT
            # a word has at most as many tokens as bytes
            if used + BUFFER > len(ids):
                ids = np.concatenate((ids[:used], np.empty(used + BUFFER, np.int32)))
            used = model.kernels.encode_words(
                text=words.words.data,
                starts=words.words.starts,
                ends=words.words.ends,
                owners=words.owners,
                counted=self.unknown,
                ids=ids,
                used=used,
                sizes=sizes,
                offsets=offsets,
                **model.arguments,
            )
        return ids[:used]
