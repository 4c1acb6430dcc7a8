"""`tokkit.toml` in the current folder: defaults for options, a table a command.

dataset = "reviews/"          the data set of `finetune` where none is named

[finetune]
epochs = 5
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tokkit.errors import InputError, did_you_mean

FILE = Path("tokkit.toml")
TOP_LEVEL = ("dataset",)


def read() -> dict[str, Any]:
    """The content of `tokkit.toml`, empty where there is none. Raises `InputError` for broken TOML."""
    if not FILE.exists():
        return {}
    try:
        return tomllib.loads(FILE.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{FILE}: {error}") from error


def default_map(
    commands: Iterable[str], options_of: Callable[[str], Mapping[str, str]]
) -> dict[str, dict[str, Any]]:
    """Click's defaults by command, from the file's tables; a key is a flag without its dashes.

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
        defaults[name] = {options[flags[key]]: value for key, value in table.items()}
    return defaults
