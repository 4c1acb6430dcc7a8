"""A tokenizer before it has a vocabulary: recipe and options resolved to blocks and special tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tokkit.errors import UsageError
from tokkit.tokenizer import blocks
from tokkit.tokenizer.post_processors import post_processor
from tokkit.tokenizer.recipes import Recipe, recipe
from tokkit.tokenizer.spec import TrainingSpec, WordPieceSpec

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BYTE_FALLBACK_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
_UNKNOWN_FOR_WORDPIECE = "[UNK]"


@dataclass(frozen=True)
class Blueprint:
    """Everything a tokenizer consists of but its vocabulary."""

    family: str
    recipe: Recipe
    prefix: str | None
    suffix: str | None
    max_word_characters: int

    @property
    def special_tokens(self) -> tuple[str, ...]:
        return self.recipe.special_tokens

    @property
    def unk_token(self) -> str | None:
        return self.recipe.roles.get("unk")

    @property
    def byte_level(self) -> bool:
        return blocks.is_byte_level(self.recipe.pre_tokenizers, self.recipe.normalizers)

    @property
    def reserved(self) -> tuple[str, ...]:
        """Tokens with the first ids: the special ones, then the 256 of a byte fallback."""
        return self.special_tokens + (BYTE_FALLBACK_TOKENS if self.recipe.byte_fallback else ())

    @property
    def alphabet(self) -> tuple[str, ...]:
        """Characters that are kept however rare: all 256 bytes where text becomes bytes."""
        if not self.byte_level:
            return ()
        from tokenizers.pre_tokenizers import ByteLevel

        return tuple(sorted(ByteLevel.alphabet()))

    def skeleton(self) -> Tokenizer:
        """A `tokenizers.Tokenizer` with the blocks that see text and an empty model."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer(self._model())
        tokenizer.normalizer = blocks.sequence("normalizer", self.recipe.normalizers)
        tokenizer.pre_tokenizer = blocks.sequence("pre_tokenizer", self.recipe.pre_tokenizers)
        return tokenizer

    def finish(self, vocabulary: Mapping[str, int], merges: Sequence[Sequence[str]]) -> Tokenizer:
        """The whole tokenizer: vocabulary (token -> id) and merges put into the blocks.

        Raises `UsageError` for a template that names a token the vocabulary lacks.
        """
        from tokenizers import AddedToken, Tokenizer

        tokenizer = self.skeleton()
        content = json.loads(tokenizer.to_str())
        content["model"]["vocab"] = dict(sorted(vocabulary.items(), key=lambda entry: entry[1]))
        if self.family == "BPE":
            content["model"]["merges"] = [list(pair) for pair in merges]
        tokenizer = Tokenizer.from_str(json.dumps(content, ensure_ascii=False))
        tokenizer.add_special_tokens(
            [AddedToken(t, special=True, normalized=False) for t in self.special_tokens]
        )
        tokenizer.decoder = blocks.sequence("decoder", self.recipe.decoders)
        processor = post_processor(self.recipe.post_processor, vocabulary, self.recipe.roles)
        if processor is not None:
            tokenizer.post_processor = processor
        return tokenizer

    def _model(self) -> Any:
        from tokenizers import models

        if self.family == "WordPiece":
            return models.WordPiece(
                vocab={},
                unk_token=self.unk_token,
                max_input_chars_per_word=self.max_word_characters,
                continuing_subword_prefix=self.prefix or "",
            )
        marks = {"continuing_subword_prefix": self.prefix, "end_of_word_suffix": self.suffix}
        unknown = {} if self.byte_level else {"unk_token": self.unk_token}
        given = {name: value for name, value in {**marks, **unknown}.items() if value is not None}
        return models.BPE(byte_fallback=self.recipe.byte_fallback, **given)


