"""Calling a block with parameters a person wrote: each is checked first, and an error says what it takes.

Some of the library's classes swallow parameters they do not know, and name types of Rust in their errors.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokkit.errors import did_you_mean
from tokkit.tokenizer.blocks.written import as_text

Callee = Callable[..., Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a block; without ``required`` it is ``default`` where nobody names it."""

    name: str
    default: Any = None
    required: bool = False

    def checked(self, value: Any) -> Any:
        """The value as the block takes it; raises `ValueError` for one of another type.

        What is written as a number is text where text is asked for: ``delimiter=1``.
        """
        if isinstance(self.default, bool):
            return self._one_of(value, "true or false", isinstance(value, bool))
        if isinstance(self.default, int):
            whole = isinstance(value, int) and not isinstance(value, bool)
            return self._one_of(value, "a whole number", whole)
        if self.default is None and not self.required:
            return self._one_of(value, "true, false or null", value is None or isinstance(value, bool))
        return as_text(value)

    def _one_of(self, value: Any, kind: str, fits: bool) -> Any:
        if not fits:
            raise ValueError(f"{self.name}={as_text(value)} is not {kind}")
        return value


def parameters(callee: Callee, defaults: Mapping[str, Any]) -> Sequence[Parameter]:
    """The parameters of a function or class in their order; ``defaults`` win over its own.

    Read from the signature's text: `inspect.signature` refuses one that is not ASCII (Metaspace's).
    """
    arguments = _signature(getattr(callee, "__text_signature__", None) or str(inspect.signature(callee)))
    names = [argument.arg for argument in arguments.args if argument.arg != "self"]
    own = map(ast.literal_eval, reversed(arguments.defaults))
    values = {**dict(zip(reversed(names), own, strict=False)), **defaults}
    return [Parameter(name, values.get(name), name not in values) for name in names]


def _signature(text: str) -> ast.arguments:
    function = ast.parse(f"def block{text}: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    return function.args


def call(callee: Callee, known: Sequence[Parameter], given: Mapping[str, Any]) -> Any:
    """What the block gives with these parameters.

    Raises `ValueError` for a parameter it does not know, one that is lacking, and a value of another type.
    """
    names = [parameter.name for parameter in known]
    takes = f"it takes: {', '.join(names) or 'none'}"
    for name in given:
        if name not in names:
            raise ValueError(f'no parameter "{name}"{did_you_mean(name, names)}; {takes}')
    chosen = {}
    for parameter in known:
        if parameter.required and parameter.name not in given:
            raise ValueError(f"write {parameter.name}=...; {takes}")
        value = given.get(parameter.name, parameter.default)
        chosen[parameter.name] = parameter.checked(value)
    return callee(**chosen)
