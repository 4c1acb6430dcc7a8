"""Options that belong together are one frozen dataclass, declared once.

A field made with `option` carries its help, range and choices. From that one place come the checks
(here), the flags and `--help` of the command line, and the keys of `tokkit.toml` (both in `cli`).

>>> @dataclass(frozen=True)
... class Plan(Options):
...     rows: int = option(100, "rows to draw", minimum=1)
>>> Plan(rows=0)
Traceback (most recent call last):
tokkit.errors.UsageError: --rows: 0 is below 1
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tokkit.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Option:
    """What is known of one option beside its type and default.

    ``shown_default`` says the default in words where it depends on something else. Of a field that may hold
    several values, ``listed`` says that one flag takes them all: ``--vocab-size 8000,16000``.
    """

    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    metavar: str | None = None
    shown_default: str | None = None
    listed: bool = False


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    metavar: str | None = None,
    shown_default: str | None = None,
    listed: bool = False,
) -> Any:
    """A dataclass field with its `Option`; a tuple as default makes the flag repeatable."""
    described = Option(help, choices, minimum, maximum, metavar, shown_default, listed)
    return field(default=default, metadata={"option": described})


@dataclass(frozen=True)
class Options:
    """Base of every group of options; raises `UsageError` for a value of another type, range or choice.

    Where a field may hold several values, one stands for a list of it, and a mapping for ``KEY=VALUE``
    strings.
    """

    def __post_init__(self) -> None:
        for name, described in described_fields(type(self)):
            kind, repeatable = kind_of(type(self), name)
            value = getattr(self, name)
            if repeatable:
                value = _listed(value)
                object.__setattr__(self, name, value)
                if described.listed and not value:
                    raise UsageError(f"{flag(name)}: name at least one value")
            for single in value if repeatable else (value,):
                _check(flag(name), single, kind, described)


Group = TypeVar("Group", bound=Options)
Second = TypeVar("Second", bound=Options)

_UNITS = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def bytes_of(name: str, text: str) -> int:
    """A size as people write it, in bytes; raises `UsageError` naming the option for what is none.

    >>> bytes_of("--memory", "512MB")
    536870912
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b?)\s*", text, re.IGNORECASE)
    unit = match[2].upper().replace("I", "") if match else None
    if match is None or (size := float(match[1]) * _UNITS[unit if unit in _UNITS else f"{unit}B"]) < 1:
        raise UsageError(f'{name}: "{text}" is no size', hint=f"write it as 512MB or 2GB: {name} 512MB")
    return int(size)


LARGEST_SEED = 2**32 - 1
"""The largest seed that every library we hand it to takes."""


def described_fields(options: type[Options]) -> Iterator[tuple[str, Option]]:
    """Name and description of every option of the group, in the order they were declared."""
    for each in dataclasses.fields(options):
        if "option" in each.metadata:
            yield each.name, each.metadata["option"]


def flag(name: str) -> str:
    """The flag of a field: ``vocab_size`` -> ``--vocab-size``."""
    return "--" + name.replace("_", "-")


def kind_of(group: type[Options], name: str) -> tuple[type, bool]:
    """The plain type of a field, and whether it may be repeated: ``int | None`` -> (int, False)."""
    annotation = typing.get_type_hints(group)[name]
    if typing.get_origin(annotation) is tuple:
        return typing.get_args(annotation)[0], True
    if isinstance(annotation, types.UnionType):
        return next(kind for kind in typing.get_args(annotation) if kind is not type(None)), False
    return annotation, False


def merged(group: type[Group], options: Group | None, settings: Mapping[str, Any]) -> Group:
    """The group with single settings laid over it, for functions that take either.

    Raises `UsageError` for a setting the group does not have.
    """
    return dataclasses.replace(
        options or group(), **{name: settings[name] for name in _known(settings, group)}
    )


def merged_pair(
    first: type[Group],
    options: Group | None,
    second: type[Second],
    others: Second | None,
    settings: Mapping[str, Any],
) -> tuple[Group, Second]:
    """Two groups with single settings laid over them, each over the group that has it; as `merged`."""
    _known(settings, first, second)
    ours = {each.name for each in dataclasses.fields(first)}
    mine = {name: value for name, value in settings.items() if name in ours}
    theirs = {name: value for name, value in settings.items() if name not in ours}
    return dataclasses.replace(options or first(), **mine), dataclasses.replace(others or second(), **theirs)


def _known(settings: Mapping[str, Any], *groups: type[Options]) -> Mapping[str, Any]:
    known = [each.name for group in groups for each in dataclasses.fields(group)]
    for name in settings:
        if name not in known:
            raise UsageError(f'no setting "{name}"{did_you_mean(name, known)}')
    return settings


def _listed(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Mapping):
        return tuple(f"{key}={each}" for key, each in value.items())
    return tuple(value) if isinstance(value, list | tuple) else (value,)


_CALLED = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _check(name: str, value: Any, kind: type, described: Option) -> None:
    if value is None:
        return
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"{name}: {value!r} is not {_CALLED[kind]}")
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{name}: {value} is no number to work with")
    if described.choices and value not in described.choices:
        nearest = did_you_mean(str(value), described.choices)
        raise UsageError(f'{name}: "{value}" is none of {", ".join(described.choices)}{nearest}')
    if described.minimum is not None and value < described.minimum:
        raise UsageError(f"{name}: {value} is below {described.minimum}")
    if described.maximum is not None and value > described.maximum:
        raise UsageError(f"{name}: {value} is above {described.maximum}")
