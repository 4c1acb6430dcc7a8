"""Distinct chunks to token ids: words by the model's kernel, whatever that cannot do by `tokenizers`."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import split_kernels
from tokkit.corpus.characters import Characters, characters_of
from tokkit.corpus.cutting import Pipeline
from tokkit.runtime.byte_table import Pieces
from tokkit.tokenizer.encoding.added_tokens import AddedTokens, strings_of
from tokkit.tokenizer.encoding.bpe_kernels import LEFT
from tokkit.tokenizer.encoding.reference import bare_ids
from tokkit.tokenizer.encoding.row_kernels import ASKED
from tokkit.tokenizer.encoding.word_models import ChunkIds, WordModel, WordsOfChunks, word_model

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer

_TEXT = 1 << 19
"""Bytes of normal forms that are split before their words are encoded."""

_ASKED_AT_ONCE = 1 << 12
"""Chunks that `tokenizers` is given at a time."""


@dataclass(frozen=True)
class ChunkEncoder:
    """Encodes chunks of text, each alone; threads may share it.

    cuts        before which characters text may be cut into chunks (`cutting`)
    added       what makes a chunk hold an added token, perhaps
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
    _room: threading.local = field(default_factory=threading.local)

    @classmethod
    def of(cls, tokenizer: LoadedTokenizer) -> ChunkEncoder | None:
        """None where text may not be cut, or encoding is drawn at random."""
        backend = tokenizer.backend
        content = json.loads(backend.to_str())
        pipeline, settings = Pipeline.in_content(content), content["model"]
        cuts = pipeline.cuts()
        if cuts is None or settings.get("dropout") or settings.get("alpha"):
            return None
        added = AddedTokens.of(backend, cuts)
        if added is None:
            return None
        characters = characters_of(pipeline, backend)
        model = word_model(settings, characters.gpt2) if characters else None
        unknown = tokenizer.id_of("unk")
        return cls(
            *(tokenizer, cuts, added, characters if model else None, model),
            -1 if unknown is None else unknown,
        )

    @property
    def kernels(self) -> tuple[str, ...]:
        """Modules of kernels that encode words."""
        return (self.model.kernels,) if self.model else ()

    def encode(self, chunks: Pieces) -> ChunkIds:
        """The ids of every chunk; ``ASKED`` for those that may hold an added token."""
        number = len(chunks)
        into = ChunkIds(np.zeros((number, 2), np.int32), np.zeros(number, np.int64), np.empty(0, np.int32))
        if self.characters and self.model:
            self.characters.learn(chunks)
            into = self._encode_words(chunks, self.characters, self.model, into)
        else:
            into.sizes[:, 0] = LEFT
        into.sizes[self.added.held_by(chunks, self.characters)] = ASKED, 0
        left = np.flatnonzero(into.sizes[:, 0] == LEFT)
        return self._ask(chunks, left, into) if len(left) else into

    def _encode_words(self, chunks: Pieces, known: Characters, model: WordModel, into: ChunkIds) -> ChunkIds:
        if not hasattr(self._room, "text"):
            self._room.text = np.empty(_TEXT, np.uint8)
            self._room.places = np.empty((3, _TEXT // 8), np.int64)
        text, (starts, ends, owners) = self._room.text, self._room.places
        left = np.empty(len(chunks), np.int64)
        first, used, ids = 0, 0, np.empty(int(chunks.offsets[-1]) + _TEXT, np.int32)
        while first < len(chunks):
            first, words, over = split_kernels.split(
                *(chunks.data, chunks.offsets, first, known.gpt2),
                *(known.forms, known.places, known.written, known.classes),
                *(text, starts, ends, owners, left),
            )
            into.sizes[left[:over], 0] = LEFT
            room = used + _TEXT
            if room > len(ids):
                ids = np.concatenate((ids[:used], np.empty(room, np.int32)))
            found = WordsOfChunks(text, starts[:words], ends[:words], owners[:words])
            used = model.encode(found, self.unknown, ChunkIds(into.sizes, into.places, ids), used)
        return ChunkIds(into.sizes, into.places, ids[:used])

    def _ask(self, chunks: Pieces, left: NDArray[np.int64], into: ChunkIds) -> ChunkIds:
        """The same, with the chunks that are left over encoded by `tokenizers`."""
        parts, end = [into.ids], len(into.ids)
        for first in range(0, len(left), _ASKED_AT_ONCE):
            some = left[first : first + _ASKED_AT_ONCE]
            asked = bare_ids(strings_of(chunks, some), self.tokenizer)
            lengths = np.array([len(ids) for ids in asked], np.int64)
            into.sizes[some, 0] = lengths
            into.sizes[some, 1] = [ids.count(self.unknown) for ids in asked]
            into.places[some] = end + np.cumsum(lengths) - lengths
            parts.append(np.array([number for ids in asked for number in ids], np.int32))
            end += len(parts[-1])
        return ChunkIds(into.sizes, into.places, np.concatenate(parts))
