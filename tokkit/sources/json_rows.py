"""JSON as rows: an object a line, a list of objects, columns, or several lists, one for each split."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.sources import streams

if TYPE_CHECKING:
    import polars as pl


def is_json_lines(sample: Sequence[str]) -> bool:
    """Whether a file named .json holds an object a line: more than one, or one of plain values."""
    try:
        first = json.loads(sample[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and (
        len(sample) > 1 or not any(isinstance(value, list | dict) for value in first.values())
    )


def read_jsonl(path: Path) -> pl.DataFrame:
    """The rows of a file with an object a line. Raises `InputError` naming the line that is none."""
    rows = []
    text = itertools.chain.from_iterable(streams.lines(path))
    for number, line in enumerate(text, 1):
        if line.strip():
            rows.append(_parse_json(line, f"{path}:{number}"))
            if not isinstance(rows[-1], dict):
                raise InputError(
                    f"{path}:{number}: an object was expected, one a line",
                    hint="a file that is one list of objects is read with --format json",
                )
    return _frame_of_rows(rows)


def read_json(path: Path) -> pl.DataFrame:
    """The rows of a list of objects, an object of columns, or an object that holds one list of objects.

    Raises `InputError` for anything else.
    """
    content = _json_content(path)
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return _frame_of_rows(content)
    groups = _groups(content)
    if len(groups) == 1:
        return _frame_of_rows(next(iter(groups.values())))
    if groups:
        key = next(iter(groups))
        raise InputError(
            f"{path}: holds several lists of objects: {', '.join(groups)}",
            hint=f"take one of them out: jq -c '.{key}[]' {path} > {key}.jsonl",
        )
    if isinstance(content, dict) and all(isinstance(column, list) for column in content.values()):
        heights = {len(column) for column in content.values()}
        if len(heights) == 1:
            return _frame_of_columns(content)
    raise InputError(
        f"{path}: neither a list of objects nor an object of columns of one length",
        hint="one object a line works always: save it as .jsonl",
    )


def json_splits(path: Path) -> dict[str, pl.DataFrame]:
    """Rows by the name they stand under, where a JSON file is an object of several lists of objects.

    Nothing where it is anything else, or not JSON at all.
    """
    start = "".join(streams.first_lines(path))[:1000]
    if not re.match(r'\s*\{\s*"[^"]*"\s*:\s*\[\s*\{', start):
        return {}
    groups = _groups(_json_content(path))
    return {name: _frame_of_rows(rows) for name, rows in groups.items()} if len(groups) > 1 else {}


def _json_content(path: Path) -> Any:
    return _parse_json("".join(itertools.chain.from_iterable(streams.lines(path))), str(path))


def _groups(content: Any) -> dict[str, list[dict[str, Any]]]:
    """The lists of objects among the values of an object."""
    return {
        name: rows
        for name, rows in (content.items() if isinstance(content, dict) else ())
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)
    }


def _parse_json(text: str, where: str) -> Any:
    try:
        content = json.loads(text)
        if "\\u" in text:  # an escape may stand for half a character
            json.dumps(content, ensure_ascii=False).encode()
        return content
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where}: holds half a character, \\u{ord(error.object[error.start]):04x}",
            hint="write the text again as UTF-8",
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{where}: no JSON: {error}",
            hint="look at that place; an object a line is .jsonl, one list is .json",
        ) from error


def _frame_of_rows(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    names = dict.fromkeys(name for row in rows for name in row)
    return _frame_of_columns({name: [row.get(name) for row in rows] for name in names})


def _frame_of_columns(columns: dict[str, list[Any]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame([_json_series(name, values) for name, values in columns.items()])


def _json_series(name: str, values: list[Any]) -> pl.Series:
    """A column keeps its type where all its values share one; mixed ones are read as strings."""
    import polars as pl

    kinds = {type(value) for value in values if value is not None}
    if kinds <= {str}:
        return pl.Series(name, [value or None for value in values], dtype=pl.String)
    if kinds == {int, float} and all(value is None or abs(value) < 2**53 for value in values):
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if len(kinds) == 1:
        try:
            return pl.Series(name, values)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):  # lists of other things each time
            pass
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    strings = [None if value is None else text or None for value, text in zip(values, texts, strict=True)]
    return pl.Series(name, strings, dtype=pl.String)
