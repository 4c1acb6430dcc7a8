"""The output of commands: results on standard output, plots and pages in files."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tokkit import files
from tokkit.errors import UsageError
from tokkit.progress import Progress
from tokkit.runtime.processes import is_helper
from tokkit.views import fonts, html
from tokkit.views.progress_bar import Quiet
from tokkit.views.tables import Headline, Table, as_tsv
from tokkit.views.terminal import as_text
from tokkit.views.text import in_message, printable

PLOTS = (".png", ".svg")
PAGES = (".html", ".htm")

# What a terminal would obey or hide (C1 controls, directions of text, separators), and lone surrogates, which
# UTF-8 cannot hold. In JSON all of it is within strings, where an escape is the same character.
_UNSAFE = re.compile(r"[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")

ToTables = Callable[[Mapping[str, Any]], Sequence[Table]]


def show(
    command: str | None,
    as_json: bool,
    result: Mapping[str, Any],
    tables: ToTables,
    brief: ToTables | None = None,
    verbose: bool = False,
    quiet: bool = False,
) -> None:
    """Print the result: as JSON if requested, as tables on a terminal, tab-separated into a pipe.

    brief   the tables that matter most, printed instead unless ``verbose``; JSON has everything
    quiet   where something was written, print its path only
    """
    if is_helper():
        return
    if brief is not None and not verbose:
        tables = brief
    if quiet and not as_json and (written := _written(result)):
        click.echo("\n".join(map(printable, written)))
    elif as_json:
        text = json.dumps({"schema": 1, "command": command, **result}, ensure_ascii=False, indent=2)
        # JSON is UTF-8, whatever the encoding of the console
        click.echo(_UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode())
    elif sys.stdout.isatty():
        # https://no-color.org: the presence of the variable turns color off, whatever its value.
        color = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        click.echo(as_text(tables(result), shutil.get_terminal_size().columns, color), nl=False)
    else:
        # In a pipe, rich cuts cells at 80 columns; tab-separated lines are complete and easy to parse.
        click.echo(as_tsv(tables(result)), nl=False)


def show_next(command: str, progress: Progress) -> None:
    """Print a command to go on with below a result, as hints print theirs; nothing with ``--quiet``."""
    if not isinstance(progress, Quiet):
        click.echo(f"next:\n       {in_message(command)}", err=True)


def _written(result: Mapping[str, Any]) -> list[str]:
    """The files and folders that the command has written."""
    parameters = click.get_current_context().params
    if parameters.get("dry_run"):
        return []
    # `features` has a default that depends on its arguments, and `card` writes into its argument.
    is_output = parameters.get("dataset") or "sections" in result
    out = parameters.get("out") or (result.get("output") if is_output else None)
    paths = [out, parameters.get("plot"), parameters.get("page"), result.get("coordinates")]
    return [str(path) for path in paths if path is not None]


def output_path(name: str | None, force: bool, flag: str) -> Path | None:
    """The path of a plot, or with ``--html`` of a page, checked before long work.

    Raises `UsageError` for another suffix.
    """
    if name is None:
        return None
    path = Path(name)
    suffixes, expected = (PAGES, "a page is .html") if flag == "--html" else (PLOTS, "a plot is .png or .svg")
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{flag}: {name}: {expected}", hint=f"{flag} {shlex.quote(str(path.with_suffix(suffixes[0])))}"
        )
    files.check_output(path, force=force, inputs=_named_inputs(), kind="file")
    return path


def _named_inputs() -> list[Path]:
    """What the command line names, but its outputs: `--force` replaces none of these."""
    context = click.get_current_context(silent=True)
    parameters = context.params.items() if context else ()
    values = [value for name, value in parameters if name not in ("plot", "page", "out")]
    flat = [item for value in values for item in (value if isinstance(value, tuple) else (value,))]
    return [Path(item) for item in flat if isinstance(item, str) and item]


def format_of(path: Path) -> str:
    """The format of a plot, ``png`` or ``svg``."""
    return path.suffix.lstrip(".").lower()


def write_plot(path: Path, labels: Sequence[str], plot: bytes, force: bool, progress: Progress) -> None:
    """Write a plot; report those of its labels for which no font has the characters."""
    if (note := fonts.note_of_missing(labels)) is not None:
        progress.say(f"{path}: {note}")
    write(path, plot, force, progress)


def write_page(
    path: Path,
    title: str,
    parts: Sequence[html.Part],
    headlines: Sequence[Headline],
    about: Mapping[str, str],
    inputs: Sequence[Path],
    force: bool,
    progress: Progress,
) -> None:
    """Write a page that names what was read, with its hashes, and the version of tokkit.

    The same command, data and versions give the same bytes. Its date is therefore not that of the run: it is
    ``SOURCE_DATE_EPOCH`` (seconds, https://reproducible-builds.org) where the environment has it; else a
    browser displays when the file was saved.
    """
    facts = [*about.items(), *files.input_facts(inputs), ("tokkit", files.versions()["tokkit"])]
    write(path, html.page(title, parts, headlines, facts, files.source_date()), force, progress)


def write(path: Path, data: bytes, force: bool, progress: Progress) -> None:
    """Write a file atomically and report its path."""
    files.write_file(path, data, force=force)
    progress.say(f"wrote {path}")
