"""`tokkit.toml` in the current folder: defaults for options, a table a command.

dataset = "reviews/"          the data set of `finetune` where none is named

[finetune]
epochs = 5
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
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
    commands: Iterable[str], options_of: Callable[[str], Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """Click's defaults by command, from the file's tables.

    Raises `InputError` for a table that is no command and a key that is no option of it.
    """
    content = read()
    known = list(commands)
    for name, table in content.items():
        if name in TOP_LEVEL:
            continue
        if name not in known or not isinstance(table, dict):
            raise InputError(f'{FILE}: no command "{name}"{did_you_mean(name, [*known, *TOP_LEVEL])}')
        options = options_of(name)
        for key in table:
            if key.replace("-", "_") not in options:
                nearest = did_you_mean(key.replace("-", "_"), options)
                raise InputError(f'{FILE}: [{name}] has no option "{key}"{nearest}')
    return {
        name: {key.replace("-", "_"): value for key, value in table.items()}
        for name, table in content.items()
        if isinstance(table, dict)
    }
