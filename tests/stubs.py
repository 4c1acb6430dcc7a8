"""`tokkit/__init__.pyi` as it should be: the public names with their explicit signatures.

python -m tests.stubs        writes it
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import tokkit
from tokkit.python.functions import DATA
from tokkit.python.results import ROWS

PATH = Path(tokkit.__file__).with_suffix(".pyi")
_HEAD = '''"""The public names of tokkit, for completion and type checkers.

Written by `python -m tests.stubs` from the functions themselves.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import datasets
import pandas as pd
import polars as pl
import pyarrow as pa

# Under this condition mypy reads the modules first that import one another.
if TYPE_CHECKING:
'''
_DATA = '''
__version__: str
__all__: list[str]

Rows: TypeAlias = (
    pd.DataFrame
    | pl.DataFrame
    | pl.LazyFrame
    | pa.Table
    | datasets.Dataset
    | datasets.DatasetDict
    | Mapping[str, Any]
    | Sequence[Mapping[str, Any]]
    | Sequence[str]
)
"""Rows in memory: a frame, a table, a data set, a frame for each split, a list of rows or of texts."""

'''
_TABLE = """class {name}(_{name}):
    def to_pandas(self) -> pd.DataFrame: ...
    def _repr_html_(self) -> str: ...

"""


def text() -> str:
    """The stub file."""
    imports: dict[str, str] = {}
    classes, functions = [], []
    for name in tokkit.__all__:
        value = getattr(tokkit, name)
        if not inspect.isfunction(value):
            imports[name] = f"from {value.__module__} import {name} as {name}"
            continue
        worker = inspect.unwrap(value)
        signature = inspect.signature(value)
        tables = name in ROWS
        functions.append(_function(name, signature))
        for word in _words(signature):
            source = _source(word, worker)
            if source is None:
                continue
            if tables and word == signature.return_annotation:
                imports[word] = f"from {source} import {word} as _{word}"
                classes.append(_TABLE.format(name=word))
            else:
                imports.setdefault(word, f"from {source} import {word} as {word}")
    lines = "".join(f"    {line}\n" for line in sorted(imports.values()))
    return _HEAD + lines + _DATA + "".join(classes) + "".join(functions)


def _function(name: str, signature: inspect.Signature) -> str:
    lines, keyword_only = [], False
    for item in signature.parameters.values():
        if item.kind is item.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            lines.append("    *,")
        annotation = re.sub(r"\bfeed\.", "", str(item.annotation))
        # several values of an option may be one, or a list
        annotation = re.sub(r"tuple\[(\w+), \.\.\.\]", r"\1 | Sequence[\1]", annotation)
        if item.name in DATA or (name == "predict" and item.name == "texts"):
            annotation = annotation.removesuffix(" | None") + " | Rows" + " | None" * ("None" in annotation)
        default = "" if item.default is item.empty else f" = {_default(item.default)}"
        lines.append(f"    {item.name}: {annotation}{default},")
    arguments = f"\n{chr(10).join(lines)}\n" if lines else ""
    return f"def {name}({arguments}) -> {signature.return_annotation}: ...\n"


def _default(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"({', '.join(map(_default, value))}{',' if len(value) == 1 else ''})"
    return repr(value) if isinstance(value, int | float | bool | None) else "..."


def _words(signature: inspect.Signature) -> set[str]:
    annotations = [item.annotation for item in signature.parameters.values()] + [signature.return_annotation]
    return set(re.findall(r"[A-Z]\w+", " ".join(map(str, annotations))))


def _source(word: str, worker: Any) -> str | None:
    """The module that a name of an annotation is imported from; None for what the head imports."""
    if word in ("Path", "Sequence", "Mapping", "Any", "None", "DatasetDict"):
        return None
    scope = worker.__globals__
    value = scope.get(word) or getattr(scope.get("feed"), word, None)
    module = getattr(value, "__module__", "")
    # an alias of types has the module of `typing`
    return module if module.startswith("tokkit") else worker.__module__


def main() -> None:
    importlib.invalidate_caches()
    PATH.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
