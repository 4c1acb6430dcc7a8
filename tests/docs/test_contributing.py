"""The recipes of CONTRIBUTING.md, followed literally on a copy of the package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
_CODE = r"\n\n```python\n(?P<{}>.*?)```"
_STEP = re.compile(
    r"(?:In|(?P<made>New file)) `(?P<file>\S+)`(?:, (?:(?P<where>before|in) `(?P<name>\w+)`:|replace)|:)"
    + _CODE.format("code")
    + r"(?:\n\nby"
    + _CODE.format("new")
    + ")?",
    re.DOTALL,
)


def follow(step: re.Match[str], package: Path) -> None:
    """Make the change of one step in the copy."""
    path = package / step["file"]
    if step["made"]:
        path.write_text(step["code"], encoding="utf-8")
        return
    source = path.read_text("utf-8")
    code = step["code"]
    if step["where"] == "before":
        [definition] = re.findall(rf"^(?:# .*\n)*{step['name']}\b.*$", source, re.MULTILINE)
        changed = source.replace(definition, f"{code}\n\n{definition}")
    elif step["where"] == "in":
        [opening] = re.findall(rf"^{step['name']}\b.*[{{(\[]\n", source, re.MULTILINE)
        changed = source.replace(opening, opening + code)
    else:
        assert source.count(code) == 1, code
        changed = source.replace(code, step["new"])
    assert changed != source
    path.write_text(changed, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "tokkit", folder / "tokkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "corpora", folder / "corpora")
    steps = list(_STEP.finditer(TEXT))
    for step in steps:
        follow(step, folder)
    return folder


def tokkit(copy: Path, *arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tokkit", *arguments, "-q", "--json"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_recipe_has_steps():
    recipes = TEXT.split("## How to add ...")[1].split("\n## ")[0].split("\n### ")[1:]
    assert [recipe.split("\n")[0] for recipe in recipes] == [
        f"... a {what}" for what in ("block", "head", "loss", "sampler", "format")
    ]
    for recipe in recipes:
        assert _STEP.search(recipe), recipe


def test_the_code_of_the_recipes_is_formatted(copy):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "format",
            "--check",
            "--config",
            ROOT / "pyproject.toml",
            copy / "tokkit",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_block_is_listed_with_its_example(copy):
    [block] = tokkit(copy, "blocks", "hyphens")["blocks"]
    assert block["kind"] == "pre_tokenizer"
    assert block["example"]["result"] == ["state", "of", "the", "art"]


@pytest.mark.long
def test_the_head_and_the_loss_train(copy):
    tokkit(copy, "train-wordpiece", "corpora/english.txt", "--vocab-size", "500")
    arguments = ("--head", "ends", "--loss", "poly", "--sample", "80", "--epochs", "1", "--baseline", "none")
    result = tokkit(copy, "finetune", "corpora/emotions.txt", "--tokenizer", "out", *arguments)
    assert 0 < result["metrics"]["loss"] < 10


def test_the_sampler_keeps_rows(copy):
    arguments = ("--strategy", "neighborhood-cleaning", "--sample", "2000", "-o", "balanced.txt")
    result = tokkit(copy, "rebalance", "corpora/emotions.txt", *arguments)
    assert sum(result["after"].values()) < sum(result["before"].values())


def test_the_format_is_read(copy):
    (copy / "questions.trec").write_text("HUM:ind Who wrote it?\n\nNUM:date When?\n", encoding="utf-8")
    train = tokkit(copy, "stats", "questions.trec")["splits"]["train"]
    assert train["classes"] == {"HUM:ind": 1, "NUM:date": 1}
    assert train["lengths"]["words"]["total"] == 4
