"""Labels that differ only in white space or case: named by `stats` and `clean`, and merged by `clean`."""

from __future__ import annotations

import json
import time
import unicodedata

import polars as pl
import pytest

import tokkit
from tokkit.data import label_spellings
from tokkit.errors import UsageError

CSV = "text,label\nwarm rolls,good\ncold soup,bad\nnice view,good \nrude staff, bad\nquiet room,Good\n"


@pytest.mark.parametrize(
    ("rows", "spellings"),
    [
        ({"good": 1, "Good": 1, "good ": 1, "bad": 4}, {"good": ["Good", "good", "good "]}),
        ({"Good": 2, "good": 2}, {"Good": ["Good", "good"]}),
        ({"very good": 1, "very  good": 9, "\ufeffvery\u00a0good": 1}, None),
        ({"STRASSE": 3, "Straße": 1}, {"STRASSE": ["STRASSE", "Straße"]}),
        ({"좋음": 1, "\u110c\u1169\u11c2\u110b\u1173\u11b7": 2}, None),
        ({"ΣΊΣΥΦΟΣ": 1, "Σίσυφος": 2}, None),
        ({"جيد": 1, "جيد ": 1}, None),
        ({"1": 2, "1.0": 1, "2.0": 1, "1.5": 1, "v1.0": 1, "v1": 1}, {"1": ["1", "1.0"]}),
        ({"1": 1, "01": 1, "a": 1, "á": 1, " ": 1, "  ": 1, "②": 1, "2": 1}, {}),
    ],
)
def test_label_spellings_alike(rows, spellings):
    result = label_spellings.alike(rows)
    if spellings is not None:
        assert result == spellings
    else:
        [labels] = result.values()
        assert sorted(labels) == sorted(rows)
        assert not any(name.isspace() or "  " in name for name in result)


def test_label_spellings_of_a_letter_with_many_marks_take_no_minute():
    label = "a" + "\u0301\u0323" * 100_000
    start = time.process_time()
    assert len(label_spellings.alike({label: 1, f"{label} ": 1})) == 1
    assert time.process_time() - start < 10


def test_label_spellings_are_a_finding_of_stats(write):
    path = write("a.csv", CSV)
    [finding] = [f for f in tokkit.stats(path).findings if f.rule == "label-spellings"]
    assert finding.message == (
        'labels differ only in white space, case, Unicode form or a final .0: " bad" and "bad"; '
        '"Good" and "good" and "good "'
    )
    assert finding.fix == f"make them one:\ntokkit clean {path} -o cleaned.csv --labels merge"


def test_label_spellings_in_two_splits_are_a_finding(write, tmp_path):
    write("data/train.csv", "text,label\na,good\nb,bad\n")
    write("data/test.csv", "text,label\nc,Good\nd,bad\n")
    assert "label-spellings" in {finding.rule for finding in tokkit.stats(tmp_path / "data").findings}
    tokkit.clean(tmp_path / "data", tmp_path / "out", labels="merge")
    result = tokkit.stats(tmp_path / "out")
    assert "label-spellings" not in {finding.rule for finding in result.findings}
    assert set(result.splits["test"]["classes"]) == {"bad", "Good"}


def test_label_spellings_are_named_by_clean_and_stay(write, heard, tmp_path):
    path = write("a.csv", CSV)
    result = tokkit.clean(path, tmp_path / "out.csv", progress=heard)
    assert result.merged_labels == {}
    assert (tmp_path / "out.csv").read_text() == CSV
    assert "makes them one" in heard


def test_label_spellings_are_merged_and_the_receipt_says_so(write, tmp_path):
    result = tokkit.clean(write("a.csv", CSV), tmp_path / "out.csv", labels="merge")
    merged = {"bad": {" bad": 1, "bad": 1}, "good": {"Good": 1, "good": 1, "good ": 1}}
    assert result.merged_labels == merged
    labels = pl.read_csv(tmp_path / "out.csv")["label"].to_list()
    assert labels == ["good", "bad", "good", "bad", "good"]
    receipt = json.loads((tmp_path / "out.csv.tokkit.json").read_text())
    assert receipt["result"]["merged_labels"] == merged


def test_label_spellings_of_a_copy_are_no_conflict_once_merged(write, tmp_path):
    path = write("a.csv", "text,label\na,good\na,Good\nb,bad\n")
    assert tokkit.clean(path, tmp_path / "1.csv").conflicts["texts"] == 1
    result = tokkit.clean(path, tmp_path / "2.csv", labels="merge")
    assert (result.conflicts["texts"], result.dropped) == (0, {"exact duplicate": 1})
    dropped = json.loads((tmp_path / "2.csv.dropped.jsonl").read_text())
    assert dropped["label"] == "Good"  # as it was read


def test_label_spellings_within_objects_are_merged(write, tmp_path):
    rows = [{"text": "a", "meta": {"mood": "Good", "n": 1}}, {"text": "b", "meta": {"mood": "good", "n": 2}}]
    path = write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    tokkit.clean(path, tmp_path / "out.jsonl", labels="merge", label_column="meta.mood")
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["meta"] for row in written] == [{"mood": "Good", "n": 1}, {"mood": "Good", "n": 2}]


def test_label_spellings_of_lists_are_refused_with_another_way(write, tmp_path):
    path = write("a.jsonl", '{"text": "a", "labels": ["x", "X"]}\n{"text": "b", "labels": ["x"]}\n')
    with pytest.raises(UsageError, match="lists of labels") as caught:
        tokkit.clean(path, tmp_path / "out.jsonl", labels="merge")
    assert caught.value.hint == "give one of them another name (label_names)"
    [finding] = [f for f in tokkit.stats(path).findings if f.rule == "label-spellings"]
    assert finding.fix == "give them one name (--label-names)"


def test_label_spellings_that_look_alike_say_which_is_decomposed():
    decomposed = unicodedata.normalize("NFD", "긍정")
    assert label_spellings.sentence(label_spellings.alike({"긍정": 3, decomposed: 1})).endswith(
        f'"{decomposed}" (decomposed letters) and "긍정"'
    )
