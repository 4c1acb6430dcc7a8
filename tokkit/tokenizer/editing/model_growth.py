"""The model's part of `add_tokens`: rows for the new tokens, and ids of new roles in its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.progress import Progress, stage
from tokkit.tokenizer.editing import models, written
from tokkit.tokenizer.editing.embeddings import tables_of
from tokkit.tokenizer.editing.extend import NewToken
from tokkit.tokenizer.editing.initial import extended
from tokkit.tokenizer.editing.requests import AddTokensOptions, Request
from tokkit.tokenizer.folder.checkpoints import check_fit
from tokkit.tokenizer.folder.load import LoadedTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_CONFIGURED = ("pad", "bos", "eos", "sep", "cls", "mask")
"""Roles whose ids a model's configuration may hold."""


@dataclass(frozen=True)
class ModelGrowth:
    """old and new tokenizer, the tokens between them, what was asked for, and texts that describe tokens."""

    old: LoadedTokenizer
    new: LoadedTokenizer
    tokens: Sequence[NewToken]
    requests: Sequence[Request]
    described: Mapping[str, str]
    spec: AddTokensOptions

    def write(self, staging: Path, source: Path, name: str, progress: Progress) -> dict[str, Any]:
        """Writes the model with rows for the new tokens; what is told of it."""
        with stage(progress, "loading the model"):
            model = models.load_model(source, name, progress)
        check_fit(source, model.config, self.old, hint="leave out TOKENIZER to extend the model's own")
        tables = tables_of(model, name)
        rows = self._rows(tables.rows)
        pieces = [self._pieces(token.word, token.pieces) for token in self.tokens]
        longer = tables.each(
            lambda table: extended(table, self.old.vocab_size, pieces, rows, self.spec.init, self.spec.seed)
        )
        self._set_roles(model)
        text = " ".join(dict.fromkeys(request.token for request in self.requests)) or "a"
        with stage(progress, "writing the model"):
            written.write_model(
                staging, source, model, longer, self.new.backend.encode(text).ids or [0], name
            )
        taken = max(0, min(tables.rows, self.new.vocab_size) - self.old.vocab_size)
        if taken:
            progress.say(
                f"{name}: {taken} of the new tokens take rows that were there and belonged to no token; "
                "they are set anew"
            )
        unknown = [token.token for token, ids in zip(self.tokens, pieces, strict=True) if not ids]
        if unknown and self.spec.init != "random":
            progress.say(f"{', '.join(unknown[:5])}: no known piece to start from: the mean of the table")
        return {
            "model_class": type(model).__name__,
            "embedding_rows_before": tables.rows,
            "embedding_rows_after": rows,
            "unused_rows_taken": taken,
            "init": self.spec.init,
            "from_mean": () if self.spec.init == "random" else tuple(unknown),
        }

    def _rows(self, before: int) -> int:
        """As many as there are or are needed, up to the next multiple."""
        multiple = self.spec.pad_to_multiple_of or 1
        return -(-max(before, self.new.vocab_size) // multiple) * multiple

    def _pieces(self, word: str | None, pieces: Sequence[int]) -> Sequence[int]:
        """The old ids a row is the mean of: of the description, where there is one."""
        text = self.described.get(word or "")
        if text is None:
            return pieces
        ids = self.old.backend.encode(text, add_special_tokens=False).ids
        return [id_ for id_ in ids if id_ != self.old.id_of("unk")]

    def _set_roles(self, model: PreTrainedModel) -> None:
        for request in self.requests:
            if request.role not in _CONFIGURED:
                continue
            id_ = self.new.backend.token_to_id(request.token)
            configs = (model.config.get_text_config(), getattr(model, "generation_config", None))
            for config in (each for each in configs if each is not None):
                setattr(config, f"{request.role}_token_id", id_)
