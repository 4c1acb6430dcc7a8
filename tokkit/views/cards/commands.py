"""The command that writes an output again, from what its receipt records."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokkit.options import Options, flag, typed

# Arguments whose flag has another name.
_FLAGS = {"like": "--from"}


def command_line(
    name: str,
    sources: Mapping[str, Any],
    arguments: Sequence[str],
    options: Iterable[Options],
    out: str,
) -> str | None:
    """``tokkit NAME SOURCE... --flags -o OUT``, quoted for a shell; None where no source is known.

    sources     argument -> name, or names, of what was read
    arguments   those that are no flags

    >>> command_line("count", {"corpus": ["a b.txt"]}, ["corpus"], [], "counts")
    "tokkit count 'a b.txt' -o counts"
    """
    given = {argument: _names(value) for argument, value in sources.items() if value}
    if not given:
        return None
    words = [f"tokkit {name}", *(word for argument in arguments for word in given.get(argument, ()))]
    words += [
        f"{_FLAGS.get(argument, flag(argument))} {word}"
        for argument, names in given.items()
        if argument not in arguments
        for word in names
    ]
    return f"{' '.join(words)}{''.join(map(typed, options))} -o {shlex.quote(out)}"


def _names(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [shlex.quote(str(item)) for item in values]
