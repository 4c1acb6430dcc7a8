"""A tokenizer before it has a vocabulary: recipe and options resolved to blocks and special tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tokkit.errors import UsageError
from tokkit.tokenizer import blocks
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
        processor = _post_processor(self.recipe.post_processor, vocabulary, self.recipe.roles)
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
    base = _with_unknown(
        base, spec.unk_token or (_UNKNOWN_FOR_WORDPIECE if wordpiece else None), spec.unk_token
    )
    chosen = replace(
        base,
        normalizers=spec.normalizer or base.normalizers,
        pre_tokenizers=spec.pre_tokenizer or base.pre_tokenizers,
        post_processor=spec.post_processor or base.post_processor,
        decoders=spec.decoder or _decoders(base, spec),
        special_tokens=tuple(dict.fromkeys((*base.special_tokens, *spec.special_token))),
        model_max_length=spec.max_length or base.model_max_length,
    )
    if any(token == "" for token in chosen.special_tokens):
        raise UsageError("--special-token: a token must not be empty")
    blueprint = Blueprint(
        family=spec.family,
        recipe=chosen,
        prefix=spec.prefix or None,
        suffix=spec.suffix or None,
        max_word_characters=spec.max_word_characters if isinstance(spec, WordPieceSpec) else 100,
    )
    blueprint.skeleton()
    blocks.sequence("decoder", chosen.decoders)
    numbered = {token: number for number, token in enumerate(blueprint.reserved)}
    _post_processor(chosen.post_processor, numbered, chosen.roles)
    return blueprint


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


def _decoders(base: Recipe, spec: TrainingSpec) -> tuple[str, ...]:
    """The recipe's decoders, or those that undo this prefix or suffix."""
    if blocks.is_byte_level(spec.pre_tokenizer or base.pre_tokenizers, spec.normalizer or base.normalizers):
        return ("byte-level",)
    if spec.prefix and "wordpiece" in (*base.decoders, spec.family.lower()):
        return (f"wordpiece:prefix={spec.prefix}",)
    if spec.suffix:
        return (f"bpe:suffix={spec.suffix}",)
    return () if base.decoders in (("wordpiece",), ("byte-level",)) else base.decoders


_TEMPLATES = {
    "bert": ("{cls} $A {sep}", "{cls} $A {sep} $B:1 {sep}:1"),
}


def _post_processor(text: str, ids: Mapping[str, int], roles: Mapping[str, str]) -> Any | None:
    """The post-processor of that name, its special tokens looked up in the vocabulary."""
    from tokenizers import processors

    name, _, parameters = text.partition(":")
    if name == blocks.NONE:
        return None
    if name == "byte-level":
        keys = dict(piece.split("=", 1) for piece in parameters.split(",") if "=" in piece)
        return processors.ByteLevel(trim_offsets=keys.get("trim_offsets", "true") == "true")
    if name == "roberta":
        sep, cls = _role("sep", roles, name), _role("cls", roles, name)
        return processors.RobertaProcessing((sep, ids[sep]), (cls, ids[cls]), True, False)
    if name == "bert":
        marks = {"cls": _role("cls", roles, name), "sep": _role("sep", roles, name)}
        single, pair = (template.format(**marks) for template in _TEMPLATES["bert"])
    elif name == "template":
        single, pair = _parse_template(parameters)
    else:
        raise UsageError(
            f'--post-processor: no block "{name}"; there are: bert, roberta, byte-level, template, none'
        )
    tokens = [piece.partition(":")[0] for piece in f"{single} {pair}".split() if not piece.startswith("$")]
    lacking = [token for token in tokens if token not in ids]
    if lacking:
        raise UsageError(
            f'--post-processor: the template names "{lacking[0]}", which is no special token',
            hint=f"add it: --special-token '{lacking[0]}'",
        )
    return processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(token, ids[token]) for token in dict.fromkeys(tokens)]
    )


def _role(role: str, roles: Mapping[str, str], name: str) -> str:
    if role not in roles:
        raise UsageError(
            f"--post-processor {name}: the recipe has no {role} token",
            hint="write it out: --post-processor 'template:single=[CLS] $A [SEP]' with --special-token",
        )
    return roles[role]


def _parse_template(parameters: str) -> tuple[str, str]:
    single, _, pair = parameters.partition(",pair=")
    single = single.removeprefix("single=").strip()
    if "$" not in single:
        raise UsageError("--post-processor template: write template:single=[CLS] $A [SEP],pair=...")
    return single, pair.strip() or f"{single} $B:1"
