"""`tokkit.toml` in the current folder: defaults of options, one table per command.

    dataset = "reviews/"          the data set of `finetune` when the command line names none

    [finetune]
    epochs = 5

A value means the same as on the command line. For a repeatable flag, a list means several flags, a table
one flag per ``KEY=VALUE``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click

from tokkit.errors import InputError, did_you_mean

FILE = Path("tokkit.toml")
TOP_LEVEL = ("dataset",)


def read() -> dict[str, Any]:
    """Read `tokkit.toml`; an empty dict without the file. Raises `InputError` for invalid TOML."""
    if not FILE.exists():
        return {}
    try:
        return tomllib.loads(FILE.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{FILE}: {error}") from error


def default_map(group: click.Group, context: click.Context) -> dict[str, dict[str, Any]]:
    """Read the tables of the file as click's defaults: command of the group -> parameter -> value.

    Raises `InputError` for a table that is not a command and a key that is not an option of it.
    """
    known = group.list_commands(context)
    defaults: dict[str, dict[str, Any]] = {}
    for name, table in read().items():
        if name in TOP_LEVEL:
            continue
        if name not in known or not isinstance(table, dict):
            raise InputError(f'{FILE}: unknown command "{name}"{did_you_mean(name, [*known, *TOP_LEVEL])}')
        options = _options_of(group.get_command(context, name))
        # A key may be written as in Python (`vocab_size`) or as on the command line (`vocab-size`).
        flags = {key: key.replace("_", "-") for key in table}
        for key, flag in flags.items():
            if flag not in options:
                raise InputError(f'{FILE}: [{name}] has no option "{key}"{did_you_mean(flag, options)}')
        defaults[name] = {}
        for key, value in table.items():
            option = options[flags[key]]
            defaults[name][option.name or ""] = _parse(f"{FILE}: [{name}] {key}", value, option)
    return defaults


def _options_of(command: click.Command | None) -> dict[str, click.Option]:
    """Long flag without its dashes -> the option it sets."""
    options = [item for item in command.params if isinstance(item, click.Option)] if command else []
    return {flag[2:]: option for option in options for flag in option.opts if flag.startswith("--")}


def _parse(where: str, value: Any, option: click.Option) -> Any:
    """The value as it would be on the command line."""
    if isinstance(value, dict) and option.multiple:
        return [f"{key}={_scalar(where, item)}" for key, item in value.items()]
    if isinstance(value, list) and not (option.multiple or getattr(option.type, "comma_separated", False)):
        raise InputError(f"{where}: expected one value, not a list")
    if isinstance(value, list):
        return [_scalar(where, item) for item in value]
    # click expects a list as the default of a repeatable option.
    return [_scalar(where, value)] if option.multiple else _scalar(where, value)


def _scalar(where: str, value: Any) -> Any:
    """A number as text, so that 2.5 is refused for an integer as it is on the command line."""
    # Before the numbers, because a bool is an int in Python.
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise InputError(f"{where}: {value} is not text, a number, true or false")
