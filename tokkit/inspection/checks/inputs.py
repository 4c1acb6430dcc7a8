"""What is examined: a tokenizer and a model as their files say, and figures of data.

Everything is read once, here; the rules are functions of it and read no file.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokkit.errors import InputError
from tokkit.inspection.checks.measure import Measured
from tokkit.progress import Progress
from tokkit.tokenizer.folder import weight_headers
from tokkit.tokenizer.folder.checkpoints import checkpoint_path, takes_tokens
from tokkit.tokenizer.folder.load import (
    ROLES,
    TOKENIZER_PATTERNS,
    LoadedTokenizer,
    load_unchecked,
    read_json,
)
from tokkit.tokenizer.folder.tokenizer_folder import CONFIG_FILE

MODEL_CONFIG = "config.json"

# Fields of models that compute positions: beyond their number quality falls, but nothing crashes.
_ROTARY = ("rope_theta", "rope_scaling", "rope_parameters", "rotary_dim", "rotary_pct", "global_rope_theta")


@dataclass(frozen=True)
class ExaminedTokenizer:
    """name         as the user named it
    loaded       the tokenizer, none of its texts encoded yet
    content      its `tokenizer.json`
    config       its `tokenizer_config.json` with the older `special_tokens_map.json` under it
    configured   whether it has either
    doubled      tokens that the file's vocabulary holds twice
    """

    name: str
    loaded: LoadedTokenizer
    content: Mapping[str, Any]
    config: Mapping[str, Any]
    configured: bool
    doubled: tuple[str, ...]

    @property
    def quoted(self) -> str:
        """Its name as it is typed in a shell."""
        return shlex.quote(self.name)

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """Token -> id, added tokens among them."""
        ids: dict[str, int] = self.loaded.backend.get_vocab(with_added_tokens=True)
        return ids

    @property
    def kind(self) -> str:
        """``WordPiece``, ``BPE``, ``Unigram`` or ``WordLevel``."""
        return type(self.loaded.backend.model).__name__

    @property
    def has_class_of_its_own(self) -> bool:
        """Whether transformers picks a class for it that brings special tokens and inputs of its own."""
        return self.loaded.config.has_own_class

    @cached_property
    def registered(self) -> dict[str, str]:
        """role -> token, as the configuration names them: ``{"pad": "[PAD]"}``."""
        fields = {role: self.config.get(f"{role}_token") for role in ROLES}
        tokens = {role: t.get("content") if isinstance(t, dict) else t for role, t in fields.items()}
        return {role: token for role, token in tokens.items() if isinstance(token, str)}

    @cached_property
    def added(self) -> list[Mapping[str, Any]]:
        """The added tokens as they stand in the file: content, id, special, ..."""
        return [token for token in self.content.get("added_tokens") or () if isinstance(token, dict)]

    @property
    def special(self) -> list[str]:
        """The added tokens that are marked as special."""
        return [token["content"] for token in self.added if token.get("special")]

    @property
    def gives_segments(self) -> bool | None:
        """Whether transformers returns its segment ids; None where a class of its own decides."""
        names = self.config.get("model_input_names")
        if isinstance(names, list):
            return "token_type_ids" in names
        return None if self.has_class_of_its_own else False

    @cached_property
    def pair_segments(self) -> list[int]:
        """The segment ids its template gives a pair of texts; none without one, or where it fails on them."""
        if not self.template:
            return []
        try:
            return list(self.loaded.backend.encode("a", "b").type_ids)
        except Exception:  # the library raises bare ones, for example where the unknown token is missing
            return []

    @cached_property
    def template(self) -> dict[str, list[int]]:
        """Special token -> ids that the post-processor puts for it, as it holds them."""
        processor = self.content.get("post_processor")
        if not isinstance(processor, dict):
            return {}
        parts = processor.get("processors", ()) if processor.get("type") == "Sequence" else (processor,)
        return {token: ids for part in parts for token, ids in _special(part)}


@dataclass(frozen=True)
class ExaminedModel:
    """name           as the user named it
    folder         where its files lie
    config         its `config.json`, of the text model where there are several
    shapes         name -> shape of every weight; empty where there is no safetensors file
    pickled        whether its weights are only there as pickles, which are never read
    own            its own tokenizer, None where it has none or that is the tokenizer examined
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    shapes: Mapping[str, weight_headers.Shape]
    pickled: bool
    own: LoadedTokenizer | None

    @property
    def quoted(self) -> str:
        """Its name as it is typed in a shell."""
        return shlex.quote(self.name)

    def number(self, *names: str) -> int | None:
        """The first of these fields that holds a whole number."""
        values = (self.config.get(name) for name in names)
        # A bool is an int in Python, but `true` is no size.
        return next((v for v in values if isinstance(v, int) and not isinstance(v, bool)), None)

    @cached_property
    def stored_rows(self) -> int | None:
        """Rows of the input embeddings as stored; None where unknown."""
        return weight_headers.rows_of(self.shapes, weight_headers.INPUT_EMBEDDINGS)

    @property
    def rows(self) -> int | None:
        """Rows of the input embeddings, as stored, else as the configuration says."""
        # Ids index the stored matrix; the configuration may be edited without it.
        return self.stored_rows or self.number("vocab_size")

    @property
    def longest(self) -> int | None:
        """Tokens it takes; None where nothing limits it."""
        positions = self.number("max_position_embeddings", "n_positions")
        if positions is None or positions <= 0:
            return None
        # RoBERTa counts from the padding id plus 1: of 514 positions with padding id 1, 512 take tokens.
        pad_id = self.number("pad_token_id") or 0
        return max(takes_tokens(self.config.get("model_type"), positions, pad_id), 0)

    @property
    def crashes_beyond(self) -> bool:
        """Whether a text of more tokens than `longest` has no row of a table of positions."""
        # Only a table of learned positions runs out of rows. Without readable weights, fields of rotary
        # positions in the configuration have to decide.
        if self.shapes:
            return weight_headers.rows_of(self.shapes, weight_headers.POSITION_EMBEDDINGS) is not None
        return not any(self.config.get(name) for name in _ROTARY)


