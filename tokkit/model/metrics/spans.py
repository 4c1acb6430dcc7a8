"""Spans of tagged tokens, and their precision, recall and F1 by entity type, exactly as `seqeval` counts
them: as `seqeval.metrics.f1_score` by default, for IOBES and BILOU with ``mode="strict"`` and the scheme.

The O   European B-ORG   Union I-ORG   in O   Brussels B-LOC
->  (ORG, 1, 3), (LOC, 4, 5)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def span_scores(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], scheme: TagScheme
) -> dict[str, Any]:
    """Scores of the predicted tags of every row against the true ones.

    ``span_precision``, ``span_recall`` and ``span_f1`` are over all spans (micro); ``macro_f1`` and
    ``weighted_f1`` are means over the types that are true or predicted, weighted alike or by their true
    spans; ``classes`` has the scores of each type. A score without a denominator is 0.
    """
    expected: Counter[str] = Counter()
    returned: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    for true_tags, predicted_tags in zip(true, predicted, strict=True):
        true_spans, predicted_spans = spans_of(true_tags, scheme), spans_of(predicted_tags, scheme)
        expected.update(span.type for span in true_spans)
        returned.update(span.type for span in predicted_spans)
        correct.update(span.type for span in set(true_spans) & set(predicted_spans))
    kinds = sorted(set(expected) | set(returned))
    classes = {kind: _scores(correct[kind], returned[kind], expected[kind]) for kind in kinds}
    overall = _scores(correct.total(), returned.total(), expected.total())
    return {
        "span_f1": overall["f1"],
        "span_precision": overall["precision"],
        "span_recall": overall["recall"],
        "macro_f1": _mean([(scores["f1"], 1) for scores in classes.values()]),
        "weighted_f1": _mean([(scores["f1"], scores["support"]) for scores in classes.values()]),
        "classes": classes,
    }


def _scores(correct: int, returned: int, expected: int) -> dict[str, Any]:
    # F1 from the counts rather than from precision and recall, which are rounded.
    return {
        "precision": _share(correct, returned),
        "recall": _share(correct, expected),
        "f1": _share(2 * correct, returned + expected),
        "support": expected,
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def _mean(weighted: Sequence[tuple[float, int]]) -> float:
    total = sum(weight for _, weight in weighted)
    return round(sum(value * weight for value, weight in weighted) / total, 6) if total else 0.0
