"""The README against the product: its commands run and print what it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readme import README, reference, run_step, section, steps

ROOT = README.parent
TEXT = README.read_text("utf-8")
TRAINED = ("finetune", "evaluate", "predict")
"""Steps whose figures depend on the machine: other threads sum in another order."""


def without_times(shown: str) -> str:
    """Without the figures of the run itself: seconds, and the table of stages but for their names."""
    shown = re.sub(r"^ *time .*$", "time", shown, flags=re.MULTILINE)
    table = r"(?<=Where it went\n\n).*?\n\n"
    return re.sub(table, lambda found: _first_column(found[0]), shown, flags=re.DOTALL)


def _first_column(table: str) -> str:
    return "\n".join(re.split(r"  +", line.strip())[0].strip("─ ") for line in table.splitlines()) + "\n"


def test_the_reference_is_what_help_says():
    assert section("reference", TEXT).strip() == reference().strip(), "run: python -m tests.readme"


def test_the_tour_prints_what_the_readme_shows(tmp_path):
    for commands, output in steps(TEXT):
        if any(f"tokkit {name}" in commands for name in TRAINED):
            break
        assert without_times(run_step(commands, tmp_path)) == without_times(output), commands


@pytest.mark.long
def test_the_whole_tour_and_the_python_example_run(tmp_path):
    shown = [run_step(commands, tmp_path) for commands, _ in steps(TEXT)]
    assert [len(text.splitlines()) for text in shown] == [len(o.splitlines()) for _, o in steps(TEXT)]
    [example] = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    (tmp_path / "python").mkdir()
    for corpus in tmp_path.glob("*.txt"):
        (tmp_path / "python" / corpus.name).write_bytes(corpus.read_bytes())
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path / "python", check=True)


def set_up_blocks(word: str) -> str:
    """The first ``sh`` block that holds a word."""
    return next(block for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL) if word in block)


@pytest.mark.parametrize("word", ["tokkit demo", "pytest"])
def test_the_set_up_commands_use_venv_and_pip_alone(word):
    block = set_up_blocks(word)
    assert "python3 -m venv" in block
    assert "pip install -q -c constraints.txt" in block
    assert not re.search(r"^\s*\$", block, flags=re.MULTILINE)
    assert "//" not in block, "no address"


def test_constraints_pin_everything_and_name_no_address():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert "torch==2.13.0" in lines


def test_the_corpora_are_what_their_generator_writes():
    done = subprocess.run([sys.executable, "corpora/generate.py", "--check"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_the_wheel_holds_the_corpora():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    from tokkit.cli.demo import CORPORA

    for name in CORPORA:
        assert included[f"corpora/{name}"] == f"tokkit/_corpora/{name}"
        assert (Path(ROOT) / "corpora" / name).exists()
