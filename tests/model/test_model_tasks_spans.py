"""Spans and their scores against `seqeval`, whose counts the field publishes."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.data.tag_schemes import TagScheme
from tokkit.data.tag_spans import Span, spans_of
from tokkit.model.metrics.spans import span_scores

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from seqeval.metrics import classification_report, f1_score
    from seqeval.metrics.sequence_labeling import get_entities
    from seqeval.scheme import BILOU, IOBES

KINDS = ("PER", "LOC", "a-b")
IOB_TAGS = ["O", *(f"{mark}-{kind}" for mark in "BI" for kind in KINDS)]
IOBES_TAGS = [*IOB_TAGS, *(f"{mark}-{kind}" for mark in "ES" for kind in KINDS)]
BILOU_TAGS = [*IOB_TAGS, *(f"{mark}-{kind}" for mark in "LU" for kind in KINDS)]
# the tags of each scheme, its name, and what `seqeval` is to be called with
SCHEMES = {
    "IOB": (IOB_TAGS, {}),
    "IOBES": (IOBES_TAGS, {"mode": "strict", "scheme": IOBES}),
    "BILOU": (BILOU_TAGS, {"mode": "strict", "scheme": BILOU}),
}
# other ways to write the same tags
SPELLINGS = {
    "underscore": lambda tag: tag.replace("-", "_", 1),
    "suffix": lambda tag: tag if tag == "O" else f"{tag[2:]}-{tag[0]}",
    "lower case": str.lower,
    "0 for O": lambda tag: tag.replace("O", "0") if tag == "O" else tag,
}


def pairs_of(tags):
    """True and predicted tags of some rows; runs of one type, so that whole entities are among them."""
    row = st.integers(1, 9).flatmap(
        lambda n: st.tuples(*[st.lists(st.sampled_from(tags), min_size=n, max_size=n)] * 2)
    )
    return st.lists(row, min_size=1, max_size=6)


def of_seqeval(function, *rows, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*rows, **settings)


@given(st.lists(st.sampled_from([*IOBES_TAGS, "B", "I"]), max_size=30))
def test_spans_are_those_of_seqeval(tags):
    theirs = [(kind, first, last + 1) for kind, first, last in of_seqeval(get_entities, tags)]
    assert [(span.type, span.first, span.last) for span in spans_of(tags, TagScheme("IOB"))] == theirs


@pytest.mark.parametrize("name", SCHEMES)
@given(data=st.data())
def test_scores_are_those_of_seqeval(name, data):
    tags, settings = SCHEMES[name]
    # Few types: random tags are whole entities now and then.
    pairs = data.draw(pairs_of(tags if data.draw(st.booleans()) else [t for t in tags if "PER" in t]))
    true, predicted = [list(one) for one, _ in pairs], [list(other) for _, other in pairs]
    scheme = TagScheme.of(tags)
    assert scheme == TagScheme(name)
    ours = span_scores(true, predicted, scheme)
    if not any(spans_of(row, scheme) for row in (*true, *predicted)):
        assert (ours["classes"], ours["span_f1"], ours["macro_f1"]) == ({}, 0, 0)
        return
    assert ours["span_f1"] == pytest.approx(of_seqeval(f1_score, true, predicted, **settings), abs=1e-6)
    theirs = of_seqeval(classification_report, true, predicted, output_dict=True, zero_division=0, **settings)
    micro = theirs.pop("micro avg")
    assert [ours[f"span_{score}"] for score in ("precision", "recall", "f1")] == pytest.approx(
        [micro["precision"], micro["recall"], micro["f1-score"]], abs=1e-6
    )
    assert ours["macro_f1"] == pytest.approx(theirs.pop("macro avg")["f1-score"], abs=1e-6)
    assert ours["weighted_f1"] == pytest.approx(theirs.pop("weighted avg")["f1-score"], abs=1e-6)
    assert set(ours["classes"]) == set(theirs)
    for kind, scores in theirs.items():
        assert ours["classes"][kind] == {
            **{score: pytest.approx(scores[score], abs=1e-6) for score in ("precision", "recall")},
            "f1": pytest.approx(scores["f1-score"], abs=1e-6),
            "support": scores["support"],
        }


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", SCHEMES)
@given(data=st.data())
def test_each_spelling_of_a_scheme_gives_the_same_score(name, spelling, data):
    tags, _ = SCHEMES[name]
    pairs, respell = data.draw(pairs_of(tags)), SPELLINGS[spelling]
    plain = span_scores(*map(list, zip(*pairs, strict=True)), TagScheme.of(tags))
    scheme = TagScheme.of(map(respell, tags))
    assert scheme == TagScheme(name, suffix=spelling == "suffix")
    respelled = [[list(map(respell, row)) for row in pair] for pair in pairs]
    spelled = span_scores(*map(list, zip(*respelled, strict=True)), scheme)
    assert {kind.lower(): scores for kind, scores in spelled.pop("classes").items()} == {
        kind.lower(): scores for kind, scores in plain.pop("classes").items()
    }
    assert spelled == plain


def test_the_scheme_is_that_of_most_tags():
    named = {
        "IOB": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-PER", "MISC"],
        "IOBES": ["O", "B-PER", "I-PER", "E-PER", "S-PER", "S-LOC", "MISC"],
        "BILOU": ["0", "U-PER", "B-LOC", "L-LOC"],
        "IO": ["O", "PER", "LOC", "B-ORG"],
        "none": ["NOUN", "VERB", "ADP", "B", "."],
    }
    assert {name: TagScheme.of(tags).name for name, tags in named.items()} == {name: name for name in named}
    assert TagScheme.of(["O", "I-PER", "I-LOC", "B-LOC"]).name == "IOB", "IOB1"
    assert TagScheme.of(["O"]).name == "IO"
    assert TagScheme.of(["o", "사람-b", "사람-i"]) == TagScheme("IOB", suffix=True)


def test_one_odd_tag_changes_its_own_entity_only():
    tags = ["B-PER", "I-PER", "O", "MISC", "O", "B-LOC", "I-LOC"]
    scheme = TagScheme.of(tags)
    assert spans_of(tags, scheme) == [Span("PER", 0, 2), Span("MISC", 3, 4), Span("LOC", 5, 7)]
    assert scheme.odd(tags) == ["MISC"]
    assert span_scores([tags], [["O"] * 7], scheme)["span_f1"] == 0.0
    # as in IOBES, where it completes nothing
    tags = ["B-PER", "E-PER", "O", "MISC", "O", "S-LOC"]
    assert spans_of(tags, TagScheme.of(tags)) == [Span("PER", 0, 2), Span("MISC", 3, 4), Span("LOC", 5, 6)]


def test_tags_without_marks_are_runs_next_to_o():
    tags = ["PER", "PER", "O", "LOC"]
    scheme = TagScheme.of(tags)
    assert spans_of(tags, scheme) == [Span("PER", 0, 2), Span("LOC", 3, 4)]
    assert span_scores([tags], [["PER", "O", "O", "LOC"]], scheme)["span_f1"] == of_seqeval(
        f1_score, [tags], [["PER", "O", "O", "LOC"]]
    )


def test_parts_of_speech_are_spans_of_one_token():
    tags = ["NOUN", "VERB", "NOUN"]
    scheme = TagScheme.of(tags)
    assert spans_of(tags, scheme) == [Span("NOUN", 0, 1), Span("VERB", 1, 2), Span("NOUN", 2, 3)]
    # O is what a truncated token gets
    assert spans_of(["NOUN", "O"], scheme) == [Span("NOUN", 0, 1)]
    scores = span_scores([tags], [["NOUN", "NOUN", "NOUN"]], scheme)
    assert scores["span_f1"] == pytest.approx(2 / 3, abs=1e-6)
    assert scores["classes"]["VERB"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}


def test_a_type_gets_the_tags_of_longer_entities():
    schemes = [["O", "B-PER"], ["o", "per_b"], ["O", "S-PER", "B-LOC", "E-LOC"], ["NOUN", "VERB"]]
    assert [sorted(TagScheme.of(tags).complete(tags)) for tags in schemes] == [
        ["B-PER", "I-PER", "O"],
        ["o", "per_b", "per_i"],
        [*(f"{mark}-{kind}" for mark in "BEI" for kind in ("LOC", "PER")), "O", "S-LOC", "S-PER"],
        ["NOUN", "VERB"],
    ]


def test_means_do_not_depend_on_the_order_of_the_types():
    # In lower case, the types have another order; a plain sum in that order rounds to 0.371428.
    true = [
        ["O", "O", "B-PER", "B-a-b", "B-LOC", "B-a-b"],
        ["B-LOC", "B-a-b", "B-PER", "B-PER", "B-a-b", "B-LOC"],
    ]
    predicted = [
        ["B-PER", "B-PER", "B-a-b", "B-LOC", "B-a-b", "B-LOC"],
        ["B-LOC", "B-a-b", "O", "B-PER", "B-PER", "B-LOC"],
    ]
    scores = [
        span_scores(
            *([[spell(tag) for tag in row] for row in rows] for rows in (true, predicted)), TagScheme("IOB")
        )
        for spell in (str, lambda tag: tag if tag == "O" else tag[:2] + tag[2:].lower())
    ]
    assert [each["weighted_f1"] for each in scores] == [0.371429] * 2
    assert scores[0]["macro_f1"] == scores[1]["macro_f1"]
