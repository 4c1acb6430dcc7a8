"""JSON as rows: an object a line, a list of objects, columns, or several lists, one for each split.

``--field data.rows`` names where in an object the rows are, or, of an object a line, which part is the row.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from tokkit.errors import InputError, did_you_mean, nearest
from tokkit.sources import streams
from tokkit.sources.formats import FormatOptions, Say, TableFormat, json_layouts
from tokkit.sources.formats.batch import ROWS, BadRows, Batch, batches_of

Row = dict[str, Any]

# How deep lists and objects may be within each other: a column of such values takes time that grows with the
# square of the depth, and Python's own stack ends at about 300.
_DEEPEST = 32


def _number(text: str) -> float:
    """A fraction; raises ValueError for one beyond the largest, which would become the class Infinity."""
    if math.isinf(value := float(text)):
        raise ValueError(f"{text[:40]} is beyond the largest number; in quotes it is a text")
    return value


# NaN, which is not in the standard but in what Python writes, is a missing value; Infinity is no number
_DECODER = json.JSONDecoder(
    parse_float=_number, parse_constant=lambda name: None if name == "NaN" else _number(name)
)
# an escape that is half a character
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def batches(path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> Iterator[Batch]:
    """The rows of a JSON file: an object a line as it is read, anything else as a whole.

    With ``options.field``, the object that each line holds under that key, or where in the file the rows are.
    Raises `InputError` naming a line that is no object; with ``skip_bad`` such lines are skipped, and said.
    """
    if table_format.name == "json":
        yield from _slices(_whole(path, options, say))
        return
    bad = BadRows(path, options.skip_bad)
    read: list[int] = []
    rows = _lines(path, options, bad, read)
    columns_of = partial(_columns, wanted=options.columns)
    yield from batches_of(rows, read, columns_of, lambda name, values: values)
    bad.report(say)


def _columns(rows: Sequence[Row], wanted: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """Objects as columns: one a key, null where an object has none of it."""
    # the first row usually has every key, and in the order of the columns
    complete = bool(rows) and set().union(*rows) <= rows[0].keys()
    names = list(rows[0] if complete else dict.fromkeys(chain.from_iterable(rows)))
    return {name: _values(rows, name) for name in names if wanted is None or name in wanted}


def _values(rows: Sequence[Row], name: str) -> list[Any]:
    try:
        return list(map(itemgetter(name), rows))  # twice the speed of `get`
    except KeyError:
        return [row.get(name) for row in rows]


def _slices(columns: Mapping[str, list[Any]]) -> Iterator[Batch]:
    """Columns of JSON values as batches; `Batch.read` counts rows."""
    height = len(next(iter(columns.values()), ()))
    for first in range(0, max(1, height), ROWS):
        some = {name: values[first : first + ROWS] for name, values in columns.items()}
        rows = min(ROWS, height - first)
        yield Batch(some, rows, rows)


def _lines(path: Path, options: FormatOptions, bad: BadRows, read: list[int]) -> Iterator[Row]:
    """The object of each line; lines that are none go to ``bad``, numbers of bytes read to ``read``."""
    start, end = options.span or (0, None)
    text = streams.lines(path, read.append, options.encoding, start=start, end=end)
    for number, line in enumerate(chain.from_iterable(text), 1):
        if not line.strip():
            continue
        try:
            content = _parse_json(line)
            row = content if options.field is None else _within(content, options.field)
        except InputError as error:
            number += streams.lines_before(path, start)
            bad.add(number, "no JSON, or without the key of --field", error.hint or "", error.message)
            continue
        if isinstance(row, dict):
            yield row
        else:
            hint = "if the file is one list of objects:\n--format json"
            bad.add(number + streams.lines_before(path, start), "an object was expected, one a line", hint)


def _whole(path: Path, options: FormatOptions, say: Say) -> dict[str, list[Any]]:
    """The columns of a list of objects, of a table of pandas, or of an object with one list of objects."""
    field = options.field
    content = _json_content(path, options.encoding)
    if field is not None:
        content = _within(content, field, f"{path}: ")
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        if json_layouts.is_label_studio(content):
            content = json_layouts.label_studio_rows(content, str(path), say)
        return _columns(content)
    groups = _groups(content)
    # as data sets of questions have it: {"version": ..., "data": [...]}
    if len(groups) == 1:
        return _columns(next(iter(groups.values())))
    if groups:
        key = ".".join(filter(None, (field, next(iter(groups)))))
        raise InputError(
            f"{path}: holds several lists of objects: {', '.join(groups)}",
            hint=f"name the one to read:\n--field {shlex.quote(key)}",
        )
    of_pandas = json_layouts.pandas_columns(content)
    if of_pandas is not None:
        return of_pandas
    if isinstance(content, dict) and all(isinstance(column, list) for column in content.values()):
        heights = {len(column) for column in content.values()}
        if len(heights) == 1:
            return content
    inside = _first_rows(content, field)
    raise InputError(
        f"{path}: neither a list of objects nor an object of columns of one length",
        hint=f"name where the rows are:\n--field {shlex.quote(inside)}"
        if inside
        else f"one object a line works always: save it as .jsonl; {json_layouts.PANDAS}",
    )


def _within(content: Any, field: str, where: str = "", above: str = "") -> Any:
    """The value under ``KEY.SUBKEY``; a key that holds the dot itself comes first.

    where   begins the message of the `InputError` for a key that is not there
    above   the keys that ``content`` is under, each with its dot
    """
    # a key that is the whole name, dots included, comes before a path of keys
    if isinstance(content, dict) and field in content:
        return content[field]
    key, dot, rest = field.partition(".")
    if dot and isinstance(content, dict) and key in content:
        return _within(content[key], rest, where, f"{above}{key}.")
    keys = list(content) if isinstance(content, dict) else []
    there = f"; it has: {', '.join(keys[:10])}" if keys else ": there is no object"
    holding = [key for key in keys if isinstance(content[key], list | dict)] or keys
    raise InputError(
        f'{where}no key "{key}"{did_you_mean(key, keys)}{there}',
        hint=f"name one of them:\n--field {shlex.quote(above + (nearest(key, keys) or holding[0]))}"
        if keys
        else "leave --field out",
    )


def _first_rows(content: Any, above: str | None) -> str | None:
    """The keys, at any depth, of the first list of objects in an object."""
    for key, value in content.items() if isinstance(content, dict) else ():
        here = f"{above}.{key}" if above else key
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            return here
        if key_of_rows := _first_rows(value, here):
            return key_of_rows
    return None


def json_splits(path: Path, encoding: str | None = None) -> dict[str, list[Batch]]:
    """Rows by the key they are under, where a JSON file is an object of several lists of objects.

    Nothing where it is anything else, or not JSON at all.
    """
    # a look at the beginning spares parsing every JSON file twice
    start = "".join(streams.first_lines(path, encoding=encoding, any_length=True))[:1000]
    if not re.match(r'\s*\{\s*"[^"]*"\s*:\s*\[\s*\{', start):
        return {}
    groups = _groups(_json_content(path, encoding))
    return {name: list(_slices(_columns(rows))) for name, rows in groups.items()} if len(groups) > 1 else {}


def _json_content(path: Path, encoding: str | None) -> Any:
    lines = chain.from_iterable(streams.lines(path, encoding=encoding, any_length=True))
    return _parse_json("".join(lines), f"{path}: ")


def _groups(content: Any) -> dict[str, list[dict[str, Any]]]:
    """The lists of objects among the values of an object."""
    return {
        name: rows
        for name, rows in (content.items() if isinstance(content, dict) else ())
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)
    }


def _too_deep(where: str) -> InputError:
    return InputError(
        f"{where}lists and objects within each other, more than {_DEEPEST} deep",
        hint="save what is further in as text, or leave it out",
    )


def _depth_exceeds(content: Any, most: int) -> bool:
    """Whether lists and objects are within each other more than so many times."""
    level = [content]
    for _ in range(most + 1):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _parse_json(text: str, where: str = "") -> Any:
    """The value of a JSON text; ``where`` begins the message of the `InputError` for what is none."""
    try:
        content = _DECODER.decode(text)
        if text.count("{") + text.count("[") > _DEEPEST and _depth_exceeds(content, _DEEPEST):
            raise _too_deep(where)
        if "\\u" in text and _HALF.search(text):  # unless the other half follows
            json.dumps(content, ensure_ascii=False).encode()
        return content
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where}holds half a character, \\u{ord(error.object[error.start]):04x}",
            hint="write the text again as UTF-8",
        ) from error
    except RecursionError as error:
        raise _too_deep(where) from error
    except ValueError as error:
        raise InputError(
            f"{where}no JSON: {error}",
            hint="look at that place; an object a line is .jsonl, one list is .json",
        ) from error
