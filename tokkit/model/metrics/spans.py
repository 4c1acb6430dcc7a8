"""Spans of tagged tokens, and their precision, recall and F1 by entity type, exactly as `seqeval` counts
them.

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
# BILOU writes the last token of a span as L and a span of one token as U, where IOBES has E and S.
_IOB = re.compile(r"O|[BIESLU](-.*)?")
_AS_IOBES = {"L": "E", "U": "S"}
_NO_TYPE = "_"


@dataclass(frozen=True)
class Span:
    """Tokens ``first`` to ``last`` (not included) are one entity of this type."""

    type: str
    first: int
    last: int


def are_iob(labels: Iterable[str]) -> bool:
    """Whether these tags mark where spans begin and continue: IOB, IOB2, IOBES or BILOU."""
    return all(_IOB.fullmatch(label) for label in labels)


def spans_of(tags: Sequence[str], iob: bool = True) -> list[Span]:
    """The spans of one row, in order.

    A span also begins where an I- tag follows another type or nothing, as in seqeval's default mode
    (`get_entities`), so every tagged token is in some span. Where tags are not ``iob``, as parts of speech,
    every token is a span of its own.

    >>> spans_of(["B-PER", "I-PER", "O", "I-LOC"])
    [Span(type='PER', first=0, last=2), Span(type='LOC', first=3, last=4)]
    """
    if not iob:
        return [Span(tag, i, i + 1) for i, tag in enumerate(tags)]
    spans: list[Span] = []
    inside = False
    for i, tag in enumerate(tags):
        prefix = _AS_IOBES.get(tag[:1], tag[:1])
        if prefix == OUTSIDE:
            inside = False
            continue
        kind = tag[2:] or _NO_TYPE
        if inside and prefix not in "BS" and spans[-1].type == kind:
            spans[-1] = Span(kind, spans[-1].first, i + 1)
        else:
            spans.append(Span(kind, i, i + 1))
        # E (IOBES) and L (BILOU) end a span, S and U are one of a single token: nothing continues them.
        inside = prefix not in "ES"
    return spans


def span_scores(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], iob: bool = True
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
        true_spans, predicted_spans = spans_of(true_tags, iob), spans_of(predicted_tags, iob)
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
