"""Flags of groups of options, and the flags that every command shares."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from tokkit.cli import output, settings
from tokkit.cli.hub_bars import hub_bars
from tokkit.cli.interrupts import cancelling
from tokkit.errors import UsageError, did_you_mean
from tokkit.options import Options, described_fields, flag, kind_of, section_of
from tokkit.progress import Progress
from tokkit.runtime.processes import is_helper
from tokkit.sources.paths import displayed
from tokkit.views.progress_bar import Bar, Messages, Quiet

GENERAL = "General"

Function = Callable[..., Any]
Flag = Callable[[Function], Function]

# Prints a result, as `output.show` with the first arguments already given.
Show = Callable[..., None]


def shared_options(
    *, threads: bool = False, exclude: Sequence[str] = (), **groups: type[Options]
) -> Callable[[Function], Function]:
    """Declare a flag for every field of the groups, then ``--threads``, ``--json``, ``-q`` and ``-v``.

    groups   name of an argument -> the group of options that the command receives as that argument
    exclude  fields that are no flag of this command, and keep their defaults

    The command also receives ``progress``, the `Progress` to report to, and ``show``, which prints a result.
    """
    names = {
        argument: [name for name, _ in described_fields(group) if name not in exclude]
        for argument, group in groups.items()
    }

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*, as_json: bool, quiet: bool, verbose: bool, **values: Any) -> Any:
            context = click.get_current_context()
            show = functools.partial(output.show, context.command.name, as_json, verbose=verbose, quiet=quiet)
            progress = (
                Quiet() if quiet or is_helper() else (Bar if sys.stderr.isatty() else Messages)(displayed)
            )
            try:
                _say_source(context, progress)
                for argument, group in groups.items():
                    values[argument] = group(**{name: values.pop(name) for name in names[argument]})
                with hub_bars(enabled=not quiet), cancelling(progress):
                    return function(show=show, progress=progress, **values)
            except Exception as error:
                # With it, `run` prints the traceback.
                error.verbose = verbose  # type: ignore[attr-defined]
                if isinstance(error, UsageError):
                    error.message = settings.with_source(error.message, context)
                raise

        flags = [_flag_of(group, name) for argument, group in groups.items() for name in names[argument]]
        if threads:
            flags.append(_THREADS)
        flags += [
            _general("--json", "as_json", is_flag=True, help="Print the result as one JSON object."),
            quiet_option,
            _general(
                "-v", "--verbose", is_flag=True, help="Print every table, and the traceback of an error."
            ),
        ]
        return _with_flags(call, flags)

    return decorate


def _say_source(context: click.Context, progress: Progress) -> None:
    """Report a data set that the command line does not name."""
    for parameter in context.command.params:
        if parameter.name == settings.DATASET and (source := settings.source_of(context, parameter)):
            progress.say(f"no data set named: using {context.params[settings.DATASET]} ({source})")


def _with_flags(function: Function, flags: Sequence[Flag]) -> Function:
    # click lists the flag of the last decorator first
    return functools.reduce(lambda decorated, flag: flag(decorated), reversed(flags), function)


class SectionOption(click.Option):
    """An option with the heading that it is listed under in `--help`."""

    def __init__(
        self, *names: Any, section: str = Options.section, replaces: Sequence[str] = (), **settings: Any
    ) -> None:
        super().__init__(*names, **settings)
        self.section = section
        # Names of the options that a hint with this one drops.
        self.replaces = replaces


_general = functools.partial(click.option, cls=SectionOption, section=GENERAL)
quiet_option = _general("-q", "--quiet", is_flag=True, help="Print only errors and paths of what is written.")
_THREADS = _general(
    "--threads", type=click.IntRange(min=1), help="Number of CPU threads.", show_default="all"
)


def _flag_of(group: type[Options], name: str) -> Flag:
    described = dict(described_fields(group))[name]
    default = getattr(group, name, None)
    kind, repeatable = kind_of(group, name)
    option = functools.partial(click.option, cls=SectionOption, section=section_of(group, name))
    names = (flag(name), name)
    help = f"{described.help[0].upper()}{described.help[1:]}."
    if kind is bool:
        # Three states: neither flag means that the command decides.
        if default is None:
            names = (f"{flag(name)}/{flag('no_' + name)}", name)
        show_default = described.default_text or False
        return option(*names, is_flag=True, default=default, help=help, show_default=show_default)
    type_: Any = Choice(described.choices) if described.choices else kind
    # click has one kind of flag with several values, the repeated one; `--vocab-size 8000,16000` is ours.
    if described.comma_separated:
        type_ = _CommaSeparated(kind)
        # As text, the help prints the default in the form that the option accepts: 8000,16000.
        default = None if default is None else ",".join(map(str, default))
    return option(
        *names,
        type=type_,
        multiple=repeatable and not described.comma_separated,
        replaces=described.replaces,
        default=default,
        help=help,
        metavar=described.metavar,
        show_default=described.default_text or default not in (None, "", ()),
    )


class Choice(click.Choice[str]):
    """A choice whose error is that of all options, and names the nearest one."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        choices = ", ".join(self.choices)
        return f'invalid value "{value}": choose from {choices}{did_you_mean(str(value), self.choices)}'