def resolve(spec: TrainingSpec) -> Blueprint:
    """The blueprint a spec asks for: the recipe, with what the user named put in its place.

    Raises `UsageError` for blocks that do not exist and for combinations that cannot work.
    """
    base = recipe(spec.recipe)
    wordpiece = isinstance(spec, WordPieceSpec)
    if wordpiece and spec.suffix:
        raise UsageError(
            "--suffix: WordPiece looks pieces up without a suffix, so such tokens would never be used",
            hint=f"tokkit train-bpe --suffix '{spec.suffix}'",
        )
    _check_tokens("--special-token", spec.special_token)
    _check_tokens("--unk-token", () if spec.unk_token is None else (spec.unk_token,))
    base = _with_unknown(
        base, spec.unk_token or (_UNKNOWN_FOR_WORDPIECE if wordpiece else None), spec.unk_token
    )
    normalizers = spec.normalizer or base.normalizers
    pre_tokenizers = spec.pre_tokenizer or base.pre_tokenizers
    base = replace(
        base,
        normalizers=normalizers,
        pre_tokenizers=pre_tokenizers,
        decoders=base.decoders if pre_tokenizers == base.pre_tokenizers else (),
        byte_fallback=base.byte_fallback and not wordpiece and not blocks.is_byte_level(pre_tokenizers),
    )
    chosen = replace(
        base,
        post_processor=spec.post_processor or base.post_processor,
        decoders=spec.decoder or _decoders(base, spec),
        special_tokens=tuple(dict.fromkeys((*base.special_tokens, *spec.special_token))),
        model_max_length=spec.max_length or base.model_max_length,
    )
    blueprint = Blueprint(
        family=spec.family,
        recipe=chosen,
        prefix=spec.prefix or None,
        suffix=spec.suffix or None,
        max_word_characters=spec.max_word_characters if isinstance(spec, WordPieceSpec) else 100,
    )
    if blueprint.byte_level and spec.limit_alphabet is not None:
        raise UsageError(
            "--limit-alphabet: a byte-level tokenizer needs all of its 256 bytes",
            hint="leave it out, or take a recipe with characters: --recipe bert-cased",
        )
    blueprint.skeleton()
    blocks.sequence("decoder", chosen.decoders)
    numbered = {token: number for number, token in enumerate(blueprint.reserved)}
    post_processor(chosen.post_processor, numbered, chosen.roles)
    return blueprint


def _check_tokens(option: str, tokens: Sequence[str]) -> None:
    for token in tokens:
        if not token:
            raise UsageError(f"{option}: a token must not be empty")
        if not token.isascii() and any("\ud800" <= character <= "\udfff" for character in token):
            raise UsageError(f"{option}: {token!r} is not UTF-8")


def _with_unknown(base: Recipe, wanted: str | None, asked: str | None) -> Recipe:
    """The recipe with ``wanted`` as its unknown token where it has none or another was asked for."""
    own = base.roles.get("unk")
    if wanted is None or own == wanted or (own is not None and asked is None):
        return base
    if own is None:
        return replace(
            base, special_tokens=(*base.special_tokens, wanted), roles={**base.roles, "unk": wanted}
        )
    tokens = tuple(wanted if token == own else token for token in base.special_tokens)
    roles = {role: wanted if token == own else token for role, token in base.roles.items()}
    return replace(base, special_tokens=tuple(dict.fromkeys(tokens)), roles=roles)


_DROP_SPACES = ("bert", "char-delimiter-split", "whitespace", "whitespace-split")
"""Pre-tokenizers after which nobody can tell where the spaces were."""


def _decoders(base: Recipe, spec: TrainingSpec) -> tuple[str, ...]:
    """Decoders that undo the pre-tokenizers chosen and this family's prefix and suffix.

    Where spaces live on inside the tokens, the marks are taken off first. Where they are dropped, the
    marks are all that tells words from pieces: without any, a space is put between any two tokens.
    """
    names = [text.partition(":")[0] for text in base.pre_tokenizers]
    fallback = ("byte-fallback",) if base.byte_fallback else ()
    off = {
        "prefix": _replaced(f"^{re.escape(spec.prefix)}") if spec.prefix else (),
        "suffix": _replaced(f"{re.escape(spec.suffix)}$") if spec.suffix else (),
    }
    if blocks.is_byte_level(base.pre_tokenizers, base.normalizers):
        return (*off["prefix"], *off["suffix"], "byte-level")
    if "metaspace" in names:
        own = base.decoders or (*fallback, base.pre_tokenizers[names.index("metaspace")])
        return (*off["prefix"], *off["suffix"], *own)
    if not any(name in _DROP_SPACES for name in names):
        return (*off["prefix"], *off["suffix"], *fallback, "fuse")
    if spec.suffix:
        return (*off["prefix"], *fallback, f"bpe:suffix={json.dumps(spec.suffix)}")
    return (*fallback, f"wordpiece:prefix={json.dumps(spec.prefix)}") if spec.prefix else ()


def _replaced(pattern: str) -> tuple[str]:
    return (f"replace:pattern={json.dumps(pattern)},content=",)
