"""The rules of the house: imports, circles, light paths, words, docstrings and comments of `tokkit/`.

Each rule is computed from the source, without a list of modules, and holds in every room.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

import tokkit

PACKAGE = Path(tokkit.__file__).parent
ROOMS = [
    *(
        "cli",
        "python",
        "hub",
        "review",
        "model",
        "inspection",
        "data",
        "tokenizer",
        "corpus",
        "sources",
        "runtime",
        "views",
    ),
    *("files", "progress", "options", "errors"),
]
"""Every room may import those after it."""

HEAVY = {"torch", "transformers", "datasets", "numba", "polars", "sklearn", "imblearn", "matplotlib"}
NOT_FOR_HELP = HEAVY | {"numpy", "tokenizers", "rich"}

WORDS = ("told", "asked", "drawn", "stands", "beside", "mended", "shown")
MOST_WORDS = 60
SAY_INSTEAD = {
    "told": "summary, message, metadata, record",
    "asked": "requested, request, options",
    "wish": "request",
    "drawn": "sampled, initialized",
    "made": "what it is: written, created",
    "held": "what it is: columns, values",
    "taken": "what it is: used_names, records",
    "found": "matches, result",
    "each": "the thing: rule, row, field",
    "mine": "worker_rows, own",
    "few": "what they are",
    "shown": "displayed, visible",
    "remembered": "cached, receipt",
    "feeding": "batches",
    "gathered": "collected, aggregated",
    "gathering": "aggregation",
    "together": "grouping, joined",
    "spread": "std, allocation",
    "kept": "kept_rows, retained",
    "mend": "repair",
    "mended": "repaired",
    "forget": "reset",
    "seen": "totals, visited",
    "fitted": "the result type",
    "answers": "predictions, logits",
    "place": "index, position",
    "places": "indices, positions",
    "worked": "a verb for what it does",
    "ready": "ensure_compiled, prepared",
    "told_in": "read_message",
    "spec": "options",
    "reading": "read_options",
}
"""Identifier, without leading underscores and case -> what to say instead."""


@dataclass(frozen=True)
class Module:
    """One source file of the package: its dotted name, room, text and syntax tree."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        parts = self.path.relative_to(PACKAGE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def room(self) -> str:
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [
            node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]


FILES = [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]
BY_NAME = {module.name: module for module in FILES}


def imports(tree: ast.AST, *, of_types: bool = True) -> Iterator[str]:
    """The full name of everything that a tree imports, also inside functions.

    of_types   also what is imported under ``if TYPE_CHECKING``
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not of_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from imports(node, of_types=of_types)


def module_of(name: str) -> Module | None:
    """The module of the package that an imported name is, or is in."""
    return BY_NAME.get(name) or BY_NAME.get(name.rpartition(".")[0])


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The sets of names that reach each other."""
    reach = {name: set(targets) for name, targets in graph.items()}
    for via in list(graph):
        for targets in reach.values():
            if via in targets:
                targets |= reach[via]
    rings = {frozenset(other for other in reach[name] if name in reach.get(other, ())) for name in graph}
    return sorted(sorted(ring) for ring in rings if len(ring) > 1)


@pytest.mark.parametrize("module", FILES, ids=lambda module: module.name)
def test_imports_point_one_way(module):
    order = {room: position for position, room in enumerate(ROOMS)}
    inside = {name for function in module.functions for name in imports(function)}
    at_run_time = set(imports(module.tree, of_types=False))
    for name in imports(module.tree):
        top, *rest = name.split(".")
        if top == "click":
            assert module.room == "cli", "only cli imports click"
        if top in ("rich", "matplotlib"):
            assert module.room == "views", f"only views imports {top}"
            assert name in inside or name not in at_run_time, f"{top} is imported inside functions"
        if top == "tokkit" and rest and module.room in order and rest[0] in order:
            assert order[rest[0]] >= order[module.room], f"{module.room} must not import {rest[0]}"


@pytest.mark.parametrize("room", sorted({module.room for module in FILES} - {"__init__", "__main__"}))
def test_no_circle_between_files_or_packages(room):
    """The loose files of a room count as its package. Between rooms, imports point one way anyhow."""
    files: dict[str, set[str]] = defaultdict(set)
    packages: dict[str, set[str]] = defaultdict(set)
    for module in FILES:
        if module.room != room:
            continue
        for target in map(module_of, imports(module.tree, of_types=False)):
            if target is not None and target.room == room and target.name != module.name:
                files[module.name].add(target.name)
                if target.package != module.package:
                    packages[module.package].add(target.package)
    assert circles(files) == []
    assert circles(packages) == []


