"""`tokkit demo`: run every step on the corpora included in tokkit, and print each command."""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tokkit import files
from tokkit.cli.options import command, output_option, quiet_option
from tokkit.errors import TokkitError
from tokkit.sources.corpora import corpora_path

CORPORA = ("english.txt", "korean.txt", "emotions.txt")

# What each step does, and its command.
STEPS = {
    "Train a tokenizer on English and Korean prose and on the sentences to classify.": (
        "tokkit train-wordpiece english.txt korean.txt emotions.txt -o out/ --recipe korean --vocab-size 4000"
    ),
    "Inspect the labeled sentences in tokens of that tokenizer.": (
        "tokkit stats emotions.txt --tokenizer out/ --plot emotions.png"
    ),
    "Split them: every label in every split, no sentence in two.": "tokkit split emotions.txt -o split/",
    "Oversample the rare labels of the training split, and undersample the frequent ones.": (
        "tokkit rebalance split/ -o balanced/ --max-per-class 1500 --min-per-class 600"
    ),
    "Train a small encoder from scratch for that tokenizer.": (
        "tokkit finetune balanced/ --tokenizer out/ -o model/ --epochs 6"
    ),
    "Evaluate it on the test split.": "tokkit evaluate model/ split/test.txt -o evaluation/",
    "Predict labels of new texts.": (
        "tokkit predict model/ 'i expected to feel glad but in the end i felt lonely' "
        "'i expected to feel lonely but in the end i felt glad' '내 마음에는 절망이 가득했다.'"
    ),
}


@command("demo", "-o tokkit-demo/")
@output_option("tokkit-demo/", "Folder to work in.")
@quiet_option
def demo_command(out: str, force: bool, quiet: bool) -> None:
    """Run every step on the corpora included in tokkit, and print how long it took."""
    if not quiet:
        demo(out, force=force)
        return
    with contextlib.redirect_stdout(io.StringIO()):
        demo(out, force=force, flags=["-q"])
    click.echo(out)


def demo(out: str | Path = "tokkit-demo", *, force: bool = False, flags: Sequence[str] = ()) -> None:
    """Run all steps in the folder ``out``, and print each command, so that it can be repeated.

    flags   of every command, which are not printed

    Raises `OutputError` where ``out`` exists, and what the commands raise.
    """
    from tokkit.cli.main import tokkit

    started = time.monotonic()
    corpora = corpora_path()
    with files.folder(Path(out), force=force) as staging:
        folder = shlex.quote(str(out))
        _show("Create a folder with the corpora.", f"mkdir {folder}; cd {folder}")
        sources = [corpora / name for name in CORPORA]
        click.echo(f"$ cp {' '.join(shlex.quote(str(path)) for path in sources)} .")
        for path in sources:
            shutil.copyfile(path, staging / path.name)
        # The commands have relative paths, so that they can be repeated in that folder.
        with contextlib.chdir(staging):
            for what, command in STEPS.items():
                _show(what, command)
                # Commands report progress on standard error: in a log of both streams, unflushed lines of
                # standard output would come after it.
                sys.stdout.flush()
                name, *arguments = shlex.split(command)
                with _command_line([name, *arguments]):
                    code = tokkit.main(args=[*arguments, *flags], prog_name=name, standalone_mode=False)
                if code:
                    raise TokkitError(f"failed: {command}")
        files.write_receipt(
            staging,
            command="demo",
            settings={},
            inputs=sources,
            result={"commands": list(STEPS.values())},
            run={"seconds": round(time.monotonic() - started, 1)},
        )
    click.echo(f"\nDone in {time.monotonic() - started:.0f} s. The results are in {out}")


@contextlib.contextmanager
def _command_line(words: list[str]) -> Iterator[None]:
    """Let the receipts written inside name this command line, the one a person would type."""
    original, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = original


def _show(what: str, command: str) -> None:
    click.echo(f"\n{click.style(what, bold=True)}\n$ {command}")
