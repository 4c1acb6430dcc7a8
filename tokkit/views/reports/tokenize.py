"""Tables of texts as tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tokkit.views.tables import Spans, Table

Result = Mapping[str, Any]

_UNKNOWN, _SPECIAL = "?", "+"


def tokenize(result: Result) -> list[Table]:
    """Of each text its stages, then its tokens: a line a token, unknown and special ones marked."""
    return [table for text in result["texts"] for table in _tables(text)]


def _tables(text: Result) -> Iterator[Table]:
    title = text["text"] if text["pair"] is None else f"{text['text']} + {text['pair']}"
    yield Table(title or "(an empty text)", ("stage", "text"), list(_stage_rows(text)))
    if text["tokens"]:
        yield Table(_told(text), ("", "token", "id", "at", "text", "word"), list(_token_rows(text)))


def _stage_rows(text: Result) -> Iterator[tuple[Any, ...]]:
    unknown = {text["tokens"][place] for place in text["unknown"]}
    for stage in text["stages"]:
        name = " ".join((stage["stage"].replace("_", "-"), stage["block"])).strip()
        of = " (pair)" if stage["of"] == "pair" else ""
        final = stage["stage"] == "post_processor" and len(stage["pieces"]) == len(text["tokens"])
        styles = _styles(text) if final else _alternating(len(stage["pieces"]))
        marked = unknown if stage["stage"] == "model" else ()
        pieces = zip(stage["pieces"], styles, strict=True)
        yield name + of, Spans([(piece, "unknown" if piece in marked else style) for piece, style in pieces])
    yield "decoded", text["decoded"]
    if text["lost"]:
        yield "no token for all of", Spans([(piece, "unknown") for piece in text["lost"]])


def _token_rows(text: Result) -> Iterator[tuple[Any, ...]]:
    given = (text["text"], text["pair"] or "")
    marks = {**dict.fromkeys(text["special"], _SPECIAL), **dict.fromkeys(text["unknown"], _UNKNOWN)}
    columns = (text["tokens"], text["ids"], text["offsets"], text["words"], text["sequences"], _styles(text))
    for place, (token, id, (start, end), word, sequence, style) in enumerate(zip(*columns, strict=True)):
        part = "" if sequence is None else given[sequence][start:end]
        at = "" if sequence is None else f"{start}-{end}"
        yield marks.get(place, ""), Spans([(token, style)]), str(id), at, part, word


def _told(text: Result) -> str:
    unknown = len(text["unknown"])
    marked = [f"{unknown} unknown ({_UNKNOWN})"] if unknown else []
    marked += [f"{len(text['special'])} special ({_SPECIAL})"] if text["special"] else []
    return ", ".join((f"{len(text['tokens'])} tokens", *marked))


def _styles(text: Result) -> Sequence[str]:
    styles = list(_alternating(len(text["tokens"])))
    for place in text["special"]:
        styles[place] = "special"
    for place in text["unknown"]:
        styles[place] = "unknown"
    return styles


def _alternating(number: int) -> Sequence[str]:
    return [("even", "odd")[place % 2] for place in range(number)]
