"""The blocks a tokenizer is built of, by name: normalizers, pre-tokenizers, post-processors, decoders.

A block is written ``NAME`` or ``NAME:KEY=VALUE,...``; names and keys are those of the `tokenizers`
package in lower case. Several normalizers (or pre-tokenizers, decoders) run in the order given.

>>> parse("normalizer", "bert:lowercase=false")
Block(kind='normalizer', name='bert', parameters={'lowercase': False})
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokkit.errors import UsageError, did_you_mean

NONE = "none"
"""The name that stands for "no such block", where a recipe would bring one."""

Builder = Callable[..., Any]


@dataclass(frozen=True)
class Block:
    """One block: its kind (``normalizer``, ...), its name in the registry, its parameters."""

    kind: str
    name: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def build(self) -> Any:
        """The object of the `tokenizers` package; raises `UsageError` for parameters it refuses."""
        try:
            return REGISTRY[self.kind][self.name](**self.parameters)
        except Exception as error:  # the library raises plain Exception for a bad pattern
            raise UsageError(f"--{self.kind.replace('_', '-')} {self.name}: {error}") from error


def _from(module: str, cls: str, **fixed: Any) -> Builder:
    """Builds ``tokenizers.MODULE.CLS`` with ``fixed`` parameters unless others are given."""

    def build(**parameters: Any) -> Any:
        block = getattr(importlib.import_module(f"tokenizers.{module}"), cls)
        return _call(block, {**fixed, **parameters})

    return build


def _call(block: Builder, parameters: Mapping[str, Any]) -> Any:
    """The block with these parameters; `TypeError` for one it does not know, or one that is lacking.

    Some of the library's classes swallow parameters they do not know.
    """
    known = _parameters(block)
    takes = f"it takes: {', '.join(known) or 'none'}"
    for name in parameters:
        if name not in known:
            raise TypeError(f'no parameter "{name}"{did_you_mean(name, known)}; {takes}')
    for name, required in known.items():
        if required and name not in parameters:
            raise TypeError(f"write {name}=...; {takes}")
    return block(**parameters)


def _parameters(block: Builder) -> dict[str, bool]:
    """The parameters of a block, and whether each must be given.

    Read from the signature's text: `inspect.signature` refuses one that is not ASCII (Metaspace's).
    """
    signature = getattr(block, "__text_signature__", None) or str(inspect.signature(block))
    function = ast.parse(f"def block{signature}: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    names = [argument.arg for argument in function.args.args]
    required = len(names) - len(function.args.defaults)
    return {name: i < required for i, name in enumerate(names) if name != "self"}


def _strict(block: Builder) -> Builder:
    """A builder of ours that says what is wrong with its parameters as the library's do."""
    return lambda **parameters: _call(block, parameters)


def _split(pattern: Any, behavior: str = "isolated", invert: bool = False) -> Any:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(_text(pattern)), behavior, invert)


def _fixed_length(length: int = 5) -> Any:
    from tokenizers import pre_tokenizers

    if not isinstance(length, int) or length < 1:  # below 1 the library panics on the first text
        raise ValueError(f"length: {length} is no whole number above 0")
    return pre_tokenizers.FixedLength(length)


def _replace(module: str) -> Builder:
    def build(pattern: Any, content: Any) -> Any:
        from tokenizers import Regex

        replace = importlib.import_module(f"tokenizers.{module}").Replace
        return replace(Regex(_text(pattern)), _text(content))

    return _strict(build)


def _text(value: Any) -> str:
    """A parameter that is text in any case: ``pattern=1`` means the character 1."""
    return value if isinstance(value, str) else json.dumps(value)


