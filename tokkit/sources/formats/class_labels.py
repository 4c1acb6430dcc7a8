"""Names of the classes that the `datasets` library keeps as numbers, at any depth of a column.

{"_type": "ClassLabel", "names": ["O", "B-PER"]}      0 -> "O", -1 and null -> null
{"_type": "List", "feature": {...}}                   [0, 1] -> ["O", "B-PER"]; "Sequence" in older files
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from tokkit.errors import InputError

_LISTS = ("List", "LargeList", "Sequence")
_NO_CLASS = -1

# column, or field within it, dots between -> names of its classes, in the order of their numbers
Names = dict[str, list[str]]


def features_of(metadata: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    """Column -> its feature, as `datasets` wrote it into the metadata of a schema; empty without any."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    return features if isinstance(features, dict) else {}


def with_names(frame: pl.DataFrame, features: Mapping[str, Any], where: str) -> tuple[pl.DataFrame, Names]:
    """The same rows with names for the numbers of classes, and the names by the columns that have some.

    Raises `InputError` for a number that has no name.
    """
    names: Names = {}
    for column, feature in features.items():
        if column in frame.columns:
            named = _named(pl.col(column), frame.schema[column], feature, column, names)
            if named is not None:
                try:
                    frame = frame.with_columns(named.alias(column))
                except pl.exceptions.InvalidOperationError as error:
                    raise InputError(
                        f'{where}: column "{column}" holds a number that is none of its classes',
                        hint="write the file again with the datasets library, which checks the numbers",
                    ) from error
    return frame, names


def _named(values: pl.Expr, dtype: Any, feature: Any, path: str, names: Names) -> pl.Expr | None:
    """The values with names; None where the feature has none. What is found is added to ``names``."""
    # a list of one feature is how old versions wrote a list
    if isinstance(feature, list) and len(feature) == 1:
        feature = {"_type": "List", "feature": feature[0]}
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
        if not dtype.is_integer():
            return None
        names[path] = [str(name) for name in feature["names"]]
        by_number: dict[int, str | None] = {_NO_CLASS: None, **dict(enumerate(names[path]))}
        return values.replace_strict(by_number, return_dtype=pl.String)
    if feature.get("_type") in _LISTS and isinstance(dtype, pl.List | pl.Array):
        inner = _named(pl.element(), dtype.inner, feature.get("feature"), path, names)
        lists = values if isinstance(dtype, pl.List) else values.arr.to_list()
        return None if inner is None else lists.list.eval(inner)
    if not isinstance(dtype, pl.Struct):
        return None
    if feature.get("_type") == "Sequence":  # of objects: an object of lists
        of_fields = feature.get("feature")
        within = of_fields if isinstance(of_fields, dict) else {}
        feature = {name: {"_type": "List", "feature": inner} for name, inner in within.items()}
    fields = [
        named.alias(name)
        for name, inner in dtype.to_schema().items()
        if (named := _named(values.struct.field(name), inner, feature.get(name), f"{path}.{name}", names))
        is not None
    ]
    return values.struct.with_fields(fields) if fields else None
