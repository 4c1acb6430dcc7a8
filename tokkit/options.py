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
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tokkit.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Option:
    """What is known of one option beside its type and default.

    ``shown_default`` says the default in words where it depends on something else.
    """

    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    metavar: str | None = None
    shown_default: str | None = None


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    metavar: str | None = None,
    shown_default: str | None = None,
) -> Any:
    """A dataclass field with its `Option`; a tuple as default makes the flag repeatable."""
    described = Option(help, choices, minimum, maximum, metavar, shown_default)
    return field(default=default, metadata={"option": described})


@dataclass(frozen=True)
class Options:
    """Base of every group of options; raises `UsageError` for a value outside range or choices."""

    def __post_init__(self) -> None:
        for name, described in described_fields(type(self)):
            value = getattr(self, name)
            for single in value if isinstance(value, tuple) else (value,):
                _check(flag(name), single, described)


Group = TypeVar("Group", bound=Options)


def described_fields(options: type[Options]) -> Iterator[tuple[str, Option]]:
    """Name and description of every option of the group, in the order they were declared."""
    for each in dataclasses.fields(options):
        if "option" in each.metadata:
            yield each.name, each.metadata["option"]


def flag(name: str) -> str:
    """The flag of a field: ``vocab_size`` -> ``--vocab-size``."""
    return "--" + name.replace("_", "-")


def merged(group: type[Group], options: Group | None, settings: dict[str, Any]) -> Group:
    """The group with single settings laid over it, for functions that take either.

    Raises `UsageError` for a setting the group does not have.
    """
    known = [each.name for each in dataclasses.fields(group)]
    for name in settings:
        if name not in known:
            raise UsageError(f'no setting "{name}"{did_you_mean(name, known)}')
    listed = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
    return dataclasses.replace(options or group(), **listed)


def _check(name: str, value: Any, described: Option) -> None:
    if value is None:
        return
    if described.choices and value not in described.choices:
        nearest = did_you_mean(str(value), described.choices)
        raise UsageError(f'{name}: "{value}" is none of {", ".join(described.choices)}{nearest}')
    if described.minimum is not None and value < described.minimum:
        raise UsageError(f"{name}: {value} is below {described.minimum}")
    if described.maximum is not None and value > described.maximum:
        raise UsageError(f"{name}: {value} is above {described.maximum}")
