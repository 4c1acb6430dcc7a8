"""`clean --apply`: decisions of a review file, on labels in every spelling, checked before any is applied."""

from __future__ import annotations

import json

import polars as pl
import pytest

import tokkit
from tokkit.data.loading.load import read_dataset
from tokkit.data.row_hash import row_hash, row_hashes, row_labels
from tokkit.errors import InputError, UsageError

ROWS = "text,label\na b,joy\nc d,sad\ne f,joy\ng h,\n"
ONLY = {"rules": "none", "duplicates": "none", "leaks": "keep"}


def decide(dataset, path, decisions, split="train", **read):
    """A review file: row -> its decision, and a new label or a reason."""
    hashes = row_hashes(read_dataset(dataset, tokkit.DatasetOptions(**read)), split)
    lines = []
    for row, (decision, new_label) in decisions.items():
        record = {"split": split, "row": row, "hash": hashes[row], "decision": decision}
        lines.append(json.dumps({**record, "new_label": new_label, "reason": f"reason {row}"}) + "\n")
    path.write_text("".join(lines), "utf-8")
    return path


def test_a_hash_is_of_text_and_label_as_json():
    assert row_hash("low lower", "joy") == "823cddb0af6ae6ba"
    assert row_hash("기쁘다", None) == "99dc139ebf7e5a94"
    assert len({row_hash("a", label) for label in ("x", None, ["x"], [], ["x", "y"])}) == 5


def test_rows_are_relabeled_dropped_and_kept_and_the_receipt_says_why(write, tmp_path, heard):
    data = write("rows.csv", ROWS)
    decisions = {0: ("relabel", "sad"), 1: ("drop", None), 2: (None, None), 3: ("relabel", "joy")}
    review = decide(data, tmp_path / "review.jsonl", decisions)
    out = tmp_path / "clean.csv"
    result = tokkit.clean(data, out, apply=review, progress=heard)
    assert out.read_text("utf-8") == "text,label\na b,sad\ne f,joy\ng h,joy\n"
    applied = result.as_dict()["applied"]
    counts = {"keep": 0, "drop": 1, "relabel": 2, "undecided": 1, "changed_since": 0}
    assert {name: applied[name] for name in counts} == counts
    assert applied["labels"] == {"joy": {"sad": 1}, "": {"joy": 1}}
    assert result.dropped == {"decided in review": 1}
    assert "left 1 undecided row" in heard
    receipt = json.loads((tmp_path / "clean.csv.tokkit.json").read_text("utf-8"))["result"]
    assert receipt["applied"]["rows"][1] == {
        **{"split": "train", "row": 1, "decision": "drop", "label": "sad", "new_label": None},
        "reason": "reason 1",
    }
    assert receipt["settings"]["apply"] == receipt["sources"]["apply"] == "review.jsonl"
    assert [item["name"] for item in receipt["inputs"]] == ["rows.csv", "review.jsonl"]
    assert tokkit.reproduce(out).same
    dropped = json.loads((tmp_path / "clean.csv.dropped.jsonl").read_text("utf-8"))
    assert (dropped["row"], dropped["reason"], dropped["text"]) == (2, "decided in review", "c d")


def test_decisions_come_before_everything_else(write, tmp_path):
    """The relabeled copy no longer conflicts, and the dropped row is no leak and no duplicate."""
    write("data/train.csv", "text,label\nso good,joy\nso good,sad\nbad,sad\nnice,joy\n")
    write("data/test.csv", "text,label\nbad,sad\n")
    review = decide(tmp_path / "data", tmp_path / "r.jsonl", {1: ("relabel", "joy"), 2: ("drop", None)})
    result = tokkit.clean(tmp_path / "data", tmp_path / "out", apply=review, conflicts="drop")
    assert result.dropped == {"decided in review": 1, "exact duplicate": 1}
    assert (tmp_path / "out/train.csv").read_text("utf-8") == "text,label\nso good,joy\nnice,joy\n"


