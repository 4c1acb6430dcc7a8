"""Spans of tagged tokens, and their precision, recall and F1 by entity type, exactly as `seqeval` counts
them: as `seqeval.metrics.f1_score` by default, for IOBES and BILOU with ``mode="strict"`` and the scheme.

The O   European B-ORG   Union I-ORG   in O   Brussels B-LOC
->  (ORG, 1, 3), (LOC, 4, 5)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tokkit.data.tag_schemes import TagScheme
from tokkit.data.tag_spans import spans_of
from tokkit.model.metrics.classification import rounded, weighted_mean


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
    # Of the counts: means of rounded scores would be off by a digit.
    f1 = [2 * correct[kind] / (returned[kind] + expected[kind]) for kind in kinds]
    support = [expected[kind] for kind in kinds]
    overall = _scores(correct.total(), returned.total(), expected.total())
    return {
        "span_f1": overall["f1"],
        "span_precision": overall["precision"],
        "span_recall": overall["recall"],
        "macro_f1": rounded(weighted_mean(f1)) if kinds else 0.0,
        "weighted_f1": rounded(weighted_mean(f1, support)) if any(support) else 0.0,
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