class _CommaSeparated(click.ParamType):
    """Values of one type, separated by commas."""

    # A list in `tokkit.toml` is accepted as well.
    comma_separated = True

    def __init__(self, kind: type) -> None:
        self.name = f"{click.types.convert_type(kind).name},..."
        self._kind = click.types.convert_type(kind)

    # The value is text from the command line, or a list from `tokkit.toml`.
    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        parts = parts if isinstance(parts, list | tuple) else [parts]
        return tuple(self._kind.convert(part, parameter, context) for part in parts)


class SectionedCommand(click.Command):
    """A command whose help lists its options under headings, those of every command last."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {Options.section: []}
        for parameter in self.get_params(context):
            is_help = parameter is self.get_help_option(context)
            title = GENERAL if is_help else getattr(parameter, "section", Options.section)
            record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
            if record is not None:
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def command(name: str, example: str, **further: Any) -> Callable[[Function], click.Command]:
    """A command whose help ends with an example; given are the arguments of that."""
    further.setdefault("cls", SectionedCommand)
    return click.command(name, epilog=f"Example: tokkit {name} {example}", **further)


def output_option(default: str | None, help: str, required: bool = False) -> Flag:
    """``-o/--out`` and ``--force``."""
    out = click.option(
        "-o", "--out", default=default, required=required, metavar="PATH", show_default=True, help=help
    )
    force = click.option("--force", is_flag=True, help="Replace an earlier output of tokkit.")
    return lambda function: _with_flags(function, [out, force])


def training_command(
    name: str, options: type[Options], example: str, *further: Flag
) -> Callable[[Function], click.Command]:
    """A command that trains a tokenizer: CORPUS..., ``-o``, ``--force``, ``--counts``, further flags.

    example  the arguments of one
    """
    # here, not above: `cli.options` is part of every command, and most of them read no corpus
    from tokkit.corpus.feed import CorpusOptions

    def decorate(function: Function) -> click.Command:
        flags: list[Flag] = [
            click.argument("corpus", nargs=-1),
            output_option("out/", "Folder to write."),
            click.option(
                "--counts", metavar="DIR", help="Train from a folder written by `tokkit count`, not a corpus."
            ),
            *further,
            dry_run_option,
            shared_options(options=options, read_options=CorpusOptions, threads=True),
        ]
        return command(name, example)(_with_flags(function, flags))

    return decorate


like_option = click.option(
    "--from", "like", metavar="TOKENIZER", help="Copy blocks, special tokens and settings of a tokenizer."
)

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Write nothing; measure some steps and report time, memory and disk."
)

fail_on_option = click.option(
    "--fail-on", metavar="RULE,...", help="Exit with 1 if one of these rules has a finding."
)


def parse_rules(text: str | None, rules: Iterable[str]) -> list[str]:
    """The rules that ``--fail-on`` names; raises `UsageError` for one that does not exist."""
    known = list(rules)
    names = [name.strip() for name in text.split(",")] if text else []
    for name in names:
        if name not in known:
            choices = ", ".join(known)
            raise UsageError(
                f'--fail-on: invalid value "{name}": choose from {choices}{did_you_mean(name, known)}'
            )
    return names