@pytest.mark.parametrize("module", FILES, ids=lambda module: module.name)
def test_every_module_says_what_it_is(module):
    assert ast.get_docstring(module.tree)


_LOADED = """
import sys

def loaded():
    print("loaded", *{name.partition(".")[0] for name in sys.modules})
"""


def loaded_by(script: str, *arguments: str, cwd: Path | None = None) -> list[set[str]]:
    """The top-level packages in the ``loaded`` lines that a script prints in a process of its own."""
    command = [sys.executable, "-c", _LOADED + script, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [set(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("loaded ")]


def test_help_loads_nothing_heavy():
    """`tokkit`, `tokkit --help`, then the help of one command after another, in one process."""
    from tokkit.cli.main import COMMANDS

    script = """
from tokkit.cli.main import run
for command in sys.argv[1:]:
    assert run(command.split()) in (0, 2), command
    loaded()
"""
    pages = ["--help", "", *(f"{name} --help" for name in COMMANDS)]
    heavy = [loaded & NOT_FOR_HELP for loaded in loaded_by(script, *pages)]
    assert heavy[:2] == [set(), set()]
    assert {page: loaded for page, loaded in zip(pages, heavy, strict=True) if loaded} == {}


def test_training_on_text_loads_only_what_it_needs(tmp_path):
    (tmp_path / "corpus.txt").write_text("the cat sat on the mat\n" * 20, "utf-8")
    script = """
from tokkit.cli.main import run
assert run("train-wordpiece corpus.txt -q --vocab-size 40".split()) == 0
loaded()
"""
    (loaded,) = loaded_by(script, cwd=tmp_path)
    assert loaded.isdisjoint(HEAVY - {"numba"})


def test_importing_tokkit_is_light_and_every_public_name_is_there():
    assert loaded_by("import tokkit\nloaded()")[0].isdisjoint(NOT_FOR_HELP)
    for name in tokkit.__all__:
        assert getattr(tokkit, name).__doc__, name


def test_imports_are_at_the_top_of_modules():
    """Outside cli, where the body of a command imports its worker, at most 3 % of the functions import."""
    functions = [function for module in FILES if module.room != "cli" for function in module.functions]
    importing = [function.name for function in functions if any(True for _ in imports(function))]
    assert len(importing) <= 0.03 * len(functions), importing


def identifiers(module: Module) -> Iterator[tuple[int, str]]:
    """Line and name of every module, function, class, argument, variable and attribute it defines."""
    yield 1, module.path.stem
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


@pytest.mark.parametrize("room", sorted({module.room for module in FILES}))
def test_identifiers_say_what_the_thing_is(room):
    vague = [
        f"{module.name}:{line} {name}: say {SAY_INSTEAD[word]}"
        for module in FILES
        if module.room == room
        for line, name in sorted(set(identifiers(module)))
        if (word := name.strip("_").lower()) in SAY_INSTEAD
    ]
    assert vague == []


def test_words_of_a_private_language_are_rare():
    counts = Counter({m.name: len(re.findall(rf"\b({'|'.join(WORDS)})\b", m.text)) for m in FILES})
    assert counts.total() <= MOST_WORDS, counts.most_common(20)


@pytest.mark.parametrize("room", sorted({module.room for module in FILES if module.room in ROOMS[:12]}))
def test_comments_say_why(room):
    """At least 20 lines of comment, on lines of their own, in 1,000 lines of every room."""
    lines = comments = 0
    for module in FILES:
        if module.room == room:
            lines += module.text.count("\n")
            for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
                comments += token.type == tokenize.COMMENT and token.line.lstrip().startswith("#")
    assert comments >= 0.02 * lines, f"{comments} in {lines} lines"


def test_names_of_kernel_modules_are_those_of_files():
    """`say_if_compiling` and `is_compiled` take the end of a module's name, which no import checks."""
    there = {module.path.stem for module in FILES}
    named = {name for module in FILES for name in re.findall(r'"(\w+_kernels)"', module.text)}
    assert len(named) > 5
    assert named <= there


def test_nothing_installs_another_package_of_our_name():
    """`tokkit` on the package index is another package; ours is tokkit-nlp."""
    root = PACKAGE.parent
    wrong = re.compile(r"(?:pip|uv|pipx)3?\s+(?:\w+\s+)?install\s+(?:-\S+\s+)*['\"]?tokkit(?!-nlp)")
    texts = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob(".github/**/*.yml")]
    texts += [module.path for module in FILES]
    assert [str(path) for path in texts if wrong.search(path.read_text("utf-8"))] == []
