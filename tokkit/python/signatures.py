"""What a public function takes: its own parameters, and the options of its groups as keywords."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

from tokkit.options import Options


def explicit_signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature with a keyword for every option of its groups in place of ``**settings``."""
    signature = inspect.signature(function)
    parameters = [item for item in signature.parameters.values() if item.kind is not item.VAR_KEYWORD]
    if len(parameters) < len(signature.parameters):
        parameters += [item for group in groups_of(function) for item in _keywords(group)]
    # of two groups with an option of the same name, and of a parameter of that name, the first counts
    first = {item.name: item for item in reversed(parameters)}
    return signature.replace(parameters=[item for item in parameters if first[item.name] is item])


def groups_of(function: Callable[..., Any]) -> list[type[Options]]:
    """The groups of options that a function takes, in the order of its parameters."""
    scope = inspect.unwrap(function).__globals__
    groups = []
    for item in inspect.signature(function, follow_wrapped=True).parameters.values():
        # `CorpusOptions | None` or `feed.CorpusOptions | None`
        module, _, name = str(item.annotation).removesuffix(" | None").rpartition(".")
        kind = getattr(scope.get(module), name, None) if module else scope.get(name)
        if isinstance(kind, type) and issubclass(kind, Options):
            groups.append(kind)
    return groups


def _keywords(group: type[Options]) -> Iterator[inspect.Parameter]:
    for item in fields(group):
        yield inspect.Parameter(
            item.name, inspect.Parameter.KEYWORD_ONLY, default=item.default, annotation=item.type
        )
