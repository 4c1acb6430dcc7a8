"""`tokkit.toml`: defaults of arguments and options, one table per command.

    dataset = "reviews/"          the data set of `stats`, `clean`, `split`, `rebalance` and `finetune`

    [finetune]
    epochs = 5

The file is that of the current folder, else of the nearest folder above it within the same repository. A
value means the same as on the command line; an input that is not at its path is looked for next to the file.
For a repeatable flag, a list means several flags, a table one flag per ``KEY=VALUE``.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tokkit.errors import InputError, did_you_mean
from tokkit.sources.paths import is_path

NAME = "tokkit.toml"
DATASET = "dataset"
# commands that read the data set of the top level
_OF_DATASET = ("stats", "clean", "split", "rebalance", "finetune")
# what a folder with a repository has in it
_REPOSITORY = (".git", ".hg")


def find() -> Path | None:
    """The `tokkit.toml` that is used, relative to the current folder; None without any."""
    folders = [Path.cwd(), *Path.cwd().parents]
    roots = (i for i, folder in enumerate(folders) if any((folder / name).exists() for name in _REPOSITORY))
    # outside a repository, a file of some folder above says nothing of this one
    searched = folders[: next(roots, 0) + 1]
    path = next((folder / NAME for folder in searched if (folder / NAME).is_file()), None)
    return None if path is None else Path(os.path.relpath(path))


def _read(path: Path) -> dict[str, Any]:
    """The tables of a file; raises `InputError` for invalid TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def default_map(group: click.Group, context: click.Context) -> dict[str, dict[str, Any]]:
    """Read the tables of the file as click's defaults: command of the group -> parameter -> value.

    Raises `InputError` for a table that is not a command and a key that is not an option of it.
    """
    path = find()
    if path is None:
        return {}
    known = group.list_commands(context)
    defaults: dict[str, dict[str, Any]] = {}
    tables = _read(path)
    dataset = tables.pop(DATASET, None)
    if dataset is not None:
        if not isinstance(dataset, str):
            raise InputError(f"{path}: dataset: {dataset} is not a path", hint='write dataset = "reviews/"')
        defaults = {name: {DATASET: _input_path(path, dataset)} for name in _OF_DATASET}
    for name, table in tables.items():
        if name not in known or not isinstance(table, dict):
            raise InputError(f'{path}: unknown command "{name}"{did_you_mean(name, [*known, DATASET])}')
        parameters = _parameters_of(group.get_command(context, name))
        # A key may be written as in Python (`vocab_size`) or as on the command line (`vocab-size`).
        flags = {key: key.replace("_", "-") for key in table}
        for key, flag in flags.items():
            if flag not in parameters:
                raise InputError(f'{path}: [{name}] has no option "{key}"{did_you_mean(flag, parameters)}')
        for key, value in table.items():
            parameter = parameters[flags[key]]
            parsed = _parse(f"{path}: [{name}] {key}", value, parameter)
            of_command = defaults.setdefault(name, {})
            of_command[parameter.name or ""] = (
                [_input_path(path, item) for item in parsed]
                if isinstance(parsed, list)
                else _input_path(path, parsed)
            )
    return defaults


def source_of(context: click.Context, parameter: click.Parameter) -> str | None:
    """The file and key, or the variable, that a value is from; None where it is from neither."""
    name = parameter.name or ""
    source = context.get_parameter_source(name)
    if source is ParameterSource.ENVIRONMENT:
        return f"{context.auto_envvar_prefix}_{name}".upper()
    path = find() if source is ParameterSource.DEFAULT_MAP else None
    if path is None:
        return None
    named = _read(path).get(context.command.name or "", {})
    key = next((key for key in named if key.replace("-", "_") == name), None)
    return f"{path}: {name}" if key is None else f"{path}: [{context.command.name}] {key}"


def with_source(message: str, context: click.Context) -> str:
    """A message that begins with a flag (``--epochs: 0 is below 1``), with the place its value is from."""
    named = re.match(r"--([a-z][a-z-]*)", message)
    parameter = _parameters_of(context.command).get(named[1]) if named else None
    where = None if parameter is None else source_of(context, parameter)
    return message if where is None else f"{where}: {message}"


def _parameters_of(command: click.Command | None) -> dict[str, click.Parameter]:
    """Long flag without its dashes, or name of an argument -> what it sets."""
    parameters: dict[str, click.Parameter] = {}
    for item in command.params if command else ():
        if isinstance(item, click.Option):
            parameters |= {flag[2:]: item for flag in item.opts if flag.startswith("--")}
        else:
            parameters[(item.name or "").replace("_", "-")] = item
    return parameters


def _input_path(file: Path, value: Any) -> Any:
    """A path of an input as it is reached from here: next to the file, where the current folder has none."""
    if not isinstance(value, str) or not value or file.parent == Path() or is_path(Path(value)):
        return value
    return str(file.parent / value) if is_path(file.parent / value) else value


def _parse(where: str, value: Any, parameter: click.Parameter) -> Any:
    """The value as it would be on the command line."""
    several = parameter.multiple or parameter.nargs == -1
    if isinstance(value, dict) and parameter.multiple:
        return [f"{key}={_scalar(where, item)}" for key, item in value.items()]
    if isinstance(value, list) and not (several or getattr(parameter.type, "comma_separated", False)):
        raise InputError(f"{where}: expected one value, not a list")
    if isinstance(value, list):
        return [_scalar(where, item) for item in value]
    # click expects a list as the default of what is repeatable.
    return [_scalar(where, value)] if several else _scalar(where, value)


def _scalar(where: str, value: Any) -> Any:
    """A number as text, so that 2.5 is refused for an integer as it is on the command line."""
    # Before the numbers, because a bool is an int in Python.
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise InputError(f"{where}: {value} is not text, a number, true or false")