@dataclass(frozen=True)
class Subject:
    """A tokenizer, and what it is to fit: a model and figures of data, where they were named."""

    tokenizer: ExaminedTokenizer
    model: ExaminedModel | None
    data: Measured | None = None

    @property
    def longest(self) -> int | None:
        """Tokens a row may have: the tokenizer's limit, at most the model's."""
        limits = (self.tokenizer.loaded.max_length, self.model.longest if self.model else None)
        return min((limit for limit in limits if limit), default=None)


def examined_tokenizer(name: str | Path, progress: Progress) -> ExaminedTokenizer:
    """The tokenizer at a path or of the hub; raises `InputError` for what is none."""
    loaded = load_unchecked(name, progress)
    text = loaded.file.read_text(encoding="utf-8") if loaded.file.exists() else loaded.backend.to_str()
    doubled: list[str] = []

    def noting_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The object of these pairs; keys that name an id twice are added to ``doubled``."""
        # `json.loads` keeps the last of two equal keys and does not report the first: only pairs have both.
        if len(content := dict(pairs)) < len(pairs):
            counts = Counter(key for key, value in pairs if isinstance(value, int))
            doubled.extend(key for key, count in counts.items() if count > 1)
        return content

    content = json.loads(text, object_pairs_hook=noting_doubles)
    older = loaded.folder / "special_tokens_map.json"
    config = loaded.folder / CONFIG_FILE
    return ExaminedTokenizer(
        name=str(name),
        loaded=loaded,
        content=content,
        config=loaded.config.settings,
        configured=older.exists() or config.exists(),
        doubled=tuple(doubled),
    )


def examined_model(name: str | Path, tokenizer: ExaminedTokenizer, progress: Progress) -> ExaminedModel:
    """The model at a path or of the hub, none of its weights loaded; raises `InputError` for what is none."""
    folder = Path(checkpoint_path(name, progress, (MODEL_CONFIG, *TOKENIZER_PATTERNS)))
    config = read_json(folder / MODEL_CONFIG)
    # Models of images and text, Gemma 3 for instance, keep the fields of the text model one level down.
    nested = config.get("text_config")
    config = {**config, **nested} if isinstance(nested, dict) else config
    if not config:
        raise InputError(
            f"{folder / MODEL_CONFIG}: says nothing of a model",
            hint="a model folder holds the config.json that transformers wrote",
        )
    shapes = weight_headers.shapes(folder)
    has_tokenizer = any((folder / name).exists() for name in ("tokenizer.json", "vocab.txt", "vocab.json"))
    own = load_unchecked(folder, progress) if has_tokenizer else None
    return ExaminedModel(
        name=str(name),
        folder=folder,
        config=config,
        shapes=shapes,
        pickled=not shapes and any(folder.glob("pytorch_model*.bin")),
        own=None if own is not None and _same(own.file, tokenizer.loaded.file) else own,
    )


def _same(one: Path, other: Path) -> bool:
    if not (one.exists() and other.exists()):
        return one.resolve() == other.resolve()
    # Most often it is the same file, which then does not have to be read.
    return one.samefile(other) or one.read_bytes() == other.read_bytes()


def _special(processor: Mapping[str, Any]) -> Iterator[tuple[str, list[int]]]:
    """The special tokens that a post-processor holds, with the ids it puts for each."""
    # In the file: "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}}.
    if processor.get("type") == "TemplateProcessing":
        for special in processor.get("special_tokens", {}).values():
            yield from ((token, [id_]) for token, id_ in zip(special["tokens"], special["ids"], strict=True))
    elif processor.get("type") in ("BertProcessing", "RobertaProcessing"):
        # In the file: "sep": ["[SEP]", 102].
        for name in ("cls", "sep"):
            token, id_ = processor[name]
            yield token, [id_]
