"""`clean` on files: what is written and reported, and that a dry run reports the same and writes nothing."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokkit
from tokkit.data.cleaning.clean import clean
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.views.reports.data import clean as tables

DIRTY = [
    ("A good<br />film &amp; more", "pos"),
    ("  A  good film & more ", "pos"),
    ("a GOOD film, & more!", "neg"),
    ("bad\u200b film", "neg"),
    ("bad film", "pos"),
    ("\x07\x1b[0m", "pos"),
    ("", "neg"),
    ("no label here", ""),
    ("tab\there, lost \ufffd", "pos"),
]
"""Row 2 is row 1 once repaired, row 3 when normalized; rows 4 and 5 contradict each other."""


@pytest.fixture
def dirty(write):
    def quoted(text):
        return '"' + text.replace('"', '""') + '"' if text else ""

    rows = "".join(f"{i},{quoted(text)},{label}\n" for i, (text, label) in enumerate(DIRTY, 1))
    return write("dirty.csv", f"id,text,label\n{rows}")


def table(path):
    return pl.read_csv(path, infer_schema=False).rows()


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_clean_a_file(dirty, tmp_path, heard):
    result = clean(dirty, tmp_path / "out.csv", progress=heard)
    assert table(tmp_path / "out.csv") == [
        ("1", "A good film & more", "pos"),
        ("3", "a GOOD film, & more!", "neg"),
        ("4", "bad film", "neg"),
        ("9", "tab here, lost \ufffd", "pos"),
    ]
    assert (result.rows_before, result.rows_after) == (9, 4)
    assert result.dropped == {"exact duplicate": 2, "empty": 1, "missing text": 1, "missing label": 1}
    assert {rule: n for rule, n in result.repaired.items() if n} == {
        **{"html": 1, "br": 1, "escapes": 1, "controls": 1, "zero-width": 1, "spaces": 2}
    }
    assert list(result.repaired)[:2] == ["html", "br"]
    assert result.conflicts == {"texts": 1, "rows": 2}
    assert result.replacement_characters == 1
    assert "1 repaired text has conflicting labels, in 2 rows; --conflicts drop" in heard
    assert "1 row has U+FFFD" in heard


def test_clean_every_dropped_row_is_written_as_it_was_read_with_its_reason(dirty, tmp_path):
    clean(dirty, tmp_path / "out.csv")
    gone = lines(tmp_path / "out.csv.dropped.jsonl")
    assert [(row["row"], row["reason"], row["kept_split"], row["kept_row"]) for row in gone] == [
        (2, "exact duplicate", "train", 1),
        (5, "exact duplicate", "train", 4),
        (6, "empty", None, None),
        (7, "missing text", None, None),
        (8, "missing label", None, None),
    ]
    kept_texts = {row[0] for row in table(tmp_path / "out.csv")}
    assert kept_texts | {row["id"] for row in gone} == {str(i) for i in range(1, 10)}
    for row in gone:
        assert (row["text"] or "", row["label"] or "") == DIRTY[row["row"] - 1]


def test_clean_the_receipt_holds_counts_and_no_texts(dirty, tmp_path):
    result = clean(dirty, tmp_path / "out.csv", rules=["br"], max_words=7)
    receipt = json.loads((tmp_path / "out.csv.tokkit.json").read_text("utf-8"))
    assert receipt["command"] == "clean"
    assert receipt["result"]["dropped"] == result.dropped
    assert receipt["result"]["settings"]["rules"] == ["br"]
    assert "good" not in json.dumps(receipt)


def test_clean_a_dry_run_tells_the_same_and_writes_nothing(dirty, tmp_path):
    before = sorted(tmp_path.iterdir())
    tried = clean(dirty, dry_run=True)
    assert sorted(tmp_path.iterdir()) == before
    done = clean(dirty, tmp_path / "out.csv").as_dict()
    assert {**tried.as_dict(), "dry_run": False, "output": str(tmp_path / "out.csv")} == done
    assert (tried.dry_run, tried.output) == (True, None)
    assert tried.examples["repaired"]["br"] == [
        {"before": "A good<br />film & more", "after": "A good film & more"}
    ]
    assert tried.examples["dropped"]["empty"] == [
        {
            "split": "train",
            "row": 6,
            "reason": "empty",
            "kept_split": None,
            "kept_row": None,
            "text": "\x07\x1b[0m",
        }
    ]


def test_clean_what_was_cleaned_is_clean(dirty, tmp_path):
    for name, plan in {
        "plain": {},
        "near": {"duplicates": "near", "conflicts": "majority", "keep": "longest"},
        "all": {"rules": ["all"], "duplicates": "normalized", "conflicts": "drop", "min_words": 2},
    }.items():
        clean(dirty, tmp_path / f"{name}.csv", **plan)
        again = clean(tmp_path / f"{name}.csv", tmp_path / f"{name}2.csv", **plan)
        assert again.dropped == {}
        assert not any(again.repaired.values())
        assert (tmp_path / f"{name}.csv").read_bytes() == (tmp_path / f"{name}2.csv").read_bytes()
        assert not (tmp_path / f"{name}2.csv.dropped.jsonl").exists()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.sampled_from(["x", "y"])), min_size=1, max_size=12))
def test_clean_random_tables_twice_are_once(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("random")
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_parquet(folder / "a.parquet")
    try:
        clean(folder / "a.parquet", folder / "b.parquet", duplicates="normalized", conflicts="drop")
    except InputError as error:
        assert "no row is left" in error.message  # noqa: PT017
        return
    again = clean(folder / "b.parquet", folder / "c.parquet", duplicates="normalized", conflicts="drop")
    assert again.dropped == {}
    assert pl.read_parquet(folder / "b.parquet").equals(pl.read_parquet(folder / "c.parquet"))


@pytest.mark.parametrize(
    ("plan", "ids"),
    [
        ({"duplicates": "none"}, "1 2 3 4 5 9"),
        ({"duplicates": "normalized"}, "1 4 9"),
        ({"duplicates": "normalized", "keep": "longest"}, "3 4 9"),
        ({"duplicates": "normalized", "keep": "majority-label"}, "1 4 9"),
        ({"conflicts": "drop"}, "1 3 9"),
        ({"conflicts": "majority"}, "1 3 9"),
        ({"conflicts": "drop", "duplicates": "none"}, "1 2 3 9"),
        ({"conflicts": "majority", "duplicates": "normalized"}, "1 9"),
        ({"rules": ["none"]}, "1 2 3 4 5 6 9"),
        ({"rules": ["default", "lower"]}, "1 3 4 9"),
        ({"min_words": 3}, "1 3 9"),
        ({"max_words": 4}, "4 9"),
        ({"min_characters": 9}, "1 3 9"),
        ({"max_characters": 8}, "4"),
    ],
)
def test_clean_plans(dirty, tmp_path, plan, ids):
    result = clean(dirty, tmp_path / "out.csv", **plan)
    assert " ".join(row[0] for row in table(tmp_path / "out.csv")) == ids
    assert result.rows_after == len(ids.split()) == 9 - sum(result.dropped.values())


@pytest.fixture
def folder(write, tmp_path):
    """Splits whose texts are the same once repaired: leaks that only cleaning shows."""
    write("d/train.csv", "text,label\nshared&amp;one,x\nown,x\nown ,y\n two,y\n,x\n")
    write("d/validation.csv", "text,label\nshared&one,x\nval,y\nval,y\n")
    write("d/test.csv", "text,label\n two ,y\nshared&one,x\ntest,x\n")
    return tmp_path / "d"


def test_clean_a_folder_drops_leaks_from_train_alone(folder, tmp_path):
    result = clean(folder, tmp_path / "out")
    out = read_dataset(tmp_path / "out")
    assert {name: out.texts(name).to_list() for name in out.splits} == {
        "train": ["own"],
        "validation": ["shared&one", "val"],
        "test": ["two", "shared&one", "test"],
    }
    assert result.splits["train"]["dropped"] == {
        "in another split": 2,
        "exact duplicate": 1,
        "missing text": 1,
    }
    assert result.splits["validation"]["dropped"] == {"exact duplicate": 1}
    assert result.splits["test"] == {"rows_before": 3, "rows_after": 3, "dropped": {}}
    gone = lines(tmp_path / "out" / "dropped.jsonl")
    assert [(row["split"], row["row"], row["kept_split"], row["kept_row"]) for row in gone] == [
        ("train", 1, "validation", 1),
        ("train", 3, "train", 2),
        ("train", 4, "test", 1),
        ("train", 5, None, None),
        ("validation", 3, "validation", 2),
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("dropped.jsonl", "test.csv", "tokkit.json", "train.csv", "validation.csv")
    ]
    assert result.dropped == {"in another split": 2, "exact duplicate": 2, "missing text": 1}


def test_clean_a_folder_keeps_leaks_on_request(folder, tmp_path):
    clean(folder, tmp_path / "out", leaks="keep")
    assert read_dataset(tmp_path / "out").texts("train").to_list() == ["shared&one", "own", "two"]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".json", ".parquet", ".arrow", ".csv.gz"])
def test_clean_formats(dirty, tmp_path, ending):
    clean(dirty, tmp_path / f"out{ending}")
    out = read_dataset(tmp_path / f"out{ending}")
    assert out.texts("train").to_list()[:2] == ["A good film & more", "a GOOD film, & more!"]
    assert out.labels("train").to_list() == ["pos", "neg", "neg", "pos"]


def test_clean_a_text_file_without_labels(write, tmp_path):
    clean(write("a.txt", "one<br>two\n \n\none two\nthree\n"), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "one two\nthree\n"


def test_clean_keeps_the_other_columns_and_their_types(tmp_path):
    columns = {
        "n": [1, 2, None],
        "when": pl.Series(["2020-01-01", None, "2021-01-01"]).str.to_date(),
        "text": ["a<br>b", "a b", "c"],
        "label": pl.Series([1, 1, 0], dtype=pl.Int8),
        "list": [[1], [2, 3], []],
        "raw": [b"\x00\xff", b"\xfe", None],
        "reason": ["mine", "yours", None],
    }
    frame = pl.DataFrame(columns)
    frame.write_parquet(tmp_path / "a.parquet")
    clean(tmp_path / "a.parquet", tmp_path / "b.parquet")
    back = pl.read_parquet(tmp_path / "b.parquet")
    assert back.schema == frame.schema
    assert back.drop("text").equals(frame.drop("text")[[0, 2]])
    assert lines(tmp_path / "b.parquet.dropped.jsonl") == [
        {
            **{"split": "train", "row": 2, "reason": "exact duplicate", "kept_split": "train", "kept_row": 1},
            **{
                "n": 2,
                "when": None,
                "text": "a b",
                "label": 1,
                "list": [2, 3],
                "raw": "/g==",
                "reason_read": "yours",
            },
        }
    ]


def test_clean_a_text_within_objects(tmp_path):
    rows = [{"review": {"body": {"text": text}, "stars": i}, "label": "x"} for i, text in enumerate("ab")]
    rows[0]["review"]["body"]["text"] = " a<br>b "
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    clean(tmp_path / "a.jsonl", tmp_path / "out.jsonl", text_column="review.body.text")
    rows[0]["review"]["body"]["text"] = "a b"
    assert lines(tmp_path / "out.jsonl") == rows


def test_clean_sentences_of_tokens_are_not_repaired(write, tmp_path):
    path = write("a.conll", "R&amp;D\tB-X\n\nb\tO\n\nb\tO\n")
    with pytest.raises(InputError, match="its texts consist of tokens") as caught:
        clean(path, tmp_path / "out.conll")
    assert "--rules none" in caught.value.hint
    assert clean(path, tmp_path / "out.conll", rules=["none"]).dropped == {"exact duplicate": 1}


def test_clean_tokens_saved_by_the_rules_sum_to_all_that_is_saved(dirty, tmp_path, write):
    corpus = write("corpus.txt", "a good film and more, bad film here & lost\n" * 20)
    tokkit.train_wordpiece(corpus, tmp_path / "tok", vocab_size=80)
    tokens = clean(dirty, dry_run=True, tokenizer=tmp_path / "tok").tokens
    for unit in ("tokens", "unknown"):
        saved = sum(rule[unit] for rule in tokens["saved"].values())
        assert tokens["before"][unit] - tokens["repaired"][unit] == saved > 0
        assert tokens["after"][unit] <= tokens["repaired"][unit]
    assert tokens["saved"]["br"]["tokens"] > 0
    assert tokens["saved"]["nfc"] == {"tokens": 0, "unknown": 0}
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(tmp_path / "tok")([text for text, _ in DIRTY if text])["input_ids"]
    assert tokens["before"]["tokens"] == sum(map(len, ids))
    limit = clean(dirty, tmp_path / "out.csv", tokenizer=tmp_path / "tok", max_tokens=5)
    assert limit.dropped["too many tokens"] >= 2
    assert [row[0] for row in table(tmp_path / "out.csv")] == ["4"]


def test_clean_the_same_bytes_each_time(dirty, tmp_path):
    for name in ("one", "two"):
        clean(dirty, tmp_path / name / "out.csv", duplicates="near")
    for name in ("out.csv", "out.csv.dropped.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rules": ["brr"]}, 'invalid value "brr"'),
        ({"max_tokens": 5}, "--max-tokens: needs a tokenizer"),
        ({"min_words": 5, "max_words": 2}, "--min-words 5 is above --max-words 2"),
        ({"min_characters": 5, "max_characters": 2}, "--min-characters 5 is above"),
        ({"keep": "last"}, '--keep: invalid value "last": choose from'),
        ({"near": True}, 'no parameter "near"'),
    ],
)
def test_clean_plans_that_cannot_be(dirty, tmp_path, settings, message):
    with pytest.raises(UsageError, match=message):
        clean(dirty, tmp_path / "out.csv", **settings)


def test_clean_needs_a_place_to_write_to(dirty):
    with pytest.raises(UsageError, match="no output is named") as caught:
        clean(dirty)
    assert "--dry-run" in caught.value.hint


def test_clean_of_which_nothing_is_left(dirty, tmp_path):
    with pytest.raises(InputError, match=r"no row is left of 9: .*7 too few words"):
        clean(dirty, tmp_path / "out.csv", min_words=50, rules=["spaces"], duplicates="none")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("plan", [{"keep": "majority-label"}, {"conflicts": "drop"}])
def test_clean_by_label_needs_labels(write, tmp_path, plan):
    with pytest.raises(InputError, match="no column of labels found"):
        clean(write("a.txt", "a\nb\n"), tmp_path / "out.txt", **plan)


def test_clean_never_replaces_what_it_reads(dirty):
    with pytest.raises(OutputError, match="is an input"):
        clean(dirty, dirty, force=True)


def test_clean_tables(dirty, folder, tmp_path):
    by_title = {section.title: section for section in tables(clean(dirty, dry_run=True).as_dict())}
    assert list(by_title) == [
        *("Dry run, nothing was written", "Repaired", "Dropped"),
        *("Examples of repairs", "Examples of rows that would be dropped"),
    ]
    assert ("zero-width", "bad\u200b film", "bad film") in by_title["Examples of repairs"].rows
    assert ("exact duplicate", "train 2", "  A  good film & more ", "train 1") in by_title[
        "Examples of rows that would be dropped"
    ].rows
    assert ("spaces", "␣␣A␣␣good film & more␣", "A good film & more") in by_title["Examples of repairs"].rows
    by_title = {section.title: section for section in tables(clean(folder, tmp_path / "out").as_dict())}
    assert list(by_title) == [f"Written to {tmp_path / 'out'}", "Repaired", "Dropped"]
    assert by_title["Dropped"].columns == ("reason", "train", "validation", "test", "all rows")
    assert ("exact duplicate", 1, 1, 0, 2) in by_title["Dropped"].rows
