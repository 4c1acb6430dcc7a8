"""`tokkit.toml` in the current folder: defaults for options, a table a command.

dataset = "reviews/"          the data set of `finetune` where none is named

[finetune]
epochs = 5

A value means what it means on the command line. Where a flag may be repeated, a list gives it several times,
and a table once for each of its ``KEY=VALUE``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import InputError, did_you_mean

FILE = Path("tokkit.toml")
TOP_LEVEL = ("dataset",)


@dataclass(frozen=True)
class Takes:
    """parameter   the name of an option's parameter
    repeatable  whether its flag may be given several times
    listed      whether one flag takes several values, with commas between them
    """

    parameter: str
    repeatable: bool
    listed: bool


def read() -> dict[str, Any]:
    """The content of `tokkit.toml`, empty where there is none. Raises `InputError` for broken TOML."""
    if not FILE.exists():
        return {}
    try:
        return tomllib.loads(FILE.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{FILE}: {error}") from error


def default_map(
    commands: Iterable[str], options_of: Callable[[str], Mapping[str, Takes]]
) -> dict[str, dict[str, Any]]:
    """Click's defaults by command, from the file's tables; a key is a flag without its dashes.

    options_of  flag of a command without its dashes -> what it takes

    Raises `InputError` for a table that is no command and a key that is no option of it.
    """
    known = list(commands)
    defaults: dict[str, dict[str, Any]] = {}
    for name, table in read().items():
        if name in TOP_LEVEL:
            continue
        if name not in known or not isinstance(table, dict):
            raise InputError(f'{FILE}: no command "{name}"{did_you_mean(name, [*known, *TOP_LEVEL])}')
        options = options_of(name)
        flags = {key: key.replace("_", "-") for key in table}
        for key, flag in flags.items():
            if flag not in options:
                raise InputError(f'{FILE}: [{name}] has no option "{key}"{did_you_mean(flag, options)}')
        defaults[name] = {}
        for key, value in table.items():
            takes = options[flags[key]]
            defaults[name][takes.parameter] = _typed(f"{FILE}: [{name}] {key}", value, takes)
    return defaults


def _typed(where: str, value: Any, takes: Takes) -> Any:
    """The value as if it stood on the command line."""
    if isinstance(value, dict) and takes.repeatable:
        return [f"{key}={_scalar(where, each)}" for key, each in value.items()]
    if isinstance(value, list) and not (takes.repeatable or takes.listed):
        raise InputError(f"{where}: it takes one value, not a list")
    if isinstance(value, list):
        return [_scalar(where, each) for each in value]
    return [_scalar(where, value)] if takes.repeatable else _scalar(where, value)


def _scalar(where: str, value: Any) -> Any:
    """A number as text, so that 2.5 is no more a whole number than on the command line."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise InputError(f"{where}: {value} is neither text nor a number, nor true or false")
