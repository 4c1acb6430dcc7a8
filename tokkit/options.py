"""Groups of options: a frozen dataclass each, whose fields declare type, default, range and help once.

The checks (here), the flags and `--help` of the command line and the keys of `tokkit.toml` (both in `cli`)
are derived from the fields.

>>> @dataclass(frozen=True)
... class SampleOptions(Options):
...     rows: int = option(100, "rows to sample", minimum=1)
>>> SampleOptions(rows=0)
Traceback (most recent call last):
tokkit.errors.UsageError: --rows: 0 is below 1
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import re
import shlex
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from tokkit.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Option:
    """What a field declares in addition to its type and default.

    default_text      the default in words, where it depends on something else
    comma_separated   one flag takes several values: ``--vocab-size 8000,16000``; else the flag is repeated
    replaces          fields that exclude this one: a hint that names it drops them
    """

    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    metavar: str | None = None
    default_text: str | None = None
    comma_separated: bool = False
    replaces: tuple[str, ...] = ()


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    metavar: str | None = None,
    default_text: str | None = None,
    comma_separated: bool = False,
    replaces: tuple[str, ...] = (),
) -> Any:
    """A dataclass field with its `Option`; a tuple as default makes the flag repeatable."""
    described = Option(help, choices, minimum, maximum, metavar, default_text, comma_separated, replaces)
    return field(default=default, metadata={"option": described})


def count_option(
    help: str,
    default: int | None = None,
    *,
    minimum: int = 1,
    default_text: str | None = None,
    replaces: tuple[str, ...] = (),
) -> Any:
    """An `option` that is a number of things, ``N`` in `--help`."""
    return option(default, help, minimum=minimum, metavar="N", default_text=default_text, replaces=replaces)


@dataclass(frozen=True)
class Options:
    """Base of every group of options; raises `UsageError` for a value of the wrong type, range or choice.

    A field with several values also accepts one value, and a mapping for ``KEY=VALUE`` strings.

    section   heading of its fields in `--help`; of some of them as ``sections`` has it, heading -> fields
    """

    section: ClassVar[str] = "Options"
    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __new__(cls, *_: Any, **settings: Any) -> Self:
        known = [item.name for item in dataclasses.fields(cls)]
        for name in settings.keys() - set(known):
            raise UsageError(f'{cls.__name__}: no parameter "{name}"{did_you_mean(name, known)}')
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name, described in described_fields(type(self)):
            kind, repeatable = kind_of(type(self), name)
            value = getattr(self, name)
            if kind is str and isinstance(value, Path):
                # An option that names a file, given from Python.
                value = str(value)
                object.__setattr__(self, name, value)
            if repeatable:
                value = _as_tuple(value)
                object.__setattr__(self, name, value)
                if described.comma_separated and not value:
                    raise UsageError(f"{flag(name)}: name at least one value")
            for single in value if repeatable else (value,):
                _check(flag(name), single, kind, described)


Group = TypeVar("Group", bound=Options)
Second = TypeVar("Second", bound=Options)

_UNITS = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def bytes_of(name: str, text: str) -> int:
    """Parse a size such as ``2GB``; returns bytes. Raises `UsageError` that names the option.

    >>> bytes_of("--memory", "512MB")
    536870912
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b?)\s*", text, re.IGNORECASE)
    unit = match[2].upper().replace("I", "") if match else None
    if match is None or (size := float(match[1]) * _UNITS[unit if unit in _UNITS else f"{unit}B"]) < 1:
        raise UsageError(f'{name}: "{text}" is not a size', hint=f"write it as 512MB or 2GB:\n{name} 512MB")
    return int(size)


LARGEST_SEED = 2**32 - 1
"""The largest seed that NumPy, scikit-learn and torch all accept."""


def described_fields(options: type[Options]) -> Iterator[tuple[str, Option]]:
    """Name and description of every option of the group, in the order of their declaration."""
    for item in dataclasses.fields(options):
        if "option" in item.metadata:
            yield item.name, item.metadata["option"]


