"""Examples of leaks, conflicts and duplicates, and what is counted of tags: against plain Python."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict

import pytest

from tokkit.inspection.stats import stats
from tokkit.views.reports import inspection as reports
from tokkit.views.reports.summary import headlines
from tokkit.views.tables import as_tsv

KINDS = ("leaks", "conflicts", "duplicates")


def _split(write, name, rows):
    write(f"d/{name}.csv", "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return [(name, number, text, label) for number, (text, label) in enumerate(rows, 1)]


def _expected(rows):
    """Kind -> text and rows of its two examples: of one kind alone first, of most rows, the shortest."""
    of_text = defaultdict(list)
    for split, number, text, label in rows:
        if text:
            of_text[text].append({"split": split, "row": number, "label": label or None})
    kinds = {}
    for text, places in of_text.items():
        labels = {place["label"] for place in places} - {None}
        splits = Counter(place["split"] for place in places)
        kinds[text] = [len(splits) > 1, len(labels) > 1, max(splits.values()) > 1]
    expected = {}
    for i, kind in enumerate(KINDS):
        texts = [text for text in of_text if kinds[text][i]]
        texts.sort(key=lambda t: (sum(kinds[t]), -len(of_text[t]), len(t.encode()), t.encode()))
        expected[kind] = []
        for text in texts[:2]:
            key = {"leaks": "split", "conflicts": "label"}.get(kind)
            places = of_text[text]
            if key is not None:
                places = list({place[key]: place for place in reversed(places) if place[key]}.values())
                places.sort(key=of_text[text].index)
            expected[kind].append({"text": text, "rows": places[:2]})
    return expected


@pytest.mark.parametrize("seed", range(4))
def test_examples_are_the_texts_of_most_rows_with_their_first_rows(write, tmp_path, seed):
    rng = random.Random(seed)
    texts = [*("a", "b b", "가 나", "👍🏽 gut", "ا ب", "c", "d", "e", "f"), *map(str, range(40)), ""]
    rows = []
    for name, n in (("train", 30), ("validation", 8), ("test", 8)):
        rows += _split(write, name, [(rng.choice(texts), rng.choice(["x", "y", ""])) for _ in range(n)])
    assert stats(tmp_path / "d").examples == _expected(rows)


def test_examples_of_pairs_are_compared_by_both_texts(write, tmp_path):
    rows = [("premise", "a", "x"), ("premise", "b", "x"), ("premise", "a", "y")]
    write("d.csv", "text,second,label\n" + "".join(f"{','.join(row)}\n" for row in rows))
    examples = stats(tmp_path / "d.csv", pair_column="second").examples
    places = [{"split": "train", "row": 1, "label": "x"}, {"split": "train", "row": 3, "label": "y"}]
    assert examples["conflicts"] == [{"text": "premise | a", "rows": places}]


def test_data_without_copies_has_no_examples(write, tmp_path):
    write("d.csv", "text,label\none,x\ntwo,y\n")
    result = stats(tmp_path / "d.csv")
    assert result.examples == {"leaks": [], "conflicts": [], "duplicates": []}
    assert reports.examples(result.as_dict()) == []


def test_a_long_text_is_shortened_where_it_is_displayed(write, tmp_path):
    text = "lang " * 300
    write("d.csv", f"text,label\n{text}x,a\n{text}x,a\n")
    (table,) = reports.examples(stats(tmp_path / "d.csv").as_dict())
    assert table.rows == [("duplicate", text[:119] + "…", "train 1 (a), train 2 (a)")]


def test_tags_and_entities_are_counted_and_rows_have_them_marked(write, tmp_path):
    train = [
        [("Mira", "B-PER"), ("Kim", "I-PER"), ("lives", "O"), ("in", "O"), ("서울", "B-LOC")],
        [("nothing", "O"), ("here", "O")],
        [("Seoul", "B-LOC"), ("Busan", "B-LOC")],
    ]
    for name, rows in (("train", train), ("test", train[2:])):
        lines = ["".join(f"{token}\t{tag}\n" for token, tag in row) for row in rows]
        write(f"d/{name}.conll", "\n".join(lines))
    result = stats(tmp_path / "d")
    assert result.splits["train"]["tags"] == {"O": 4, "B-LOC": 3, "B-PER": 1, "I-PER": 1}
    assert result.splits["train"]["entities"] == {"LOC": 3, "PER": 1}
    assert result.splits["test"]["entities"] == {"LOC": 2}
    assert result.rows_by_length("train") == {2: 2, 5: 1}, "a row counts once, whatever its tags"
    first = result.examples["entities"][0]
    assert (first["split"], first["row"], first["tokens"][-1]) == ("train", 1, "서울")
    spans = [{"type": "PER", "first": 0, "last": 2}, {"type": "LOC", "first": 4, "last": 5}]
    assert first["spans"] == spans
    printed = as_tsv(reports.stats(result.as_dict()))
    assert "\ntrain\t1\t[Mira Kim PER] lives in [서울 LOC]\ntrain\t3\t[Seoul LOC] [Busan LOC]\n" in printed
    assert (
        "# Entities\nlabel\ttrain\ttrain %\ttest\ttest %\nLOC\t3\t75.0%\t2\t100.0%\nPER\t1\t25.0%" in printed
    )
    (line,) = [line for line in headlines(result.as_dict()) if line.name == "entities"]
    assert (line.value, line.detail) == ("6", "LOC 5, PER 1; different tags: 4")


def test_parts_of_speech_are_tags_without_entities(write, tmp_path):
    write("d.conll", "Mira\tPROPN\nleft\tVERB\n\nKim\tPROPN\n")
    result = stats(tmp_path / "d.conll")
    assert result.splits["train"]["tags"] == {"PROPN": 2, "VERB": 1}
    assert result.splits["train"]["entities"] == {}
    assert result.examples["entities"] == []
    (line,) = [line for line in headlines(result.as_dict()) if line.name == "tags"]
    assert (line.value, line.detail) == ("3", "PROPN 2, VERB 1; different tags: 2")
    assert "# Entities" not in as_tsv(reports.stats(result.as_dict()))


def test_shares_of_classes_are_of_rows_where_a_row_may_have_several(write, tmp_path):
    labels = [["a", "b"], ["a"], ["a", "b"], []]
    rows = "".join(f'{{"text": "text {i}", "labels": {json.dumps(row)}}}\n' for i, row in enumerate(labels))
    write("d.jsonl", rows)
    result = stats(tmp_path / "d.jsonl").as_dict()
    lines = {line.name: line.detail for line in headlines(result)}
    assert lines["classes"] == "most a 75.0%, least b 50.0% of the rows; 1.2 labels a row"
    assert lines["conflicts"] == "texts with several sets of labels"
    table = "# Classes, in shares of all rows\nlabel\ttrain\ttrain %\na\t3\t75.0%\nb\t2\t50.0%\n"
    assert table in as_tsv(reports.stats(result))
