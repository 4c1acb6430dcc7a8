"""A rule of `doctor`: what it needs, how grave it is, and the function that looks for problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tokkit.inspection.checks.inputs import Subject

TOKENIZER, MODEL, DATA = "tokenizer", "model", "data"


@dataclass(frozen=True)
class Problem:
    """What a rule finds, and how to fix it; ``severity`` only where it is not that of the rule."""

    message: str
    fix: str
    severity: str | None = None


@dataclass(frozen=True)
class Rule:
    """needs     what must have been named for it to be run: the name of a field of `Subject`
    severity  of its gravest finding
    look      finds what breaks it; its docstring says what is broken then
    """

    name: str
    needs: str
    severity: str
    look: Callable[[Subject], Iterator[Problem]]


def rule(severity: str, needs: str = TOKENIZER) -> Callable[[Callable[[Subject], Iterator[Problem]]], Rule]:
    """Make a rule of the function below, whose name is its id: ``id_holes`` becomes ``id-holes``."""
    return lambda look: Rule(look.__name__.replace("_", "-"), needs, severity, look)