def section_of(group: type[Options], name: str) -> str:
    """The heading of a field in `--help`, as the class says that declares it."""
    owner = next(kind for kind in reversed(group.__mro__) if name in inspect.get_annotations(kind))
    titles = (title for title, names in getattr(owner, "sections", {}).items() if name in names)
    return next(titles, None) or owner.__dict__.get("section", Options.section)


def flag(name: str) -> str:
    """The flag of a field: ``vocab_size`` -> ``--vocab-size``."""
    return "--" + name.replace("_", "-")


def kind_of(group: type[Options], name: str) -> tuple[type, bool]:
    """The plain type of a field, and whether it may be repeated: ``int | None`` -> (int, False)."""
    annotation = _annotations(typing.cast(Any, group))[name]
    if typing.get_origin(annotation) is tuple:
        return typing.get_args(annotation)[0], True
    if isinstance(annotation, types.UnionType):
        return next(kind for kind in typing.get_args(annotation) if kind is not type(None)), False
    return annotation, False


@functools.cache
def _annotations(group: type) -> dict[str, Any]:
    return typing.get_type_hints(group)


def typed(options: Options) -> str:
    """The flags that set what differs from the defaults, quoted for a shell, each after a space.

    >>> from tokkit.data.loading.dataset_options import DatasetOptions
    >>> typed(DatasetOptions(text_column="the body", where=("n > 1",)))
    " --text-column 'the body' --where 'n > 1'"
    """
    written = ""
    for name, described in described_fields(type(options)):
        value = getattr(options, name)
        if value != getattr(type(options), name):
            parts = value if isinstance(value, tuple) and not described.comma_separated else (value,)
            for part in parts:
                text = ",".join(map(str, part)) if isinstance(part, tuple) else str(part)
                written += f" {flag(name)}" + ("" if part is True else f" {shlex.quote(text)}")
    return written


def apply_settings(group: type[Group], options: Group | None, settings: Mapping[str, Any]) -> Group:
    """Return the options with the given settings replaced, for functions that accept both.

    Raises `UsageError` for a setting that the group does not have.
    """
    return dataclasses.replace(options or group(), **settings)


def apply_to_both(
    first: type[Group],
    options: Group | None,
    second: type[Second],
    others: Second | None,
    settings: Mapping[str, Any],
) -> tuple[Group, Second]:
    """As `apply_settings` for two groups; each setting replaces the field of the group that has it."""
    chosen, left = apply_known(first, options, settings)
    return chosen, dataclasses.replace(others or second(), **left)


def apply_known(
    group: type[Group], options: Group | None, settings: Mapping[str, Any]
) -> tuple[Group, dict[str, Any]]:
    """As `apply_settings` for the settings that the group has, and the settings that are left."""
    names = {item.name for item in dataclasses.fields(group)}
    known = {name: value for name, value in settings.items() if name in names}
    left = {name: value for name, value in settings.items() if name not in names}
    return dataclasses.replace(options or group(), **known), left


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Mapping):
        return tuple(f"{key}={item}" for key, item in value.items())
    return tuple(value) if isinstance(value, list | tuple) else (value,)


TYPE_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _check(name: str, value: Any, kind: type, described: Option) -> None:
    # None is the value of an option without a default.
    if value is None:
        return
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):  # True is an int in Python
        raise UsageError(f"{name}: {value!r} is not {TYPE_NAMES[kind]}")
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{name}: {value} is not a finite number")
    if described.choices and value not in described.choices:
        nearest = did_you_mean(str(value), described.choices)
        choices = ", ".join(described.choices)
        raise UsageError(f'{name}: invalid value "{value}": choose from {choices}{nearest}')
    if described.minimum is not None and value < described.minimum:
        raise UsageError(f"{name}: {value} is below {described.minimum}")
    if described.maximum is not None and value > described.maximum:
        raise UsageError(f"{name}: {value} is above {described.maximum}")
