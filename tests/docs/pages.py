"""Pages of the documentation: their blocks, and a folder in which each page's blocks run in order.

    ```sh            runs in bash, on a terminal 96 columns wide
    ```python        runs in one interpreter per page, so that later blocks see earlier names
    ```text          directly after one of them: what it prints on standard output
    ```console       displayed, not run: for what needs other machines or another system

Comments of a page direct the run:

    <!-- run: after how-to/a.md -->   begins in a copy of the folder that docs/how-to/a.md leaves
    <!-- run: first COMMAND -->       runs before the first block, and is not displayed
    <!-- run: long -->                from here on, blocks run only with `-m long`
    <!-- run: always -->              from here on, blocks run in every test run again
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from tests.terminal import on_a_terminal, without_escapes
from tokkit.cli.main import tokkit

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMMANDS = DOCS / "commands"
SCRIPTS = Path(sys.executable).parent
WIDTH = 96
_BLOCK = re.compile(
    r"^```(?P<language>sh|python)\n(?P<code>.*?)^```$(?:\n\n^```text\n(?P<output>.*?)^```$)?", re.M | re.S
)
_AFTER = re.compile(r"^<!-- run: after (\S+) -->$", re.M)
_FIRST = re.compile(r"^<!-- run: first (.*) -->$", re.M)
_LONG, _ALWAYS = "<!-- run: long -->", "<!-- run: always -->"
_INTERPRETER = """
import contextlib, io, json, sys
names = {"__name__": "__main__"}
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(json.loads(line), "<block>", "exec"), names)
    print(json.dumps(output.getvalue()), flush=True)