REGISTRY: Mapping[str, Mapping[str, Builder]] = {
    "normalizer": {
        "bert": _from("normalizers", "BertNormalizer"),
        "byte-level": _from("normalizers", "ByteLevel"),
        "lowercase": _from("normalizers", "Lowercase"),
        "nfc": _from("normalizers", "NFC"),
        "nfd": _from("normalizers", "NFD"),
        "nfkc": _from("normalizers", "NFKC"),
        "nfkd": _from("normalizers", "NFKD"),
        "nmt": _from("normalizers", "Nmt"),
        "prepend": _from("normalizers", "Prepend", prepend="▁"),
        "replace": _replace("normalizers"),
        "strip": _from("normalizers", "Strip"),
        "strip-accents": _from("normalizers", "StripAccents"),
    },
    "pre_tokenizer": {
        "bert": _from("pre_tokenizers", "BertPreTokenizer"),
        "byte-level": _from("pre_tokenizers", "ByteLevel", add_prefix_space=False),
        "char-delimiter-split": _from("pre_tokenizers", "CharDelimiterSplit"),
        "digits": _from("pre_tokenizers", "Digits"),
        "fixed-length": _strict(_fixed_length),
        "metaspace": _from("pre_tokenizers", "Metaspace"),
        "punctuation": _from("pre_tokenizers", "Punctuation"),
        "split": _strict(_split),
        "unicode-scripts": _from("pre_tokenizers", "UnicodeScripts"),
        "whitespace": _from("pre_tokenizers", "Whitespace"),
        "whitespace-split": _from("pre_tokenizers", "WhitespaceSplit"),
    },
    "decoder": {
        "bpe": _from("decoders", "BPEDecoder"),
        "byte-fallback": _from("decoders", "ByteFallback"),
        "byte-level": _from("decoders", "ByteLevel"),
        "ctc": _from("decoders", "CTC"),
        "fuse": _from("decoders", "Fuse"),
        "metaspace": _from("decoders", "Metaspace"),
        "replace": _replace("decoders"),
        "strip": _from("decoders", "Strip"),
        "wordpiece": _from("decoders", "WordPiece"),
    },
}


def parse(kind: str, text: str) -> Block:
    """The block that ``NAME[:KEY=VALUE,...]`` names.

    A value is true, false, null, a number or a "JSON string" where it is written as one, else text as it
    stands.

    Raises `UsageError` for a name the registry does not have.
    """
    name, _, tail = text.partition(":")
    known = REGISTRY[kind]
    if name not in known:
        raise UsageError(
            f'--{kind.replace("_", "-")}: no block "{name}"{did_you_mean(name, known)}; '
            f"there are: {', '.join(known)}"
        )
    try:
        return Block(kind, name, _parse_parameters(tail))
    except ValueError as error:
        raise UsageError(f"--{kind.replace('_', '-')} {name}: {error}") from error


def sequence(kind: str, texts: Sequence[str]) -> Any | None:
    """The blocks of one kind as one object of `tokenizers`, or None where there are none."""
    blocks = [parse(kind, text).build() for text in texts if text != NONE]
    if len(blocks) < 2:
        return blocks[0] if blocks else None
    from tokenizers import decoders, normalizers, pre_tokenizers

    module: Any = {"normalizer": normalizers, "pre_tokenizer": pre_tokenizers, "decoder": decoders}[kind]
    return module.Sequence(blocks)


def is_byte_level(pre_tokenizers: Sequence[str], normalizers: Sequence[str] = ()) -> bool:
    """Whether the pipeline turns text into the 256 characters that stand for bytes."""
    return any(text.partition(":")[0] == "byte-level" for text in (*pre_tokenizers, *normalizers))


def _parse_parameters(text: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    last = None
    for piece in text.split(",") if text else []:
        key, equals, value = piece.partition("=")
        if not equals:
            if last is None:
                raise ValueError(f'parameters are written KEY=VALUE, not "{piece}"')
            parameters[last] += "," + piece  # a comma inside a value
            continue
        last = key.strip()
        parameters[last] = value
    return {key: _parse_value(value) for key, value in parameters.items()}


def _parse_value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    plain = value is None or isinstance(value, int | float)
    return value if isinstance(value, str) or (plain and json.dumps(value) == text) else text
