"""Hints as they are printed: what to do, and below it the commands that do it, ready to be pasted.

In the hint of an error, a line that begins with ``-`` holds options for the command that failed, and ``...``
stands for the arguments of that command. Here both become whole commands.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import click

_LONGEST = 1000  # characters of a command; the shell may have put a thousand files for one pattern
_PROGRAMS = ("tokkit", "pip", "ls", "cp", "tr", "file", "fold", "iconv", "tail")


def lines(hint: str, command: click.Command | None, arguments: Sequence[str]) -> Iterator[str]:
    """The lines of a hint; the first is empty where it begins with a command.

    arguments   of the command that failed, without its name
    """
    for number, line in enumerate(hint.split("\n")):
        if line.startswith("-") and command is not None:
            completed = shlex.join(_with_options(command, arguments, shlex.split(line)))
            line = f"tokkit {command.name} {completed if len(completed) < _LONGEST else f'... {line}'}"
        elif " ..." in line and line.startswith("tokkit "):
            given = shlex.join(arguments)
            line = line.replace("...", given) if len(given) < _LONGEST else line
        if not number and is_command(line):
            yield ""
        yield line


def is_command(line: str) -> bool:
    """Whether a line of a hint is to be pasted."""
    return line.startswith("-") or line.split(" ")[0] in _PROGRAMS


def _with_options(command: click.Command, arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """The arguments with these options, which replace those of their name unless these can be repeated."""
    parameters = {name: p for p in command.params for name in (*p.opts, *p.secondary_opts)}
    replaced = {parameters[word] for word in options if word in parameters}
    excluded = {name for parameter in replaced for name in getattr(parameter, "replaces", ())}
    replaced |= {parameter for parameter in command.params if parameter.name in excluded}
    unchanged: list[str] = []
    rest = iter(arguments)
    for word in rest:
        name, equals, _ = word.partition("=")
        option = parameters.get(name)
        if not isinstance(option, click.Option) or option not in replaced or option.multiple:
            unchanged.append(word)
        elif not equals and not option.is_flag:
            next(rest, None)
    # Behind `--` all are arguments.
    end = unchanged.index("--") if "--" in unchanged else len(unchanged)
    return [*unchanged[:end], *options, *unchanged[end:]]