TOKENS = '{"tokens": ["EU", "said"], "tags": ["B-ORG", "O"]}\n{"tokens": ["Bonn"], "tags": ["B-LOC"]}\n'
SPELLINGS = {
    "numbers": ("a.csv", "text,label\na b,1\nc d,2\n", {}, "2", "2"),
    "numbers in JSON": ("a.jsonl", '{"text":"a b","label":1}\n{"text":"c d","label":2}\n', {}, "2", "2"),
    "true and false": (
        "a.jsonl",
        '{"text":"a b","label":true}\n{"text":"c d","label":false}\n',
        {},
        "false",
        "false",
    ),
    "names of numbers": ("a.csv", "text,label\na b,0\nc d,1\n", {"label_names": "0=n,1=y"}, "y", "y"),
    "within objects": (
        "a.jsonl",
        '{"text":"a b","meta":{"label":"x","n":1}}\n{"text":"c d","meta":{"label":"y","n":2}}\n',
        {"label_column": "meta.label"},
        "y",
        "y",
    ),
    "lists": (
        "a.jsonl",
        '{"text":"a b","labels":["x"]}\n{"text":"c d","labels":["y"]}\n',
        {},
        ["y", "x"],
        ["x", "y"],
    ),
    "no label": ("a.jsonl", '{"text":"a b","labels":["x"]}\n{"text":"c d","labels":["y"]}\n', {}, [], []),
    "lists of numbers": (
        "a.jsonl",
        '{"text":"a b","labels":[3]}\n{"text":"c d","labels":[7, 3]}\n',
        {},
        ["7"],
        ["7"],
    ),
    "lists of 1 and 0": (
        "a.jsonl",
        '{"text":"a b","labels":[1,0,0]}\n{"text":"c d","labels":[0,1,1]}\n',
        {},
        ["1", "2"],
        ["1", "2"],
    ),
    "lists as text": ("a.csv", "text,labels\na b,\"['x']\"\nc d,\"['y']\"\n", {}, ["x", "y"], ["x", "y"]),
    "lists of 1 and 0 as text": ("a.csv", 'text,labels\na b,"[1, 0]"\nc d,[1 1]\n', {}, "1", ["1"]),
    "a separator": (
        "a.csv",
        "text,label\na b,x;y\nc d,x\n",
        {"label_sep": ";", "label_column": "label"},
        "x",
        ["x"],
    ),
    "a column each": (
        "a.csv",
        "text,x,y\na b,1,0\nc d,0,0\n",
        {"label_column": "x,y"},
        ["y"],
        ["y"],
    ),
    "objects": (
        "a.jsonl",
        '{"text":"a b","cats":{"x":1.0,"y":0.0}}\n{"text":"c d","cats":{"x":0.0,"y":1.0}}\n',
        {},
        ["x", "y"],
        ["x", "y"],
    ),
    "tags": ("a.jsonl", TOKENS, {}, ["O", "B-LOC"], ["O", "B-LOC"]),
    "tags of CoNLL": (
        "a.conll",
        "EU\tB-ORG\nsaid\tO\n\nBonn\tB-LOC\n",
        {},
        "B-ORG I-ORG",
        ["B-ORG", "I-ORG"],
    ),
    "spans": (
        "a.jsonl",
        '{"text":"EU said","label":[[0,2,"ORG"]]}\n{"text":"in Bonn","label":[[3,7,"LOC"]]}\n',
        {},
        ["O", "B-LOC"],
        ["O", "B-LOC"],
    ),
    "spans as objects": (
        "a.jsonl",
        '{"text":"EU said","label":[{"start":0,"end":2,"text":"EU","labels":["ORG"],"id":"s1"}]}\n'
        '{"text":"in Bonn","label":[{"start":3,"end":7,"text":"Bonn","labels":["LOC"],"id":"s2"}]}\n',
        {},
        ["B-ORG", "B-LOC"],
        ["B-ORG", "B-LOC"],
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_new_label_is_written_as_the_column_spells_labels(name, write, tmp_path):
    """Read again, the row has it; the other row and the types of the columns are as they were."""
    file, content, read, new, expected = SPELLINGS[name]
    data = write(file, content)
    review = decide(data, tmp_path / "review.jsonl", {0: ("relabel", new)}, **read)
    out = tmp_path / f"out{data.suffix}"
    tokkit.clean(data, out, apply=review, **ONLY, **read)
    before, after = (
        read_dataset(path, tokkit.DatasetOptions(**{**read, "label_names": None})) for path in (data, out)
    )
    if "label_names" in read:
        before = read_dataset(data, tokkit.DatasetOptions(**read))
    labels = row_labels(after, "train")
    assert labels == [expected, row_labels(before, "train")[1]]
    if data.suffix == ".jsonl" and name != "spans":
        assert pl.read_ndjson(out).schema == pl.read_ndjson(data).schema


def test_the_receipt_writes_several_labels_and_tags_as_they_are_read(write, tmp_path):
    several = write("several.csv", "text,label\na b,joy|love\nc d,joy|sad\n")
    decisions = {0: ("relabel", ["joy", "sad"]), 1: ("relabel", [])}
    review = decide(several, tmp_path / "review.jsonl", decisions, label_sep="|")
    result = tokkit.clean(several, tmp_path / "out.csv", apply=review, label_sep="|")
    applied = result.as_dict()["applied"]
    assert applied["labels"] == {"joy|love": {"joy|sad": 1}, "joy|sad": {"|": 1}}
    tags = write("tags.jsonl", '{"tokens": ["EU", "said"], "ner_tags": ["B-ORG", "O"]}\n')
    review = decide(tags, tmp_path / "tags-review.jsonl", {0: ("relabel", ["O", "O"])})
    tokkit.clean(tags, tmp_path / "out.jsonl", apply=review)
    receipt = json.loads((tmp_path / "out.jsonl.tokkit.json").read_text("utf-8"))
    (row,) = receipt["result"]["applied"]["rows"]
    assert (row["label"], row["new_label"]) == ("B-ORG O", "O O")


@pytest.mark.parametrize("format", ["tsv", "json", "parquet", "arrow", "datasets"])
def test_every_format_is_written(format, write, tmp_path):
    data = write("rows.csv", ROWS)
    review = decide(data, tmp_path / "review.jsonl", {0: ("relabel", "sad"), 1: ("drop", None)})
    out = tmp_path / "out"
    tokkit.clean(data, out, apply=review, output_format=format)
    assert row_labels(
        read_dataset(out, tokkit.DatasetOptions(format=None if format == "datasets" else format)), "train"
    ) == ["sad", "joy"]


def test_rows_without_a_label_get_one_and_the_others_are_left_out(write, tmp_path):
    data = write("pool.txt", "so glad\nso sad\nso what\n")
    review = decide(data, tmp_path / "r.jsonl", {0: ("relabel", "joy"), 1: ("relabel", "sadness")})
    tokkit.clean(data, tmp_path / "labeled.csv", apply=review)
    assert (tmp_path / "labeled.csv").read_text("utf-8") == "text,label\nso glad,joy\nso sad,sadness\n"


HASH = row_hash("a b", "joy")
LINE = {"split": "train", "row": 0, "hash": HASH, "decision": "relabel", "new_label": "sad"}
BAD = {
    "changed since": (
        [{**LINE, "hash": "0" * 16}],
        r"review.jsonl: 1 row has changed since the review, of 1: row 0 of train",
        "changed_rows",
    ),
    "no such row": ([{**LINE, "row": 9}], "1 row has changed since the review", "changed_rows"),
    "another split": (
        [{**LINE, "split": "test"}],
        r":1: is about a row of test, and .* has train",
        "reviewed",
    ),
    "unknown label": (
        [{**LINE, "new_label": "jooy"}],
        r':1: unknown label "jooy" \(did you mean "joy"\?\): .*rows.csv has joy, sad',
        "new_labels=True",
    ),
    "two decisions": (
        [LINE, {**LINE, "decision": "drop", "new_label": None}],
        r'lines 1 and 2 decide differently about row 0 of train: relabel to "sad", and drop',
        "delete one",
    ),
    "unknown decision": (
        [{**LINE, "decision": "dorp"}],
        r'unknown decision "dorp" \(did you mean "drop"',
        "null",
    ),
    "no new label": (
        [{**LINE, "new_label": None}],
        ":1: relabel without a new_label",
        '"decision": "relabel"',
    ),
    "no decision": ([{**LINE, "decision": None}], '"new_label" with no decision', "correct that"),
    "several labels": (
        [{**LINE, "new_label": ["joy", "sad"]}],
        "2 new labels for a row that has one",
        "not a list",
    ),
    "no hash": ([{"split": "train", "row": 0}], 'has no "hash"', "head -n 3"),
    "no row": ([{**LINE, "row": "first"}], "\"row\" is 'first'", "head -n 3"),
    "no JSON": (["what"], ":1: is no JSON object", "head -n 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_decisions_is_one_sentence_and_nothing_is_written(name, write, tmp_path):
    lines, message, hint = BAD[name]
    data = write("rows.csv", ROWS)
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    review = write("review.jsonl", text)
    with pytest.raises(InputError, match=message) as raised:
        tokkit.clean(data, tmp_path / "out.csv", apply=review)
    assert hint in raised.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["review.jsonl", "rows.csv"]


def test_decisions_about_changed_rows_can_be_skipped_and_new_labels_accepted(write, tmp_path, heard):
    data = write("rows.csv", ROWS)
    other = {"split": "train", "row": 1, "hash": "f" * 16, "decision": "drop"}
    review = write("r.jsonl", f"{json.dumps({**LINE, 'new_label': 'awe'})}\n{json.dumps(other)}\n")
    options = {"apply": review, "changed_rows": "skip", "new_labels": True, "progress": heard}
    result = tokkit.clean(data, tmp_path / "out.csv", **options)
    assert (result.applied["relabel"], result.applied["drop"], result.applied["changed_since"]) == (1, 0, 1)
    assert "1 row has changed since the review, of 2: row 1 of train; skipped" in heard
    assert (tmp_path / "out.csv").read_text("utf-8").startswith("text,label\na b,awe\n")
    with pytest.raises(UsageError, match="new_labels: is about decisions"):
        tokkit.clean(data, tmp_path / "o.csv", new_labels=True)


def test_a_label_that_the_columns_cannot_hold_is_refused(write, tmp_path):
    data = write("a.csv", "text,x,y\na b,1,0\nc d,0,1\n")
    review = decide(data, tmp_path / "r.jsonl", {0: ("relabel", ["z"])}, label_column="x,y")
    with pytest.raises(InputError, match='1 and 0 in columns of x, y, and the new label "z" is none'):
        tokkit.clean(data, tmp_path / "o.csv", apply=review, new_labels=True, label_column="x,y")
    data = write("b.jsonl", TOKENS)
    review = decide(data, tmp_path / "r.jsonl", {0: ("relabel", ["O"])})
    with pytest.raises(InputError, match=":1: 1 tag for 2 tokens"):
        tokkit.clean(data, tmp_path / "o.jsonl", apply=review)
