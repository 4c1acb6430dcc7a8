"""Layouts of rows in one JSON value: what pandas writes, and the export of Label Studio.

{"text": {"0": "a", "1": "b"}, "label": {...}}              pandas, columns
{"0": {"text": "a", "label": "x"}, "1": {...}}              pandas, index
{"columns": ["text", "label"], "data": [["a", "x"], ...]}   pandas, split
[{"data": {"text": "a"}, "annotations": [...]}, ...]        Label Studio
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tokkit.errors import InputError
from tokkit.sources.formats import Say
from tokkit.sources.formats.headers import known

# what writes a table of pandas as JSON that is always read
PANDAS = 'with pandas, df.to_json("FILE.jsonl", orient="records", lines=True) writes an object a line'
_SEVERAL = "several choices a task"
_SPANS = ("labels", "hypertextlabels")


def pandas_columns(content: Any) -> dict[str, list[Any]] | None:
    """The columns of a table that pandas wrote with ``orient`` split, columns or index; None for all else.

    Of columns and index, which hold objects in an object both, the keys tell: those of rows are numbers, or
    those of columns are names that text data usually has.
    """
    if not isinstance(content, dict):
        return None
    if {"columns", "data"} <= content.keys() <= {"columns", "index", "data"}:
        names, rows = content["columns"], content["data"]
        if not (
            isinstance(names, list) and isinstance(rows, list) and len(set(map(str, names))) == len(names)
        ):
            return None
        if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
            return None
        return {str(name): [row[i] for row in rows] for i, name in enumerate(names)}
    groups = list(content.values())
    if not groups or not all(
        isinstance(group, dict) and group.keys() == groups[0].keys() for group in groups
    ):
        return None
    outer, inner = list(content), list(groups[0])
    inner_are_rows = (_numbers(inner), known(outer)) > (_numbers(outer), known(inner))
    outer_are_rows = (_numbers(inner), known(outer)) < (_numbers(outer), known(inner))
    if inner_are_rows:
        return {name: list(values.values()) for name, values in content.items()}
    if outer_are_rows:
        return {name: [row[name] for row in groups] for name in inner}
    return None


def _numbers(keys: Sequence[str]) -> bool:
    return all(key.isdecimal() for key in keys)


def is_label_studio(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether objects are tasks of Label Studio: data, and a list of annotations each."""
    return bool(rows) and all(
        isinstance(row.get("data"), dict) and isinstance(row.get("annotations"), list) for row in rows
    )


def label_studio_rows(tasks: Sequence[Mapping[str, Any]], where: str, say: Say) -> list[dict[str, Any]]:
    """The data of each task and, in a column for each control of the labeling interface, its annotation.

    Choices are a label, or a list of labels where a task has several; spans are ``{start, end, label}``. A
    task that nobody annotated has no value. Of several annotations the first counts, which is said.

    Raises `InputError` for an annotation whose result is no list.
    """
    for number, task in enumerate(tasks, 1):
        if any(not isinstance(annotation.get("result") or [], list) for annotation in _valid(task)):
            raise InputError(
                f"{where}: task {number}: the result of an annotation is no list",
                hint="export the project again as JSON",
            )
    several = sum(len(_valid(task)) > 1 for task in tasks)
    if several:
        say(f"{where}: {several} tasks have several annotations: the first of each is read")
    regions = [_regions(task) for task in tasks]
    kinds = {name: kind for task in regions for name, kind, _ in task or ()}
    rows: list[dict[str, Any]] = []
    for task, annotated in zip(tasks, regions, strict=True):
        row = {"id": task["id"], **task["data"]} if "id" in task else dict(task["data"])
        for name, kind in kinds.items():
            values = [value for other, _, value in annotated or () if other == name]
            # no span is an annotation, too; no choice is none
            row[_free(name, task["data"])] = (
                None if annotated is None or not (values or kind in _SPANS) else _value(kind, values)
            )
        rows.append(row)
    for name in (name for name, kind in kinds.items() if kind == "choices"):
        column = _free(name, tasks[0]["data"])
        # one label a task: not several
        if all(row[column] is None or len(row[column]) == 1 for row in rows):
            for row in rows:
                row[column] = None if row[column] is None else row[column][0]
        else:
            kinds[name] = _SEVERAL
    named = ", ".join(f"{_free(name, tasks[0]['data'])} ({kind})" for name, kind in kinds.items()) or "none"
    unclear = len(kinds) > 1 or _SEVERAL in kinds.values()
    flag = "; --label-column names the one to read" if unclear else ""
    say(f"{where}: an export of Label Studio; annotations: {named}{flag}")
    return rows


def _free(name: str, data: Mapping[str, Any]) -> str:
    """The name of a control, or another one where the data has a column of that name."""
    return f"{name}_annotated" if name in data else name


def _valid(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        annotation
        for annotation in task["annotations"]
        if isinstance(annotation, dict) and not annotation.get("was_cancelled")
    ]


def _regions(task: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]] | None:
    """Control, kind and value of each region of the first annotation; None without one."""
    annotations = _valid(task)
    return list(_of_annotation(annotations[0])) if annotations else None


def _of_annotation(annotation: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for region in annotation.get("result") or ():
        # relations between regions have no value
        if isinstance(region, dict) and isinstance(region.get("value"), dict) and "from_name" in region:
            yield str(region["from_name"]), str(region.get("type")), region["value"]


def _value(kind: str, values: Sequence[Mapping[str, Any]]) -> Any:
    if kind in _SPANS:
        return [
            {"start": value.get("start"), "end": value.get("end"), "label": label}
            for value in values
            for label in value.get(kind) or [None]
        ]
    if kind == "choices":
        return [choice for value in values for choice in value.get("choices") or ()]
    # a rating is {"rating": 4}, a text {"text": ["..."]}
    inside = values[0].get(kind, values[0].get("text"))
    return inside[0] if isinstance(inside, list) and len(inside) == 1 else inside
