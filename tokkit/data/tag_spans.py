"""Spans of tagged tokens: the entities that the tags of a row mark.

The O   European B-ORG   Union I-ORG   in O   Brussels B-LOC
->  (ORG, 1, 3), (LOC, 4, 5)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokkit.data.tag_schemes import OUTSIDE, TagScheme, is_outside


@dataclass(frozen=True)
class Span:
    """Tokens ``first`` to ``last`` (not included) are one entity of this type."""

    type: str
    first: int
    last: int


def spans_of(tags: Sequence[str], scheme: TagScheme) -> list[Span]:
    """The spans of one row, in order; O is in none.

    A span also begins where an I- tag follows another type or nothing, as in seqeval's default mode
    (`get_entities`). Where the scheme is strict, spans that are not complete are none. A tag that is not of
    the scheme is a span of its own type. Without a scheme, every token is a span.

    >>> spans_of(["B-PER", "I-PER", "O", "I-LOC"], TagScheme("IOB"))
    [Span(type='PER', first=0, last=2), Span(type='LOC', first=3, last=4)]
    >>> spans_of(["B-PER", "I-PER", "O", "S-LOC"], TagScheme("IOBES"))
    [Span(type='LOC', first=3, last=4)]
    """
    if scheme.name == "none":
        return [Span(tag, i, i + 1) for i, tag in enumerate(tags) if not is_outside(tag)]
    marks = [scheme.split(tag) for tag in tags]
    return _complete_spans(marks) if scheme.is_strict else _all_spans(marks)


def _all_spans(marks: Sequence[tuple[str, str]]) -> list[Span]:
    spans: list[Span] = []
    before: tuple[bool, str] | None = None
    for i, (mark, kind) in enumerate(marks):
        if mark == OUTSIDE:
            before = None
            continue
        # A bare PER continues another bare PER, and no I-PER.
        current = mark == "", kind
        if current == before and mark not in ("B", "S"):
            spans[-1] = Span(kind, spans[-1].first, i + 1)
        else:
            spans.append(Span(kind, i, i + 1))
        before = None if mark in ("E", "S") else current
    return spans


def _complete_spans(marks: Sequence[tuple[str, str]]) -> list[Span]:
    spans: list[Span] = []
    begun: Span | None = None
    for i, (mark, kind) in enumerate(marks):
        if mark == "B":
            begun = Span(kind, i, i + 1)
        elif mark in ("S", ""):
            spans.append(Span(kind, i, i + 1))
            begun = None
        elif begun is None or mark == OUTSIDE or kind != begun.type:
            begun = None
        elif mark == "E":
            spans.append(Span(kind, begun.first, i + 1))
            begun = None
    return spans