"""


@dataclass(frozen=True)
class Block:
    """One ``sh`` or ``python`` block of a page.

    output  what the page says that it prints; None where it says nothing
    span    where the text of ``output`` begins and ends in the page
    long    whether it trains models, so that it runs only with ``-m long``
    """

    language: str
    code: str
    output: str | None
    span: tuple[int, int]
    long: bool

    @property
    def sets_up(self) -> bool:
        """Whether it installs tokkit, which a test of its own does."""
        return "pip install" in self.code


def pages() -> list[Path]:
    """README, its translation and every page of ``docs/`` except the generated reference of commands."""
    written = sorted(path for path in DOCS.rglob("*.md") if COMMANDS not in path.parents)
    return [ROOT / "README.md", ROOT / "README.ko.md", *written]


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that run, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            language=match["language"],
            code=match["code"],
            output=match["output"],
            span=match.span("output"),
            long=text.rfind(_LONG, 0, match.start()) > text.rfind(_ALWAYS, 0, match.start()),
        )
        for match in _BLOCK.finditer(text)
    ]


def first_block(page: Path, word: str) -> str:
    """The code of the first ``sh`` block that holds a word, as `.ci/run` finds it."""
    return next(block.code for block in blocks(page) if block.language == "sh" and word in block.code)


def previous(page: Path) -> Path | None:
    """The page whose folder this page continues."""
    match = _AFTER.search(page.read_text("utf-8"))
    return DOCS / match[1] if match else None


class Runs:
    """Runs pages, each at most once, below one folder."""

    def __init__(self, folder: Path, *, long: bool, scripts: Path = SCRIPTS) -> None:
        """``scripts``: the folder of the script ``tokkit`` that shells run."""
        self._folder = folder
        self._long = long
        self._environment = environment(scripts)
        self._outputs: dict[Path, list[tuple[Block, str]]] = {}

    def outputs(self, page: Path) -> list[tuple[Block, str]]:
        """Every block of a page that runs, and what it printed. Raises RuntimeError where one fails."""
        if page not in self._outputs:
            folder = self._folder_of(page)
            before = previous(page)
            if before:
                self.outputs(before)
                shutil.copytree(self._folder_of(before), folder)
            else:
                folder.mkdir()
            for command in _FIRST.findall(page.read_text("utf-8")):
                _run_shell(command, folder, self._environment)
            self._outputs[page] = list(self._run(page, folder))
        return self._outputs[page]

    def _folder_of(self, page: Path) -> Path:
        return self._folder / page_name(page).replace("/", "-")

    def _run(self, page: Path, folder: Path) -> Iterator[tuple[Block, str]]:
        interpreter = None
        try:
            for block in blocks(page):
                if block.sets_up or (block.long and not self._long):
                    continue
                if block.language == "python":
                    interpreter = interpreter or _interpreter(folder, self._environment)
                    yield block, _run_python(interpreter, block.code)
                else:
                    yield block, _run_shell(block.code, folder, self._environment)
        finally:
            if interpreter:
                interpreter.kill()
                interpreter.wait()


def environment(scripts: Path = SCRIPTS) -> dict[str, str]:
    return {
        "NO_COLOR": "1",
        "PATH": os.pathsep.join(map(str, dict.fromkeys([scripts, SCRIPTS, os.environ["PATH"]]))),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "HF_HUB_OFFLINE": "1",
    }


def _run_shell(code: str, folder: Path, environment: Mapping[str, str]) -> str:
    with tempfile.TemporaryFile() as errors:
        command = ["bash", "-euo", "pipefail", "-c", code]
        status, printed = on_a_terminal(command, folder, WIDTH, environment, errors.fileno())
        errors.seek(0)
        if status:
            raise RuntimeError(f"exit code {status} of:\n{code}\n{printed}\n{errors.read().decode()}")
    return _trimmed(printed)


def _interpreter(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _INTERPRETER],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _run_python(interpreter: subprocess.Popen[str], code: str) -> str:
    assert interpreter.stdin is not None
    assert interpreter.stdout is not None
    interpreter.stdin.write(json.dumps(code) + "\n")
    interpreter.stdin.flush()
    answer = interpreter.stdout.readline()
    if not answer:
        raise RuntimeError(f"exit code {interpreter.wait()} of:\n{code}")
    return _trimmed(json.loads(answer))


def _trimmed(printed: str) -> str:
    # Where colorama is installed, Numba loads it, and it resets the terminal's color at exit.
    lines = without_escapes(printed).strip("\n").split("\n")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def reference() -> dict[Path, str]:
    """The pages of `docs/commands`: the ``--help`` of every command, and an index in its sections."""
    names = tokkit.context_settings["help_option_names"]
    context = click.Context(tokkit, info_name="tokkit", terminal_width=100, help_option_names=names)
    written = {COMMANDS / "index.md": f"# Commands\n\n{_INTRODUCTION}\n{_index(tokkit.get_help(context))}"}
    for name in tokkit.list_commands(context):
        command = tokkit.get_command(context, name)
        assert command is not None
        own = click.Context(command, info_name=name, parent=context, terminal_width=100)
        written[COMMANDS / f"{name}.md"] = f"# tokkit {name}\n\n```text\n{command.get_help(own)}\n```\n"
    return written


_INTRODUCTION = """Each command is also a function of the package: `tokkit train-bpe` is `tokkit.train_bpe`.
These pages are the output of `--help`; `python -m tests.docs.regenerate` writes them.
"""


def _index(group_help: str) -> str:
    """The commands of the group's ``--help``, section by section, as tables with links."""
    lines = []
    section = ""
    for line in group_help.splitlines():
        heading = re.fullmatch(r"(\S.*):", line)
        command = re.match(r"  ([a-z][a-z-]+)  +(\S.*)", line)
        if heading:
            section = heading[1]
        elif command and section not in ("", "Options"):
            if f"## {section}" not in lines:
                lines += ["", f"## {section}", "", "| command | what it does |", "|---|---|"]
            lines.append(f"| [{command[1]}]({command[1]}.md) | {command[2]} |")
    return "\n".join(lines) + "\n"
