"""Spans of characters as a tag for each token, in the scheme BIO.

    text   Anna lives in Bonn.              tokens  Anna   lives  in  Bonn   .
    spans  [[0, 4, "PER"], [14, 18, "LOC"]] tags    B-PER  O      O   B-LOC  O

Tokens are runs of letters, digits and marks, and each punctuation character and each Chinese or Japanese
character by itself. They depend on the text alone, as those of a text to predict do.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import polars as pl

from tokkit.data.tag_schemes import TagScheme
from tokkit.data.tag_spans import spans_of
from tokkit.errors import InputError, counted

TOKENS = "tokens"
_TYPES = ("label", "labels", "type", "entity", "entity_group")
_ALONE = (("\u3040", "\u30ff"), ("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\uf900", "\ufaff"))


def are_spans(values: pl.Series) -> bool:
    """Whether lists hold spans: objects with start, end and a type, or start, end and type in a list each."""
    first = _first(values)
    if isinstance(first, Mapping):
        return {"start", "end"} <= first.keys() and any(name in first for name in _TYPES)
    return isinstance(first, list) and len(first) == 3 and _is_offset(first[0]) and isinstance(first[2], str)


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _first(values: pl.Series) -> Any:
    """The first item of the first list that has one, where lists hold objects or lists."""
    if values.dtype == pl.String:
        filled = values.drop_nulls()
        lists = filled.filter(filled.str.contains(r"^\s*\[\s*[\[{]")).head(1)
        return next((items[0] for items in map(_loaded, lists.to_list()) if items), None)
    if not isinstance(values.dtype, pl.List) or not isinstance(values.dtype.inner, pl.List | pl.Struct):
        return None
    filled = values.drop_nulls()
    first = filled.filter(filled.list.len() > 0).head(1).to_list()
    return first[0][0] if first else None


def _loaded(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def tokens_and_tags(
    texts: pl.Series, spans: pl.Series, names: Mapping[str, str], where: str
) -> tuple[pl.Series, pl.Series]:
    """(rows,) lists of the tokens of each text, and of their tags; null where text, or spans, are.

    names   type of span -> another name for it

    Raises `InputError` naming the first row with a span that is none, cuts a token or overlaps another.
    """
    tokens: list[list[str] | None] = []
    tags: list[list[str] | None] = []
    for row, (text, items) in enumerate(zip(texts.to_list(), spans.to_list(), strict=True), 1):
        items = _loaded(items) if isinstance(items, str) else items
        pieces = None if text is None else _tokens(text)
        tokens.append(None if pieces is None else [text[start:end] for start, end in pieces])
        try:
            # of a row without text, too: it may be written again
            fields = [_fields(item) for item in items or ()]
            tags.append(
                None
                if pieces is None or items is None
                else _tags(text, pieces, [_span(text, *values) for values in fields], names)
            )
        except ValueError as error:
            raise InputError(
                f'{where}: row {row}: column "{spans.name}": {error}',
                hint="correct that span; start and end count characters from 0, end is exclusive",
            ) from error
    strings = pl.List(pl.String)
    return pl.Series(TOKENS, tokens, dtype=strings), pl.Series(spans.name, tags, dtype=strings)


def with_tags(spans: pl.Series | None, text: str, tags: Sequence[str]) -> list[dict[str, Any]]:
    """The spans of a row once its tokens have other tags: (spans,) objects with the same keys.

    spans   objects of the row; a span that stays keeps all of its object

    >>> spans = pl.Series([{"start": 0, "end": 4, "label": "ORG"}])
    >>> with_tags(spans, "Anna left", ["B-PER", "O"])
    [{'start': 0, 'end': 4, 'label': 'PER'}]
    """
    before = [] if spans is None else spans.to_list()
    bounds = _tokens(text)
    objects = []
    for span in spans_of(tags, TagScheme("IOB")):
        start, end = bounds[span.first][0], bounds[span.last - 1][1]
        same = (item for item in before if _fields(item)[:3] == (start, end, span.type))
        objects.append(next(same, None) or _object(spans, start, end, span.type, text))
    return objects


def _object(spans: pl.Series | None, start: int, end: int, kind: str, text: str) -> dict[str, Any]:
    """A span with the keys of the others, those without a known meaning empty."""
    keys = spans.dtype.to_schema() if spans is not None and isinstance(spans.dtype, pl.Struct) else {}
    name = next((name for name in _TYPES if name in keys), _TYPES[0])
    of_type = [kind] if isinstance(keys.get(name), pl.List) else kind
    known = {"start": start, "end": end, "text": text[start:end], name: of_type}
    return {key: known.get(key) for key in keys} or {"start": start, "end": end, name: of_type}


def as_objects(spans: pl.Series) -> pl.Series:
    """Lists of start, end and type, as JSON text, as lists of objects."""
    rows = [None if text is None else _loaded(text) for text in spans.to_list()]
    fields = pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "label": pl.String}))
    objects = [
        None
        if row is None
        else [{"start": start, "end": end, "label": kind} for start, end, kind, _ in map(_fields, row)]
        for row in rows
    ]
    return pl.Series(spans.name, objects, dtype=fields)


def _fields(item: Any) -> tuple[int, int, str, str | None]:
    """Start, end, type and text of a span, as they are written; `ValueError` for what is none."""
    if isinstance(item, list) and len(item) == 3:
        start, end, kind, written = *item, None
    elif isinstance(item, Mapping):
        start, end, written = item.get("start"), item.get("end"), item.get("text")
        kind = next((item[name] for name in _TYPES if item.get(name) is not None), None)
    else:
        raise ValueError(f"{json.dumps(item, ensure_ascii=False, default=str)} is no span")
    if isinstance(kind, list) and len(kind) == 1:
        kind = kind[0]
    if not (_is_offset(start) and _is_offset(end) and isinstance(kind, str) and kind):
        raise ValueError(f"{json.dumps(item, ensure_ascii=False, default=str)} is no start, end and one type")
    return start, end, kind, written


def _span(text: str, start: int, end: int, kind: str, written: str | None) -> tuple[int, int, str]:
    """Start, end and type without white space at its ends; `ValueError` for a span not in the text."""
    if not 0 <= start < end <= len(text):
        raise ValueError(
            f"the span {start} to {end} is not within the text of {counted(len(text), 'character')}"
        )
    if written is not None and written != text[start:end]:
        raise ValueError(f'the span {start} to {end} is "{text[start:end]}" in the text, not "{written}"')
    inside = text[start:end]
    return start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip()), kind


def _tags(
    text: str,
    pieces: Sequence[tuple[int, int]],
    spans: Sequence[tuple[int, int, str]],
    names: Mapping[str, str],
) -> list[str]:
    tags = ["O"] * len(pieces)
    for start, end, kind in sorted(spans):
        covered = [i for i, (first, last) in enumerate(pieces) if first < end and last > start]
        if not covered:
            raise ValueError(f"the span {start} to {end} holds white space only")
        for i in (covered[0], covered[-1]):
            first, last = pieces[i]
            if first < start or last > end:
                raise ValueError(f'the span "{text[start:end]}" cuts the token "{text[first:last]}"')
        if any(tags[i] != "O" for i in covered):
            raise ValueError(f'the span "{text[start:end]}" overlaps another: a token has one tag')
        for i in covered:
            tags[i] = f"{'B' if i == covered[0] else 'I'}-{names.get(kind, kind)}"
    return tags


def _tokens(text: str) -> list[tuple[int, int]]:
    """Start and end of every token."""
    bounds: list[tuple[int, int]] = []
    before = ""
    for i, character in enumerate(text):
        kind = _kind(character)
        if kind == "word" == before:
            bounds[-1] = bounds[-1][0], i + 1
        elif kind != "space":
            bounds.append((i, i + 1))
        before = kind
    return bounds


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace() or (category[0] in "ZC" and character not in "\u200c\u200d"):
        return "space"
    if category[0] in "PS" or any(first <= character <= last for first, last in _ALONE):
        return "alone"
    return "word"
