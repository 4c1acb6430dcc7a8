"""Spans of tagged tokens, and their precision, recall and F1 by entity: exactly as `seqeval` counts them.

The O   European B-ORG   Union I-ORG   in O   Brussels B-LOC
->  (ORG, 1, 3), (LOC, 4, 5)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

OUTSIDE = "O"
_IOB = re.compile(r"O|[BIESLU](-.*)?")
_AS_IOBES = {"L": "E", "U": "S"}
_NO_TYPE = "_"


@dataclass(frozen=True)
class Span:
    """Tokens ``first`` to ``last``, the last one not included, are one entity of this type."""

    type: str
    first: int
    last: int


def are_iob(labels: Iterable[str]) -> bool:
    """Whether these tags say where spans begin and go on: IOB, IOB2, IOBES or BILOU."""
    return all(_IOB.fullmatch(label) for label in labels)


def spans_of(tags: Sequence[str], iob: bool = True) -> list[Span]:
    """The spans of one row, in order.

    A span also begins where an I- tag follows another type or nothing, as in seqeval's default mode
    (`get_entities`), so every tagged token is in some span. Of tags that are no ``iob``, parts of speech say,
    every token is a span of its own.

    >>> spans_of(["B-PER", "I-PER", "O", "I-LOC"])
    [Span(type='PER', first=0, last=2), Span(type='LOC', first=3, last=4)]
    """
    if not iob:
        return [Span(tag, i, i + 1) for i, tag in enumerate(tags)]
    spans: list[Span] = []
    goes_on = False
    for i, tag in enumerate(tags):
        prefix = _AS_IOBES.get(tag[:1], tag[:1])
        if prefix == OUTSIDE:
            goes_on = False
            continue
        kind = tag[2:] or _NO_TYPE
        if goes_on and prefix not in "BS" and spans[-1].type == kind:
            spans[-1] = Span(kind, spans[-1].first, i + 1)
        else:
            spans.append(Span(kind, i, i + 1))
        goes_on = prefix not in "ES"
    return spans


def span_scores(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], iob: bool = True
) -> dict[str, Any]:
    """Scores of the predicted tags of every row against the true ones.

    ``span_precision``, ``span_recall`` and ``span_f1`` are over all spans (micro); ``macro_f1`` and
    ``weighted_f1`` are means over the types that are true or predicted, the second by their true spans;
    ``classes`` has the figures of each type. What has no denominator is 0.
    """
    wanted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for true_tags, predicted_tags in zip(true, predicted, strict=True):
        true_spans, predicted_spans = spans_of(true_tags, iob), spans_of(predicted_tags, iob)
        wanted.update(span.type for span in true_spans)
        found.update(span.type for span in predicted_spans)
        right.update(span.type for span in set(true_spans) & set(predicted_spans))
    kinds = sorted(set(wanted) | set(found))
    classes = {kind: _scores(right[kind], found[kind], wanted[kind]) for kind in kinds}
    overall = _scores(right.total(), found.total(), wanted.total())
    return {
        "span_f1": overall["f1"],
        "span_precision": overall["precision"],
        "span_recall": overall["recall"],
        "macro_f1": _mean([(each["f1"], 1) for each in classes.values()]),
        "weighted_f1": _mean([(each["f1"], each["support"]) for each in classes.values()]),
        "classes": classes,
    }


def _scores(right: int, found: int, wanted: int) -> dict[str, Any]:
    # F1 as the harmonic mean of counts, so that nothing is rounded before the end
    return {
        "precision": _share(right, found),
        "recall": _share(right, wanted),
        "f1": _share(2 * right, found + wanted),
        "support": wanted,
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def _mean(weighted: Sequence[tuple[float, int]]) -> float:
    total = sum(weight for _, weight in weighted)
    return round(sum(value * weight for value, weight in weighted) / total, 6) if total else 0.0
