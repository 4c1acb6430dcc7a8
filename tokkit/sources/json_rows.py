"""JSON as rows: an object a line, a list of objects, columns, or several lists, one for each split.

``--field data.rows`` names where in an object the rows stand, or, of an object a line, which part is the row.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, did_you_mean, nearest
from tokkit.sources import streams
from tokkit.sources.bad_rows import BadRows

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


def read_jsonl(
    path: Path,
    field: str | None,
    skip_bad: bool,
    say: Callable[[str], None],
    encoding: str | None = None,
) -> pl.DataFrame:
    """The rows of a file with an object a line; with ``field``, the object that each holds under that key.

    Raises `InputError` naming the line that is none; with ``skip_bad`` such lines are left out, and said.
    """
    bad = BadRows(path, skip_bad)
    rows = list(json_lines(path, field, bad, encoding=encoding))
    bad.tell(say)
    return frame_of_rows(rows)


def json_lines(
    path: Path,
    field: str | None,
    bad: BadRows,
    on_bytes: Callable[[int], None] = lambda amount: None,
    encoding: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The object of each line, one after the other; ``bad`` is told of lines that are none.

    ``on_bytes`` is told how many bytes were read since the last time.
    """
    text = itertools.chain.from_iterable(streams.lines(path, on_bytes, encoding))
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            content = _parse_json(line, where)
            row = content if field is None else _within(content, field, where)
        except InputError as error:
            what = error.message.removeprefix(f"{where}: ")
            bad.found(number, "no JSON, or without the key asked for", error.hint or "", what)
            continue
        if isinstance(row, dict):
            yield row
        else:
            hint = "a file that is one list of objects is read with --format json"
            bad.found(number, "an object was expected, one a line", hint)


def read_json(path: Path, field: str | None = None, encoding: str | None = None) -> pl.DataFrame:
    """The rows of a list of objects, an object of columns, or an object that holds one list of objects.

    ``field`` names the key, or keys with dots between, under which they stand. Raises `InputError` for
    anything else.
    """
    content = _json_content(path, encoding)
    if field is not None:
        content = _within(content, field, str(path))
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return frame_of_rows(content)
    groups = _groups(content)
    if len(groups) == 1:
        return frame_of_rows(next(iter(groups.values())))
    if groups:
        key = ".".join(filter(None, (field, next(iter(groups)))))
        raise InputError(
            f"{path}: holds several lists of objects: {', '.join(groups)}",
            hint=f"name the one to read: --field {shlex.quote(key)}",
        )
    if isinstance(content, dict) and all(isinstance(column, list) for column in content.values()):
        heights = {len(column) for column in content.values()}
        if len(heights) == 1:
            return _frame_of_columns(content)
    inside = _first_rows(content, field)
    raise InputError(
        f"{path}: neither a list of objects nor an object of columns of one length",
        hint=f"name where the rows stand: --field {shlex.quote(inside)}"
        if inside
        else "one object a line works always: save it as .jsonl",
    )


def _within(content: Any, field: str, where: str, above: str = "") -> Any:
    """What stands under ``KEY.SUBKEY``; a key that holds the dot itself comes first.

    above   the keys that ``content`` stands under, each with its dot
    """
    if isinstance(content, dict) and field in content:
        return content[field]
    key, dot, rest = field.partition(".")
    if dot and isinstance(content, dict) and key in content:
        return _within(content[key], rest, where, f"{above}{key}.")
    keys = list(content) if isinstance(content, dict) else []
    there = f"; it has: {', '.join(keys[:10])}" if keys else ": there is no object"
    holding = [each for each in keys if isinstance(content[each], list | dict)] or keys
    raise InputError(
        f'{where}: no key "{key}"{did_you_mean(key, keys)}{there}',
        hint=f"name one of them: --field {shlex.quote(above + (nearest(key, keys) or holding[0]))}"
        if keys
        else "leave --field out",
    )


def _first_rows(content: Any, above: str | None) -> str | None:
    """Where, at any depth, the first list of objects in an object stands."""
    for key, value in content.items() if isinstance(content, dict) else ():
        here = f"{above}.{key}" if above else key
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            return here
        if found := _first_rows(value, here):
            return found
    return None


def json_splits(path: Path, encoding: str | None = None) -> dict[str, pl.DataFrame]:
    """Rows by the name they stand under, where a JSON file is an object of several lists of objects.

    Nothing where it is anything else, or not JSON at all.
    """
    start = "".join(streams.first_lines(path, encoding=encoding))[:1000]
    if not re.match(r'\s*\{\s*"[^"]*"\s*:\s*\[\s*\{', start):
        return {}
    groups = _groups(_json_content(path, encoding))
    return {name: frame_of_rows(rows) for name, rows in groups.items()} if len(groups) > 1 else {}


def _json_content(path: Path, encoding: str | None) -> Any:
    lines = itertools.chain.from_iterable(streams.lines(path, encoding=encoding))
    return _parse_json("".join(lines), str(path))


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


def frame_of_rows(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Objects as a table: a column a key, null where an object has none of it."""
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
            return pl.Series(name, _aligned(values))
        except (TypeError, OverflowError, pl.exceptions.PolarsError):  # lists of other things each time
            pass
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    strings = [None if value is None else text or None for value, text in zip(values, texts, strict=True)]
    return pl.Series(name, strings, dtype=pl.String)


def _aligned(values: list[Any]) -> list[Any]:
    """The same values, but objects with the same keys at any depth: of others polars drops what is new.

    >>> _aligned([{"a": 1}, {"b": 2}, None])
    [{'a': 1, 'b': None}, {'a': None, 'b': 2}, None]
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds == {dict}:
        keys = dict.fromkeys(key for value in values if value is not None for key in value)
        filled = [value for value in values if value is not None]
        columns = [_aligned([value.get(key) for value in filled]) for key in keys]
        rows = iter([dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)] or filled)
        return [None if value is None else next(rows) for value in values]
    if kinds == {list}:
        items = iter(_aligned([item for value in values if value is not None for item in value]))
        return [None if value is None else [next(items) for _ in value] for value in values]
    return values
