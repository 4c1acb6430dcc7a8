"""The `tokkit` command group, which loads one command at a time, and the mapping of errors to exit codes."""

from __future__ import annotations

import errno
import functools
import gc
import importlib
import io
import os
import signal
import sys
import time
import traceback
from typing import Any

import click
from click.shell_completion import CompletionItem

from tokkit import __version__
from tokkit.cli import hints, settings
from tokkit.cli.interrupts import is_interrupt
from tokkit.errors import (
    EXIT_BUG,
    InputError,
    Interrupted,
    OutputError,
    TokkitError,
    UsageError,
    did_you_mean,
)
from tokkit.runtime.panics import is_panic, reason_of
from tokkit.runtime.processes import is_helper
from tokkit.sources.paths import displayed, displayed_hint, remove_spooled
from tokkit.views.text import in_message

# The sections of `tokkit --help`: command -> its summary.
SECTIONS = {
    "Tokenizers": {
        "train-wordpiece": "Train a WordPiece tokenizer.",
        "train-bpe": "Train a byte-pair encoding tokenizer.",
        "train-unigram": "Train a Unigram tokenizer.",
        "train-word": "Give the most frequent words a token each.",
        "train-char": "Give the most frequent characters a token each.",
        "count": "Count a corpus, to train from the counts.",
        "merge-counts": "Add up the counts of several corpora.",
        "blocks": "Every block and recipe, with an example.",
        "tokenize": "Show each stage, tokens, ids, offsets, unknowns.",
        "wrap": "Make a folder that transformers loads to the same ids.",
        "add-tokens": "Add tokens to a tokenizer, and rows for them to a model.",
        "trim": "Prune a tokenizer, and a model, to the tokens of a corpus.",
        "doctor": "Check whether tokenizer, model and data fit.",
        "compare": "Measure tokenizers on the same rows.",
        "suggest-tokens": "Find domain words worth a token.",
    },
    "Data": {
        "stats": "Classes, lengths, duplicates, conflicts and leaks.",
        "explore": "One page with every row: search, filters, tokens, a map.",
        "clean": "Repair texts, drop rows with reasons.",
        "split": "Split into train, validation and test.",
        "rebalance": "Over- or under-sample a training split.",
        "encode": "Token ids of every row, or packed for pretraining.",
    },
    "Models": {
        "finetune": "Fine-tune a text classifier.",
        "evaluate": "Score classifiers on labeled rows.",
        "predict": "Labels and probabilities of texts.",
        "features": "Hidden states of a data set, a probe and a map.",
        "export": "Write a classifier as ONNX, which needs no torch.",
    },
    "Review": {
        "audit": "Rank rows whose label is likely wrong, for review.",
        "suggest-rows": "Pick unlabeled rows worth labeling.",
        "compare-runs": "The gain of a run over an earlier one, with an interval.",
    },
    "Hub": {
        "card": "Write or check the card of a model, tokenizer or data set.",
        "reproduce": "Repeat what wrote a folder, and compare the files.",
        "push": "Upload a model, tokenizer or data set to the hub.",
        "find-datasets": "Search data sets of the hub.",
    },
    "Demo": {"demo": "Run every step on the included corpora, and print the time."},
}

# The command that several processes work on together.
_TRAINS_TOGETHER = "finetune"
# What another process of a launcher may take longer to report the same error.
_SECONDS_FOR_RANK_ZERO = 15

COMMANDS = [name for section in SECTIONS.values() for name in section]


