"""Flags made from option groups, the flags every command shares, and how results are shown."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

import click

from tokkit.cli.interrupts import remembered
from tokkit.errors import UsageError, did_you_mean
from tokkit.options import Options, described_fields, flag, kind_of
from tokkit.views.progress_bar import Bar, Quiet, Sentences
from tokkit.views.tables import Table, as_drawn, as_tsv

Command = Callable[..., Any]


def options_from(group: type[Options], name: str, but: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Declares a flag for every field of ``group``; the command gets them as one object, ``name``.

    but  fields that this command has no use for, which keep their defaults
    """
    names = [field_name for field_name, _ in described_fields(group) if field_name not in but]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def gathered(*args: Any, **kwargs: Any) -> Any:
            kwargs[name] = group(**{field_name: kwargs.pop(field_name) for field_name in names})
            return command(*args, **kwargs)

        declared: Command = gathered
        for field_name in reversed(names):
            declared = _option(group, field_name)(declared)
        return declared

    return decorate


def _option(group: type[Options], name: str) -> Callable[[Command], Command]:
    described = dict(described_fields(group))[name]
    declared = next(each for each in fields(group) if each.name == name)
    default = None if declared.default is MISSING else declared.default
    kind, repeatable = kind_of(group, name)
    sentence = f"{described.help[0].upper()}{described.help[1:]}."
    if kind is bool:
        undecided = f"/{flag('no_' + name)}" if default is None else ""
        return click.option(
            flag(name) + undecided,
            name,
            is_flag=True,
            default=default,
            help=sentence,
            show_default=described.default_text or False,
        )
    shown: bool | str = described.default_text or default not in (None, "", ())
    if described.comma_separated:
        return click.option(
            *(flag(name), name),
            type=_List(kind),
            default=None if default is None else ",".join(map(str, default)),
            help=sentence,
            metavar=described.metavar,
            show_default=shown,
        )
    return click.option(
        flag(name),
        name,
        type=click.Choice(described.choices) if described.choices else kind,
        multiple=repeatable,
        default=default,
        help=sentence,
        metavar=described.metavar,
        show_default=shown,
    )


class _List(click.ParamType):
    """Values of one kind with commas between them."""

    listed = True
    """`tokkit.toml` may hold a list."""

    def __init__(self, kind: type) -> None:
        self.name = f"{click.types.convert_type(kind).name},..."
        self._kind = click.types.convert_type(kind)

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        parts = parts if isinstance(parts, list | tuple) else [parts]
        return tuple(self._kind.convert(part, parameter, context) for part in parts)


def output_option(default: str | None, help: str, required: bool = False) -> Callable[[Command], Command]:
    """``-o/--out`` and ``--force``."""

    def decorate(command: Command) -> Command:
        command = click.option("--force", is_flag=True, help="Replace an earlier output of tokkit.")(command)
        return click.option(
            *("-o", "--out"), default=default, required=required, metavar="PATH", show_default=True, help=help
        )(command)

    return decorate


threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="Processor threads.", show_default="all"
)

fail_on_option = click.option(
    "--fail-on", metavar="RULE,...", help="Exit with 1 if one of these rules finds something."
)


def named_rules(text: str | None, rules: Iterable[str]) -> list[str]:
    """The rules that ``--fail-on`` names; raises `UsageError` for one that does not exist."""
    there = list(rules)
    named = [rule.strip() for rule in text.split(",")] if text else []
    for rule in named:
        if rule not in there:
            nearest = did_you_mean(rule, there)
            raise UsageError(f'--fail-on: no rule "{rule}"{nearest}; there are: {", ".join(there)}')
    return named


def common_options(command: Command) -> Command:
    """``--json``, ``-q`` and ``-v``; the command gets the `Progress` to report to and ``json_wanted``."""

    @functools.wraps(command)
    def with_progress(*args: Any, quiet: bool, verbose: bool, **kwargs: Any) -> Any:
        progress = _progress(quiet)
        try:
            with remembered(progress):
                return command(*args, progress=progress, **kwargs)
        except Exception as error:
            error.verbose = verbose  # type: ignore[attr-defined] # the boundary shows where it arose
            raise

    declared: Command = with_progress
    for decorate in (
        click.option("-v", "--verbose", is_flag=True, help="Show where in the code an error arose."),
        click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
        click.option("--json", "json_wanted", is_flag=True, help="Print the result as one JSON object."),
    ):
        declared = decorate(declared)
    return declared


def _progress(quiet: bool) -> Sentences:
    from tokkit.sources.paths import without_spool

    if quiet:
        return Quiet()
    return Bar(without_spool) if sys.stderr.isatty() else Sentences(without_spool)


def show(
    command: str,
    result: Mapping[str, Any],
    tables: Callable[[Mapping[str, Any]], Sequence[Table]],
    json_wanted: bool,
) -> None:
    """The result on standard output: JSON if wanted, drawn on a terminal, tab-separated when piped."""
    if json_wanted:
        click.echo(json.dumps({"schema": 1, "command": command, **result}, ensure_ascii=False, indent=2))
    elif sys.stdout.isatty():
        color = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        click.echo(as_drawn(tables(result), _width(), color), nl=False)
    else:
        click.echo(as_tsv(tables(result)), nl=False)


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns
