"""From a block as a person writes it to an object of the `tokenizers` package.

A block is written ``NAME`` or ``NAME:KEY=VALUE,...``, on one line of a shell or of `tokkit.toml`; several
blocks of a kind run in the order given:

    split:pattern=\\d{1,3},behavior=isolated   ->   {"pattern": "\\\\d{1,3}", "behavior": "isolated"}

A comma ends a value only where another ``KEY=`` follows, so that patterns need no escaping; a value in quotes
is a JSON string and may contain that too. ``true``, ``false``, ``null`` and numbers are values of their type,
everything else is text.

>>> sequence("normalizer", ["nfd", "strip-accents"]).normalize_str("é")
'e'
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokenizers import decoders, normalizers, pre_tokenizers, processors

from tokkit.errors import UsageError, did_you_mean
from tokkit.tokenizer.blocks.registry import REGISTRY, Entry, SpecialTokens

# The name for "no such block", where a recipe would bring one.
NONE = "none"

_SEQUENCES = {
    "normalizer": normalizers.Sequence,
    "pre_tokenizer": pre_tokenizers.Sequence,
    "post_processor": processors.Sequence,
    "decoder": decoders.Sequence,
}

_KEY = re.compile(r"\s*([A-Za-z_][\w-]*)\s*=")
_NEXT = re.compile(r",(?=\s*[A-Za-z_][\w-]*\s*=)")
_JSON = json.JSONDecoder()


@dataclass(frozen=True)
class Parameter:
    """One parameter of a block, with its default unless it is required."""

    name: str
    default: Any = None
    required: bool = False

    def check(self, value: Any) -> Any:
        """The value as the block takes it; raises `ValueError` for another type.

        Where text is expected, what looks like a number stays text: ``delimiter=1``.
        """
        # The library swallows parameters of a wrong type or names types of Rust in its errors.
        # bool comes before int, of which it is a subclass.
        if isinstance(self.default, bool):
            valid, expected = isinstance(value, bool), "true or false"
        elif isinstance(self.default, int):
            valid, expected = isinstance(value, int) and not isinstance(value, bool), "a whole number"
        elif self.default is None and not self.required:
            valid, expected = value is None or isinstance(value, bool), "true, false or null"
        else:
            return _as_text(value)
        if not valid:
            raise ValueError(f"{self.name}={_as_text(value)} is not {expected}")
        return value


def parameters_of(entry: Entry) -> list[Parameter]:
    """The parameters of a block in the order of its signature, without the special tokens."""
    names, own = _signature(entry.builder)
    values = {**own, **entry.defaults}
    return [
        Parameter(name, values.get(name), name not in values)
        for name in names
        if name not in ("self", "tokens")
    ]


@functools.cache
def _signature(builder: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The parameters of a builder, and the defaults of those that have one."""
    # `inspect.signature` refuses the signature of Metaspace, which is not ASCII; its text can be parsed.
    text = getattr(builder, "__text_signature__", None) or str(inspect.signature(builder))
    function = ast.parse(f"def block{text}: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    names = tuple(argument.arg for argument in function.args.args)
    defaults = map(ast.literal_eval, reversed(function.args.defaults))
    return names, dict(zip(reversed(names), defaults, strict=False))


@dataclass(frozen=True)
class Block:
    """One block: its kind (``normalizer``, ...), its name in the registry, its parameters."""

    kind: str
    name: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def build(self, tokens: SpecialTokens) -> Any:
        """The object of the `tokenizers` package; raises `UsageError` for parameters it refuses."""
        entry = REGISTRY[self.kind][self.name]
        builder = entry.builder
        if self.kind == "post_processor":
            builder = functools.partial(builder, tokens)
        try:
            return builder(**_checked(parameters_of(entry), self.parameters))
        except UsageError as error:
            raise UsageError(f"{_flag(self.kind)} {self.name}: {error.message}", error.hint) from error
        except Exception as error:  # the library raises plain Exception for a bad pattern
            raise UsageError(f"{_flag(self.kind)} {self.name}: {error}") from error


def _checked(known: Sequence[Parameter], written: dict[str, Any]) -> dict[str, Any]:
    """Every parameter with its value; raises `ValueError` for an unknown, a missing or an invalid one."""
    names = [parameter.name for parameter in known]
    takes = f"it takes: {', '.join(names) or 'none'}"
    for name in written:
        if name not in names:
            raise ValueError(f'no parameter "{name}"{did_you_mean(name, names)}; {takes}')
    for parameter in known:
        if parameter.required and parameter.name not in written:
            raise ValueError(f"write {parameter.name}=...; {takes}")
    return {option.name: option.check(written.get(option.name, option.default)) for option in known}


def parse(kind: str, text: str) -> Block:
    """The block that ``NAME[:KEY=VALUE,...]`` names.

    Raises `UsageError` for a name the registry does not have and for what is not a parameter.
    """
    name, _, tail = text.partition(":")
    known = REGISTRY[kind]
    if name not in known:
        raise UsageError(
            f'{_flag(kind)}: no block "{text if name == NONE else name}"{did_you_mean(name, known)}; '
            f"choose from {', '.join((*known, NONE))}",
            hint=f"what each does:\ntokkit blocks --kind {kind.replace('_', '-')}",
        )
    try:
        return Block(kind, name, _parse_parameters(tail))
    except ValueError as error:
        raise UsageError(f"{_flag(kind)} {name}: {error}") from error


def sequence(kind: str, texts: Sequence[str], tokens: SpecialTokens | None = None) -> Any | None:
    """The blocks of one kind as one object of `tokenizers`, or None where there are none.

    tokens  special tokens that post-processors insert

    Raises `UsageError` for blocks that do not exist and parameters they do not take.
    """
    blocks = [parse(kind, text).build(tokens or SpecialTokens()) for text in texts if text != NONE]
    if len(blocks) < 2:
        return blocks[0] if blocks else None
    return _SEQUENCES[kind](blocks)


def is_byte_level(pre_tokenizers: Sequence[str], normalizers: Sequence[str] = ()) -> bool:
    """Whether the pipeline turns text into the 256 characters that represent bytes."""
    return any(text.partition(":")[0] == "byte-level" for text in (*pre_tokenizers, *normalizers))


def _flag(kind: str) -> str:
    return "--" + kind.replace("_", "-")


def _parse_parameters(text: str) -> dict[str, Any]:
    """Parameters by name; raises `ValueError` for what is not KEY=VALUE, and for a key written twice."""
    parameters: dict[str, Any] = {}
    position = 0
    while position < len(text):
        key = _KEY.match(text, position)
        if key is None:
            raise ValueError(f'parameters are written KEY=VALUE, not "{text[position:]}"')
        if key[1] in parameters:
            raise ValueError(f"{key[1]} is given twice")
        parameters[key[1]], end = _parse_value(text, key.end())
        position = end + 1
    return parameters


def _parse_value(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at ``start``, and the position after it."""
    if text.startswith('"', start):
        try:
            value, end = _JSON.raw_decode(text, start)
        except ValueError:
            pass
        else:
            # A quote may also be the first character of plain text, such as a pattern that begins with one.
            if end == len(text) or _NEXT.match(text, end):
                return value, end
    following = _NEXT.search(text, start)
    end = following.start() if following else len(text)
    return _plain_value(text[start:end]), end


def _plain_value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # Only what JSON writes the same way is a number: "007" and "1.50" are text.
    is_literal = (value is None or isinstance(value, int | float)) and json.dumps(value) == text
    return value if is_literal else text


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
