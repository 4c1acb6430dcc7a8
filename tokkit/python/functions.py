"""What `tokkit.NAME` is: the function of that name, open to data in memory and to completion.

>>> inspect.signature(tokkit.stats).parameters["label_column"]
<Parameter "label_column: 'str | None' = None">
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from tokkit.errors import TokkitError
from tokkit.options import Options
from tokkit.python.in_memory import as_path
from tokkit.python.results import with_display
from tokkit.sources.paths import displayed, remove_spooled, without_spool
from tokkit.views.notebook_bar import NotebookBar

# arguments that are rows or texts
DATA = ("dataset", "source", "data", "on", "validation_data", "corpus")


def public(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as users call it.

    Arguments in `DATA` may be in memory (`as_path`); the options of its groups are keywords of the signature;
    in a notebook, progress is displayed unless another one is given.
    """
    signature = explicit_signature(function)
    names = list(signature.parameters)

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        given = {**dict(zip(names, arguments, strict=False)), **keywords}
        try:
            values = {name: _as_read(function, name, value) for name, value in given.items()}
            if "progress" in names and "progress" not in values and in_notebook():
                values["progress"] = NotebookBar(displayed)
            result = function(*arguments[len(names) :], **values)
            in_memory = any(values[name] is not value for name, value in given.items())
            return with_display(function.__name__, _renamed(result) if in_memory else result)
        except TokkitError as error:
            error.message, error.hint = displayed(error.message), displayed(error.hint or "") or None
            if error.hint:
                error.add_note(f"hint: {error.hint}")
            raise
        finally:
            remove_spooled()

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _as_read(function: Callable[..., Any], name: str, value: Any) -> Any:
    """The value of an argument; a path, where it is data in memory."""
    # of `predict` alone, strings in a list are texts anyway, and rows may be as well
    if name == "texts" and (function.__name__ != "predict" or isinstance(value, list | tuple)):
        return value
    return as_path(name, value) if name in (*DATA, "texts") else value


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


def in_notebook() -> bool:
    """Whether a kernel of Jupyter runs the code."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def _renamed(value: Any) -> Any:
    """A result that names data in memory by their argument, and not by the temporary file."""
    if isinstance(value, str):
        return without_spool(value)
    if isinstance(value, Mapping):
        return {key: _renamed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_renamed, value))
    if is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            object.__setattr__(value, item.name, _renamed(getattr(value, item.name)))
    return value
