"""What `tokkit.NAME` is: the function of that name, open to data in memory and to completion.

>>> inspect.signature(tokkit.stats).parameters["label_column"]
<Parameter "label_column: 'str | None' = None">
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from tokkit.errors import TokkitError, UsageError, did_you_mean
from tokkit.python.messages import Call
from tokkit.python.results import with_display
from tokkit.python.signatures import explicit_signature
from tokkit.sources.paths import remove_spooled
from tokkit.views.notebook_bar import NotebookBar

# arguments that are rows or texts
DATA = ("dataset", "source", "data", "on", "validation_data", "corpus")


def public(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as users call it.

    Arguments in `DATA` may be in memory (`as_path`); the options of its groups are keywords of the signature;
    in a notebook, progress is displayed unless another one is given. Raises `UsageError` for a keyword that
    is none of them.
    """
    signature = explicit_signature(function)
    parameters = signature.parameters

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        for name in keywords.keys() - parameters.keys():
            near = did_you_mean(name, parameters)
            raise UsageError(f'{function.__name__}: no parameter "{name}"{near}')
        try:
            given = signature.bind(*arguments, **keywords).arguments
        except TypeError as error:
            raise TypeError(f"{function.__name__}(): {error}") from None
        caller = sys._getframe(1)
        this = Call(function, parameters, given, [caller.f_locals, caller.f_globals])
        try:
            values = {name: _as_read(function, this, name, value) for name, value in given.items()}
            if "progress" in parameters and "progress" not in values and in_notebook():
                values["progress"] = NotebookBar(this.message)
            return with_display(function.__name__, this.result(function(**values)))
        except TokkitError as error:
            error.message, error.hint = this.message(error.message), this.hint(error.hint or "") or None
            if error.hint:
                error.add_note(f"hint: {error.hint}")
            raise
        finally:
            remove_spooled()

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _as_read(function: Callable[..., Any], call: Call, name: str, value: Any) -> Any:
    """The value of an argument; a path, where it is data in memory."""
    # of `predict` alone, strings in a list are texts anyway, and rows may be as well
    if name == "texts" and (function.__name__ != "predict" or isinstance(value, list | tuple)):
        return value
    return call.path_of(name, value) if name in (*DATA, "texts") else value


def in_notebook() -> bool:
    """Whether a kernel of Jupyter runs the code."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
