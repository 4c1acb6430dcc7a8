"""A tokenizer before it has a vocabulary: recipe and options resolved to blocks and special tokens.

Training needs an `UntrainedTokenizer`: a `Blueprint` from recipe and options, or an `inherit.Inherited` from
an old tokenizer.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tokenizers import AddedToken, Tokenizer, models

from tokkit.corpus.cutting import byte_of_character
from tokkit.errors import UsageError
from tokkit.tokenizer.blocks import build as blocks
from tokkit.tokenizer.blocks.recipes import BYTE_FALLBACK_TOKENS, Recipe, recipe
from tokkit.tokenizer.blocks.registry import SpecialTokens
from tokkit.tokenizer.folder.class_settings import settings_to_write
from tokkit.tokenizer.folder.load import TokenizerConfig
from tokkit.tokenizer.training.trainer_options import (
    BlocksOptions,
    CharOptions,
    TrainerOptions,
    WordPieceOptions,
)

_UNKNOWN = "[UNK]"


@dataclass(frozen=True, kw_only=True)
class UntrainedTokenizer(ABC):
    """A tokenizer before it has a vocabulary.

    family             its model: ``BPE``, ``WordPiece``, ``Unigram`` or ``WordLevel``
    prefix, suffix     marks of a token that continues, or ends, a word
    roles              which special token is the unknown one, pads, ...: ``{"unk": "[UNK]"}``
    byte_level         whether text becomes ByteLevel's 256 characters before it is split
    byte_fallback      whether what has no token becomes tokens of bytes
    model_max_length   tokens a model of it takes; None where that is not known
    settings           of its `tokenizer_config.json`, special tokens included
    origin             entries of its receipt that describe where it comes from
    """

    family: str
    prefix: str | None
    suffix: str | None
    special_tokens: tuple[str, ...]
    roles: Mapping[str, str]
    byte_level: bool
    byte_fallback: bool
    model_max_length: int | None
    settings: Mapping[str, Any]
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reserved(self) -> tuple[str, ...]:
        """Tokens with the first ids: the special ones, then the 256 of a byte fallback."""
        fallback = BYTE_FALLBACK_TOKENS if self.byte_fallback else ()
        return tuple(dict.fromkeys((*self.special_tokens, *fallback)))

    @property
    def alphabet(self) -> tuple[str, ...]:
        """Characters that get a token however rare: all 256 where text becomes bytes."""
        return tuple(sorted(byte_of_character())) if self.byte_level else ()

    @abstractmethod
    def skeleton(self) -> Tokenizer:
        """A `tokenizers.Tokenizer` with the blocks that see text and an empty model."""

    @abstractmethod
    def finish(self, trained: Mapping[str, Any]) -> Tokenizer:
        """The whole tokenizer; ``trained`` has what was learned, as `tokenizers` writes a model to JSON."""


@dataclass(frozen=True, kw_only=True)
class Blueprint(UntrainedTokenizer):
    """A recipe with the options applied: everything that a tokenizer consists of except its vocabulary."""

    recipe: Recipe
    max_word_characters: int

    @property
    def unk_token(self) -> str | None:
        return self.roles.get("unk")

    def skeleton(self) -> Tokenizer:
        tokenizer = Tokenizer(self._model())
        tokenizer.normalizer = blocks.sequence("normalizer", self.recipe.normalizers)
        tokenizer.pre_tokenizer = blocks.sequence("pre_tokenizer", self.recipe.pre_tokenizers)
        return tokenizer

    def finish(self, trained: Mapping[str, Any]) -> Tokenizer:
        """Raises `UsageError` for a template that names a token the vocabulary lacks."""
        tokenizer = self.skeleton()
        content = json.loads(tokenizer.to_str())
        content["model"] = with_trained(content["model"], trained)
        tokenizer = Tokenizer.from_str(json.dumps(content, ensure_ascii=False))
        tokenizer.add_special_tokens(
            [AddedToken(t, special=True, normalized=False) for t in self.special_tokens]
        )
        tokenizer.decoder = blocks.sequence("decoder", self.recipe.decoders)
        tokens = SpecialTokens(tokenizer.get_vocab(), self.roles)
        tokenizer.post_processor = blocks.sequence("post_processor", self.recipe.post_processors, tokens)
        return tokenizer

    def _model(self) -> Any:
        if self.family == "WordPiece":
            return models.WordPiece(
                vocab={},
                unk_token=self.unk_token,
                max_input_chars_per_word=self.max_word_characters,
                continuing_subword_prefix=self.prefix or "",
            )
        if self.family == "WordLevel":
            return models.WordLevel(vocab={}, unk_token=self.unk_token)
        if self.family == "Unigram":
            return models.Unigram([], None, self.byte_fallback)
        marks = {"continuing_subword_prefix": self.prefix, "end_of_word_suffix": self.suffix}
        unknown = {} if self.byte_level else {"unk_token": self.unk_token}
        settings = {name: value for name, value in {**marks, **unknown}.items() if value is not None}
        return models.BPE(byte_fallback=self.byte_fallback, **settings)


def with_trained(model: Mapping[str, Any], trained: Mapping[str, Any]) -> dict[str, Any]:
    """A model in JSON with what was learned, as far as it has a key for it: WordPiece has none for merges."""
    return {name: trained.get(name, value) for name, value in model.items()}


def resolve(options: BlocksOptions) -> Blueprint:
    """The blueprint of the options: the recipe, with the blocks and tokens that the user named.

    Raises `UsageError` for blocks that do not exist and for combinations that cannot work.
    """
    base = recipe(options.recipe or options.own_recipe)
    prefix, suffix = (options.prefix, options.suffix) if isinstance(options, TrainerOptions) else (None, None)
    if isinstance(options, WordPieceOptions) and suffix:
        raise UsageError(
            "--suffix: WordPiece looks pieces up without a suffix, so such tokens would never be used",
            hint="train BPE:\ntokkit train-bpe ...",
        )
    check_tokens("--special-token", options.special_token)
    check_tokens("--unk-token", () if options.unk_token is None else (options.unk_token,))
    normalizers = options.normalizer or base.normalizers
    pre_tokenizers = options.pre_tokenizer or base.pre_tokenizers
    needed = _UNKNOWN if _needs_unknown(options, pre_tokenizers, normalizers) else None
    base = _with_unknown(base, options.unk_token or needed, options.unk_token)
    base = replace(
        base,
        normalizers=normalizers,
        pre_tokenizers=pre_tokenizers,
        decoders=base.decoders if pre_tokenizers == base.pre_tokenizers else (),
        byte_fallback=base.byte_fallback
        and options.family in ("BPE", "Unigram")
        and not blocks.is_byte_level(pre_tokenizers),
    )
    chosen = replace(
        base,
        post_processors=options.post_processor or base.post_processors,
        decoders=options.decoder or _decoders(base, prefix, suffix),
        special_tokens=tuple(dict.fromkeys((*base.special_tokens, *options.special_token))),
        model_max_length=options.max_length or base.model_max_length,
    )
    blueprint = Blueprint(
        family=options.family,
        prefix=prefix or None,
        suffix=suffix or None,
        special_tokens=chosen.special_tokens,
        roles=chosen.roles,
        byte_level=blocks.is_byte_level(pre_tokenizers, normalizers),
        byte_fallback=chosen.byte_fallback,
        model_max_length=chosen.model_max_length,
        settings=_settings(chosen),
        recipe=chosen,
        max_word_characters=options.max_word_characters if isinstance(options, WordPieceOptions) else 100,
    )
    check_alphabet(options, blueprint)
    _check_spaces(options, pre_tokenizers)
    blueprint.skeleton()
    blocks.sequence("decoder", chosen.decoders)
    numbered = {token: number for number, token in enumerate(blueprint.reserved)}
    blocks.sequence("post_processor", chosen.post_processors, SpecialTokens(numbered, chosen.roles))
    return blueprint


def check_alphabet(options: BlocksOptions, blueprint: UntrainedTokenizer) -> None:
    """Raises `UsageError` where an alphabet is to be limited that must be whole."""
    if blueprint.byte_level and isinstance(options, TrainerOptions) and options.limit_alphabet is not None:
        raise UsageError(
            "--limit-alphabet: a byte-level tokenizer needs all of its 256 bytes",
            hint="leave it out, or take a recipe with characters:\n--recipe bert-cased",
        )


def _needs_unknown(options: BlocksOptions, pre_tokenizers: Sequence[str], normalizers: Sequence[str]) -> bool:
    """BPE works without: characters without a token vanish. From single characters that would lose text."""
    if isinstance(options, CharOptions):
        return not blocks.is_byte_level(pre_tokenizers, normalizers)
    return options.family != "BPE"


def check_tokens(flag: str, tokens: Sequence[str]) -> None:
    """Raises `UsageError` for a token that cannot be one."""
    for token in tokens:
        if not token:
            raise UsageError(f"{flag}: a token must not be empty")
        if not token.isascii() and any("\ud800" <= character <= "\udfff" for character in token):
            raise UsageError(f"{flag}: {token!r} is not UTF-8")


def _with_unknown(base: Recipe, wanted: str | None, requested: str | None) -> Recipe:
    """The recipe with ``wanted`` as its unknown token where it has none or the user requested another."""
    own = base.roles.get("unk")
    if wanted is None or own == wanted or (own is not None and requested is None):
        return base
    if own is None:
        return replace(
            base, special_tokens=(*base.special_tokens, wanted), roles={**base.roles, "unk": wanted}
        )
    tokens = tuple(wanted if token == own else token for token in base.special_tokens)
    roles = {role: wanted if token == own else token for role, token in base.roles.items()}
    return replace(base, special_tokens=tuple(dict.fromkeys(tokens)), roles=roles)


# pre-tokenizers whose output does not tell where the spaces were
_DROP_SPACES = ("bert", "char-delimiter-split", "whitespace", "whitespace-split")


def _check_spaces(options: BlocksOptions, pre_tokenizers: Sequence[str]) -> None:
    dropping = [text for text in pre_tokenizers if text.partition(":")[0] in _DROP_SPACES]
    if isinstance(options, CharOptions) and dropping:
        raise UsageError(
            f"the pre-tokenizer {dropping[0]} drops spaces, and single characters do not tell "
            "where a word ends",
            hint="the pre-tokenizer metaspace:prepend_scheme=never keeps them",
        )


def _decoders(base: Recipe, prefix: str | None, suffix: str | None) -> tuple[str, ...]:
    """Decoders that undo the pre-tokenizers chosen and this family's prefix and suffix.

    Where tokens keep the spaces, the marks are removed first. Where spaces are dropped, only the marks tell
    words from pieces: without any, a space is put between any two tokens.
    """
    names = [text.partition(":")[0] for text in base.pre_tokenizers]
    fallback = ("byte-fallback",) if base.byte_fallback else ()
    without = {
        "prefix": _replaced(f"^{re.escape(prefix)}") if prefix else (),
        "suffix": _replaced(f"{re.escape(suffix)}$") if suffix else (),
    }
    if blocks.is_byte_level(base.pre_tokenizers, base.normalizers):
        return (*without["prefix"], *without["suffix"], "byte-level")
    if "metaspace" in names:
        own = base.decoders or (*fallback, base.pre_tokenizers[names.index("metaspace")])
        return (*without["prefix"], *without["suffix"], *own)
    if not any(name in _DROP_SPACES for name in names):
        return (*without["prefix"], *without["suffix"], *fallback, "fuse")
    if suffix:
        return (*without["prefix"], *fallback, f"bpe:suffix={json.dumps(suffix)}")
    return (*fallback, f"wordpiece:prefix={json.dumps(prefix)}") if prefix else ()


def _replaced(pattern: str) -> tuple[str]:
    return (f"replace:pattern={json.dumps(pattern)},content=",)


def _settings(recipe: Recipe) -> dict[str, Any]:
    config = TokenizerConfig(
        {"clean_up_tokenization_spaces": False, "model_input_names": [*recipe.model_input_names]}
    )
    return settings_to_write(config, recipe.roles, recipe.special_tokens)
