"""Spans and their scores against `seqeval`, whose counts the field publishes."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.model.metrics.spans import Span, are_iob, span_scores, spans_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from seqeval.metrics import classification_report
    from seqeval.metrics.sequence_labeling import get_entities

TAGS = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in ("PER", "LOC", "a-b"))]
IOBES = [*TAGS, *(f"{prefix}-{kind}" for prefix in "ES" for kind in ("PER", "LOC"))]
PAIRS = st.lists(
    st.integers(1, 9).flatmap(
        lambda n: st.tuples(*[st.lists(st.sampled_from(TAGS), min_size=n, max_size=n)] * 2)
    ),
    min_size=1,
    max_size=6,
)


@given(st.lists(st.sampled_from([*IOBES, "B", "I"]), max_size=30))
def test_spans_are_those_of_seqeval(tags):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = [(kind, first, last + 1) for kind, first, last in get_entities(tags)]
    assert [(span.type, span.first, span.last) for span in spans_of(tags)] == theirs


@given(PAIRS)
def test_scores_are_those_of_seqeval(pairs):
    true, predicted = [list(one) for one, _ in pairs], [list(other) for _, other in pairs]
    ours = span_scores(true, predicted)
    if not any(spans_of(row) for row in (*true, *predicted)):
        assert (ours["classes"], ours["span_f1"], ours["macro_f1"]) == ({}, 0, 0)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = classification_report(true, predicted, output_dict=True, zero_division=0)
    micro = theirs.pop("micro avg")
    assert [ours[f"span_{name}"] for name in ("precision", "recall", "f1")] == pytest.approx(
        [micro["precision"], micro["recall"], micro["f1-score"]], abs=1e-6
    )
    assert ours["macro_f1"] == pytest.approx(theirs.pop("macro avg")["f1-score"], abs=1e-6)
    assert ours["weighted_f1"] == pytest.approx(theirs.pop("weighted avg")["f1-score"], abs=1e-6)
    assert set(ours["classes"]) == set(theirs)
    for kind, scores in theirs.items():
        assert ours["classes"][kind] == {
            **{name: pytest.approx(scores[name], abs=1e-6) for name in ("precision", "recall")},
            "f1": pytest.approx(scores["f1-score"], abs=1e-6),
            "support": scores["support"],
        }


def test_bilou_is_read_as_iobes():
    bilou = ["U-PER", "U-PER", "B-LOC", "I-LOC", "L-LOC", "I-LOC"]
    iobes = ["S-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "I-LOC"]
    assert spans_of(bilou) == spans_of(iobes)
    assert len(spans_of(bilou)) == 4


def test_parts_of_speech_are_spans_of_one_token():
    tags = ["NOUN", "VERB", "NOUN"]
    assert [are_iob(labels) for labels in (tags, TAGS, ["B", "I", "O"])] == [False, True, True]
    assert spans_of(tags, iob=False) == [Span("NOUN", 0, 1), Span("VERB", 1, 2), Span("NOUN", 2, 3)]
    scores = span_scores([tags], [["NOUN", "NOUN", "NOUN"]], iob=False)
    assert scores["span_f1"] == pytest.approx(2 / 3, abs=1e-6)
    assert scores["classes"]["VERB"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