class _Text(click.types.StringParamType):
    """Text without choices, which a shell completes as a path: in most places it is one."""

    def shell_complete(
        self, context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


class LazyGroup(click.Group):
    """A group that imports a command, ``NAME_command`` in the module of its name, when it is used.

    Its own help lists the summaries in `SECTIONS`, and so imports no command.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        return COMMANDS

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        # The import loads the options of this command only; its worker is imported when it runs.
        module = name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"tokkit.cli.{module}"), f"{module}_command")
        for parameter in command.params:
            if parameter.type is click.STRING:
                parameter.type = _Text()
        return command

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            raise click.UsageError(f'unknown command "{name}"{did_you_mean(name, COMMANDS)}', ctx=context)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        # One width for all sections, so that the summaries of different sections are aligned.
        widest = max(map(len, COMMANDS))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), summary) for name, summary in section.items()])


@click.group(
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        # An option is also read from TOKKIT_COMMAND_OPTION, for instance TOKKIT_FINETUNE_EPOCHS.
        "auto_envvar_prefix": "TOKKIT",
        # click folds the help at 80 columns unless a wider maximum is given.
        "max_content_width": 100,
    },
    epilog="Options can also be set in tokkit.toml or in TOKKIT_COMMAND_OPTION variables.",
)
@click.version_option(__version__, message="tokkit %(version)s", help="Print the version.")
@click.pass_context
def tokkit(context: click.Context) -> None:
    """From raw text to a tokenizer you can trust and a classifier you can ship."""
    # click looks at the command line first, then at the environment, then at this map.
    context.default_map = settings.default_map(tokkit, context)


def _use_own_standard_error() -> None:
    """Write messages to a copy of descriptor 2, which threads inside `panics.guarded` redirect meanwhile."""
    try:
        if sys.stderr is None or sys.stderr.fileno() != 2:
            return
        sys.stderr = open(os.dup(2), "w", 1, sys.stderr.encoding, "backslashreplace")
    except OSError:  # closed, or a stream of Python's alone
        return


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code of its error, or 0."""
    # A console in code page 1252 cannot encode Korean: escapes are better than an error after the work.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    _use_own_standard_error()
    code = run(sys.argv[1:] if arguments is None else arguments)
    # Nothing is left to interrupt but Python's own exit, which would print a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if code == Interrupted.exit_code:
        # A thread may still be compiling a kernel; at a regular exit LLVM would abort the process under it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    # Without this, Python looks for reference cycles in everything that torch imported, which takes seconds.
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every error is printed as one sentence and a hint."""
    report = functools.partial(_report, arguments)
    # Of the processes that torchrun starts, the first one does the work of all other commands.
    if is_helper() and arguments[:1] != [_TRAINS_TOGETHER]:
        return 0
    try:
        # In standalone mode, click prints errors in its own format and exits the process itself.
        code = tokkit.main(args=arguments, prog_name="tokkit", standalone_mode=False)
        # A closed pipe or a full disk raises here, where it is reported, and not while Python exits.
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        # A subclass of `ClickException`, so it has to come first: its message is the help itself.
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"{context.command_path} --help" if context is not None else None
        return report(_message_of(error, context), hint, error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return report(Interrupted().message, None, Interrupted.exit_code)
    except TokkitError as error:
        return report(error.message, error.hint, error.exit_code, error)
    # The reader of a pipe, `head` for instance, has closed it: where click sees that first, it exits with 1.
    except (BrokenPipeError, SystemExit):
        return 0
    except OSError as error:
        # an output of such a name has an error of its own
        kind = InputError if error.errno == errno.ENAMETOOLONG else OutputError
        return report(f"{error.filename or 'output'}: {error.strerror}", None, kind.exit_code, error)
    except MemoryError as error:
        hint = "close other programs, or read fewer rows at once"
        return report(
            f"out of memory: {error or 'no more can be allocated'}", hint, OutputError.exit_code, error
        )
    except Exception as error:
        if is_interrupt(error):
            return report(Interrupted().message, None, Interrupted.exit_code)
        # An error outside a command has no such attribute: the arguments are searched for `-v`.
        error.verbose = getattr(error, "verbose", "-v" in arguments)  # type: ignore[attr-defined]
        what = f"{type(error).__name__}: {error}"
        message = f"internal error: {what}; this is a bug in tokkit, please report it"
        return report(message, "this prints the traceback:\n-v", EXIT_BUG, error)
    except BaseException as error:
        # A library in Rust raises its panics as an exception that does not derive from `Exception`.
        if not is_panic(error):
            raise
        message = f"the data cannot be processed: {reason_of(error)}"
        return report(message, "is one of the files damaged?", InputError.exit_code, error)
    finally:
        # Standard input that had to be read twice was copied to a temporary file.
        remove_spooled()


def _imported(arguments: list[str]) -> click.Command | None:
    """The command that failed; None where its module could not be imported."""
    name = "".join(arguments[:1]).replace("-", "_")
    command: click.Command | None = getattr(sys.modules.get(f"tokkit.cli.{name}"), f"{name}_command", None)
    return command


def _wait_for_rank_zero() -> None:
    """Let it report the same error: a launcher ends every process, this one too, once one has failed.

    Returns where only this process has failed, as on a machine without the data.
    """
    # Ctrl-C ends it as the launcher does: it has nothing to say yet.
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    time.sleep(_SECONDS_FOR_RANK_ZERO)
    signal.signal(signal.SIGINT, handler)


def _message_of(error: click.ClickException, context: click.Context | None) -> str:
    """What is wrong with an option, in the wording of other errors, and where its value is from."""
    if isinstance(error, click.NoSuchOption) and context is not None:
        flags = [name for parameter in context.command.get_params(context) for name in parameter.opts]
        return f'unknown option "{error.option_name}"{did_you_mean(error.option_name, flags)}'
    parameter = error.param if isinstance(error, click.BadParameter) else None
    if context is None or parameter is None or isinstance(error, click.MissingParameter):
        return error.format_message()
    where = settings.source_of(context, parameter) or parameter.get_error_hint(context).replace("'", "")
    return f"{where}: {error.message}"


def _report(
    arguments: list[str], message: str, hint: str | None, code: int, error: BaseException | None = None
) -> int:
    if getattr(error, "verbose", False):
        traceback.print_exc()
    if is_helper() and code in (UsageError.exit_code, InputError.exit_code):
        _wait_for_rank_zero()
        message = f"rank {os.environ['RANK']}: {message}"
    # Paths and labels in a message are data: control characters in them could change the terminal.
    click.echo(f"error: {in_message(displayed(message))}", err=True)
    if hint:
        lines = hints.lines(displayed_hint(hint), _imported(arguments), arguments[1:])
        click.echo(("hint:  " + "\n       ".join(map(in_message, lines))).replace(":  \n", ":\n"), err=True)
    return code
