"""The set-up commands of the README, and what they install."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.docs.pages import ROOT, first_block
from tokkit.cli.demo import CORPORA

README = ROOT / "README.md"
KOREAN = ROOT / "README.ko.md"


def git_files() -> list[str]:
    return subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")[:-1]


@pytest.mark.parametrize("word", ["tokkit demo", "pytest"])
@pytest.mark.parametrize("page", [README, KOREAN], ids=["English", "Korean"])
def test_the_set_up_commands_use_venv_and_pip_alone(page, word):
    block = first_block(page, word)
    assert "python3 -m venv" in block
    assert "pip install -q -c constraints.txt" in block
    assert not re.search(r"^\s*\$", block, flags=re.MULTILINE)
    assert "//" not in block, "no address"


def test_the_set_up_commands_are_the_same_in_both_languages():
    for word in ("tokkit demo", "pytest"):
        assert first_block(README, word) == first_block(KOREAN, word)


def test_the_checks_are_those_of_every_change():
    block = first_block(README, "pytest")
    for check in ("ruff check .", "ruff format --check .", "mypy", "pytest -n 2 --dist loadfile"):
        assert check in block


@pytest.mark.parametrize(("page", "most"), [(README, 9 * 1024), (KOREAN, 12 * 1024)])
def test_a_front_page_is_short(page, most):
    assert page.stat().st_size <= most


@pytest.mark.long
def test_the_demo_block_runs_in_a_fresh_checkout(tmp_path):
    probe = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path), "hatchling"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no package index can be reached")
    checkout = tmp_path / "checkout"
    for name in git_files():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", first_block(README, "tokkit demo")], cwd=checkout, check=True
    )
    assert (checkout / "tokkit-demo" / "evaluation" / "tokkit.json").exists()


def test_constraints_pin_everything_and_name_no_address():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert lines == sorted(lines, key=lambda line: line.split("==")[0].lower())
    pinned = {_normalized(line.split("==")[0]) for line in lines}
    for requirement in _requirements():
        assert _normalized(re.split(r"[<>=]", requirement)[0]) in pinned, requirement


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _requirements() -> list[str]:
    project = _project()["project"]
    extras = project["optional-dependencies"].values()
    return [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]


def test_the_next_major_release_of_tokenizers_is_excluded():
    """It comes without trainers and offsets; `-m next` watches it."""
    assert "tokenizers>=0.22,<1" in _requirements()


def test_the_corpora_are_what_their_generator_writes():
    done = subprocess.run([sys.executable, "corpora/generate.py", "--check"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_the_wheel_holds_the_corpora():
    included = _project()["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for name in CORPORA:
        assert included[f"corpora/{name}"] == f"tokkit/_corpora/{name}"
        assert (ROOT / "corpora" / name).exists()
