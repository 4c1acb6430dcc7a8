"""`tokkit demo`: the whole road on the corpora that come with tokkit, every command printed and run."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from tokkit import files
from tokkit.cli.options import output_option
from tokkit.errors import TokkitError
from tokkit.sources.corpora import corpora_path

CORPORA = ("english.txt", "korean.txt", "emotions.txt")

ROAD: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Train a tokenizer on English and Korean prose and on the sentences to be classified.",
        (
            *("train-wordpiece", "english.txt", "korean.txt", "emotions.txt", "-o", "out/"),
            *("--recipe", "korean", "--vocab-size", "4000"),
        ),
    ),
    (
        "Look at the labelled sentences as that tokenizer sees them.",
        ("stats", "emotions.txt", "--tokenizer", "out/", "--plot", "emotions.png"),
    ),
    (
        "Split them: every feeling in every split, no sentence in two.",
        ("split", "emotions.txt", "-o", "split/"),
    ),
    (
        "Raise the rare feelings in the training split, and cut the frequent ones.",
        ("rebalance", "split/", "-o", "balanced/", "--max-per-class", "1500", "--min-per-class", "600"),
    ),
    (
        "Train a small encoder from scratch for that tokenizer.",
        ("finetune", "balanced/", "--tokenizer", "out/", "-o", "model/", "--epochs", "6"),
    ),
    (
        "Score it on sentences it has never seen.",
        ("evaluate", "model/", "split/test.txt", "-o", "evaluation/"),
    ),
    (
        "Ask it.",
        (
            *("predict", "model/", "i expected to feel glad but in the end i felt lonely"),
            *("i expected to feel lonely but in the end i felt glad", "내 마음에는 절망이 가득했다."),
        ),
    ),
)
"""What each step does, and its command."""


@click.command(
    "demo", short_help="The whole road, in about a minute.", epilog="Example: tokkit demo -o tokkit-demo/"
)
@output_option("tokkit-demo/", "Folder to work in.")
def demo_command(out: str, force: bool) -> None:
    """The whole road on the corpora that come with tokkit, in about a minute."""
    demo(out, force=force)


def demo(out: str | Path = "tokkit-demo", *, force: bool = False) -> None:
    """Runs every command of the road in the folder ``out``, printing each, so that it can be repeated.

    Raises `OutputError` where ``out`` exists, and what the commands raise.
    """
    from tokkit.cli.main import tokkit

    started = time.monotonic()
    corpora = corpora_path()
    with files.folder(Path(out), force=force) as staging:
        _show(
            "A folder to work in, with the corpora.",
            f"mkdir {shlex.quote(str(out))}; cd {shlex.quote(str(out))}",
        )
        sources = [corpora / name for name in CORPORA]
        click.echo(f"$ cp {' '.join(shlex.quote(str(path)) for path in sources)} .")
        for path in sources:
            shutil.copyfile(path, staging / path.name)
        with contextlib.chdir(staging):
            for what, command in ROAD:
                _show(what, shlex.join(("tokkit", *command)))
                sys.stdout.flush()
                with _command_line(["tokkit", *command]):
                    found = tokkit.main(args=list(command), prog_name="tokkit", standalone_mode=False)
                if found:
                    raise TokkitError(f"the step found something wrong: tokkit {shlex.join(command)}")
        files.write_receipt(
            staging,
            command="demo",
            settings={},
            inputs=sources,
            result={"commands": [shlex.join(("tokkit", *command)) for _, command in ROAD]},
            run={"seconds": round(time.monotonic() - started, 1)},
        )
    click.echo(f"\nDone in {time.monotonic() - started:.0f} s. Everything stands in {out}")


@contextlib.contextmanager
def _command_line(words: list[str]) -> Iterator[None]:
    """Receipts written inside name this command line, the one a person would type."""
    own, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = own


def _show(what: str, command: str) -> None:
    click.echo(f"\n{click.style(what, bold=True)}\n$ {command}")
