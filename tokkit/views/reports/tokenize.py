"""Tables of texts as tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokkit.errors import counted
from tokkit.views.tables import Result, Spans, Table

_UNKNOWN, _SPECIAL = "?", "+"


def tokenize(result: Result) -> list[Table]:
    """Of each text its stages, then its tokens: a line a token, unknown and special ones marked."""
    return [table for text in result["texts"] for table in _tables(text)]


def _tables(text: Result) -> Iterator[Table]:
    title = text["text"] if text["pair"] is None else f"{text['text']} + {text['pair']}"
    yield Table(title or "(an empty text)", ("stage", "text"), list(_stage_rows(text)))
    if text["tokens"]:
        counts = [counted(len(text["tokens"]), "token")]
        counts += [f"{len(text['unknown'])} unknown ({_UNKNOWN})"] if text["unknown"] else []
        counts += [f"{len(text['special'])} special ({_SPECIAL})"] if text["special"] else []
        columns = ("", "token", "id", *(("of", "segment") if text["pair"] is not None else ()))
        yield Table(", ".join(counts), (*columns, "at", "text", "word"), list(_token_rows(text)))


def _stage_rows(text: Result) -> Iterator[tuple[Any, ...]]:
    unknown = {text["tokens"][index] for index in text["unknown"]}
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
    texts, names = (text["text"], text["pair"] or ""), {0: "text", 1: "pair", None: "template"}
    marks = {**dict.fromkeys(text["special"], _SPECIAL), **dict.fromkeys(text["unknown"], _UNKNOWN)}
    keys = ("tokens", "ids", "offsets", "words", "sequences", "type_ids")
    columns = (*(text[key] for key in keys), _styles(text))
    for index, (token, id, (start, end), word, of, segment, style) in enumerate(zip(*columns, strict=True)):
        part, at = ("", "") if of is None else (texts[of][start:end], f"{start}-{end}")
        segments = (names[of], str(segment)) if text["pair"] is not None else ()
        yield marks.get(index, ""), Spans([(token, style)]), str(id), *segments, at, part, word


def _styles(text: Result) -> list[str]:
    styles = dict(enumerate(_alternating(len(text["tokens"]))))
    styles |= dict.fromkeys(text["special"], "special") | dict.fromkeys(text["unknown"], "unknown")
    return list(styles.values())


def _alternating(number: int) -> list[str]:
    return [("even", "odd")[index % 2] for index in range(number)]
