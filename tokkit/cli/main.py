"""The `tokkit` group, loaded a command at a time, and the one place that turns errors into exit codes."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import traceback
from typing import Any

import click

from tokkit.cli import settings
from tokkit.cli.interrupts import came_of_interrupt
from tokkit.errors import EXIT_BUG, Interrupted, OutputError, TokkitError, did_you_mean

COMMANDS = {
    "train-wordpiece": "train",
    "train-bpe": "train",
    "train-unigram": "train",
    "train-word": "train",
    "train-char": "train",
    "count": "count",
    "merge-counts": "count",
    "blocks": "blocks",
    "tokenize": "tokenize",
    "wrap": "wrap",
    "add-tokens": "extend",
    "trim": "extend",
    "doctor": "doctor",
    "compare": "compare",
    "suggest-tokens": "suggest",
    "stats": "stats",
    "clean": "clean",
    "split": "split",
    "rebalance": "rebalance",
    "finetune": "finetune",
    "evaluate": "evaluate",
    "predict": "predict",
    "features": "features",
    "demo": "demo",
}
"""Command -> module of `tokkit.cli` that holds it as ``NAME_command``."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"tokkit.cli.{COMMANDS[name]}")
        command: click.Command = getattr(module, name.replace("-", "_") + "_command")
        return command

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            raise click.UsageError(f'no command "{name}"{did_you_mean(name, COMMANDS)}', ctx=context)
        return super().resolve_command(context, args)


def _version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"tokkit {version('tokkit')}")
        context.exit()


@click.group(
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "TOKKIT",
        "max_content_width": 100,
    },
    epilog="Options may also stand in tokkit.toml or in TOKKIT_COMMAND_OPTION variables.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="The version."
)
@click.pass_context
def tokkit(context: click.Context) -> None:
    """From raw text to a tokenizer you can trust and a classifier you can ship."""
    context.default_map = settings.default_map(COMMANDS, _known_options(context))


def _known_options(context: click.Context) -> Any:
    def of(command: str) -> dict[str, settings.Takes]:
        """Long flag without its dashes -> the parameter it gives, and how many values it takes."""
        found = tokkit.get_command(context, command)
        options = [each for each in found.params if isinstance(each, click.Option)] if found else []
        return {
            flag[2:]: settings.Takes(each.name or "", each.multiple, getattr(each.type, "listed", False))
            for each in options
            for flag in each.opts
            if flag.startswith("--")
        }

    return of


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits with the code its errors stand for."""
    code = run(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said; what is left is Python's own end
    gc.freeze()  # which would look for cycles in all that torch imported, for seconds
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """The exit code of one command; every error ends here, as one sentence and a hint."""
    try:
        return _invoke(arguments)
    finally:
        from tokkit.sources.paths import remove_spooled

        remove_spooled()


def _invoke(arguments: list[str]) -> int:
    try:
        code = tokkit.main(args=arguments, prog_name="tokkit", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        return _report(error.format_message(), _usage_hint(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _report(Interrupted().message, None, Interrupted.exit_code)
    except TokkitError as error:
        return _report(error.message, error.hint, error.exit_code, error)
    except BrokenPipeError:  # the reader, head for instance, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _report(f"{error.filename or 'output'}: {error.strerror}", None, OutputError.exit_code, error)
    except Exception as error:
        if came_of_interrupt(error):
            return _report(Interrupted().message, None, Interrupted.exit_code)
        error.verbose = getattr(error, "verbose", "-v" in arguments)  # type: ignore[attr-defined]
        message = f"a bug of tokkit, not of yours: {type(error).__name__}: {error}"
        hint = "the same command with -v shows where; please report it"
        return _report(message, hint, EXIT_BUG, error)
    return code if isinstance(code, int) else 0


def _report(message: str, hint: str | None, code: int, error: Exception | None = None) -> int:
    from tokkit.sources.paths import without_spool
    from tokkit.views.tables import printable

    if getattr(error, "verbose", False):
        traceback.print_exc()
    click.echo(f"error: {printable(without_spool(message))}", err=True)
    if hint:
        click.echo(f"hint:  {printable(without_spool(hint))}", err=True)
    return code


def _usage_hint(error: click.ClickException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context is not None else None
