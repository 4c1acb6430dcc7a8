"""The house rules: who may import whom, what stays out of `--help`, and what nobody below `cli` does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tokkit

PACKAGE = Path(tokkit.__file__).parent
ROOMS = [
    "cli",
    "model",
    "inspection",
    "data",
    "tokenizer",
    "corpus",
    "sources",
    "runtime",
    "views",
    "files",
    "progress",
]
ORDER = {room: place for place, room in enumerate([*ROOMS, "options", "errors"])}
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "transformers", "datasets", "numba", "polars", "sklearn", "imblearn", "matplotlib")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST):
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    here = room_of(path)
    for name in imports(ast.parse(path.read_text("utf-8"))):
        top, *rest = name.split(".")
        if top == "click":
            assert here == "cli", f"{path}: only cli imports click"
        if top in ("rich", "matplotlib"):
            assert here == "views", f"{path}: only views imports {top}"
        if top == "tokkit" and rest and here in ORDER and rest[0] in ORDER:
            assert ORDER[rest[0]] >= ORDER[here], f"{path}: {here} must not import {rest[0]}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_help_loads_nothing_heavy():
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tokkit", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in found.stderr.splitlines()}
    assert loaded.isdisjoint({*HEAVY, "tokenizers", "numpy", "rich"})
    assert "train-wordpiece" in found.stdout


def test_every_public_name_is_there_and_importing_tokkit_is_light():
    script = f"import sys, tokkit; print([m for m in sys.modules if m in {HEAVY}])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"
    for name in tokkit.__all__:
        assert getattr(tokkit, name).__doc__, name
