"""Keeps the README true: ``python -m tests.readme`` writes its command reference and its outputs anew.

Between ``<!-- tour -->`` and ``<!-- /tour -->`` every ``sh`` block is a step, run in one folder on a
terminal 96 columns wide; the ``text`` block after it holds what it prints on standard output. Between
``<!-- reference -->`` and ``<!-- /reference -->`` stands the ``--help`` of every command.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from tests.terminal import on_a_terminal

README = Path(__file__).parents[1] / "README.md"
WIDTH = 96
_STEP = re.compile(r"```sh\n(?P<commands>.*?)```\n\n```text\n(?P<output>.*?)```", re.DOTALL)


def section(name: str, text: str) -> str:
    """What stands between the markers of that name."""
    return text.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0]


def steps(text: str) -> list[tuple[str, str]]:
    """(commands, output) of every step of the tour."""
    return [(match["commands"], match["output"]) for match in _STEP.finditer(section("tour", text))]


def run_step(commands: str, folder: Path) -> str:
    """What the commands print; raises where one fails."""
    scripts = Path(sys.executable).parent
    environment = {
        "NO_COLOR": "1",
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HF_HUB_OFFLINE": "1",
    }
    with tempfile.TemporaryFile() as errors:
        code, shown = on_a_terminal(
            ["bash", "-euo", "pipefail", "-c", commands], folder, WIDTH, environment, errors.fileno()
        )
        errors.seek(0)
        if code:
            raise RuntimeError(f"exit code {code} of:\n{commands}\n{errors.read().decode()}")
    return "\n".join(line.rstrip() for line in shown.strip("\n").split("\n")) + "\n"


def reference() -> str:
    """The `--help` of every command, as Markdown."""
    import click

    from tokkit.cli.main import tokkit

    names = tokkit.context_settings["help_option_names"]
    context = click.Context(tokkit, info_name="tokkit", terminal_width=100, help_option_names=names)
    parts = []
    for name in tokkit.list_commands(context):
        command = tokkit.get_command(context, name)
        assert command is not None
        own = click.Context(command, info_name=name, parent=context, terminal_width=100)
        parts.append(f"### tokkit {name}\n\n```text\n{command.get_help(own)}\n```\n")
    return "\n".join(parts)


def rewrite() -> None:
    """Runs the tour and writes outputs and reference into the README."""
    text = README.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for commands, output in steps(text):
            sys.stderr.write(commands)
            made = run_step(commands, Path(folder))
            text = text.replace(
                f"```sh\n{commands}```\n\n```text\n{output}```", f"```sh\n{commands}```\n\n```text\n{made}```"
            )
    before, after = text.split("<!-- reference -->\n")[0], text.split("<!-- /reference -->")[1]
    text = f"{before}<!-- reference -->\n\n{reference()}\n<!-- /reference -->{after}"
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
