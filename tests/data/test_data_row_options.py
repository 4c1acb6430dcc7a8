"""Rows filtered, sorted and sampled, columns renamed and added, before columns are recognized."""

from __future__ import annotations

import pytest

from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.splitting.split import split
from tokkit.errors import InputError, UsageError

TABLE = "id,title,body,label\n10,a,long text,joy\n9,b,other,anger\n2,c,,joy\n,d,more words here,fear\n"


def _load(path, heard=None, **options):
    return read_dataset(path, DatasetOptions(**options), *([heard] if heard else []))


def _column(path, name, **options):
    return _load(path, **options).split("train").original[name].to_list()


def test_row_options_where_filters_rows_and_reports_how_many(write, heard):
    path = write("a.csv", TABLE)
    dataset = _load(path, heard, where="label != 'joy'")
    assert dataset.labels("train").to_list() == ["anger", "fear"]
    assert f"{path}: 2 of 4 rows, those where label != 'joy'" in heard


def test_row_options_where_that_leaves_nothing_is_refused(write):
    with pytest.raises(InputError, match="no row is left where label == 'hope'") as caught:
        _load(write("a.csv", TABLE), where="label == 'hope'")
    assert caught.value.hint


def test_row_options_renamed_and_added_columns_are_used(write):
    path = write("a.csv", TABLE)
    dataset = _load(path, rename="label=mood, body=rest", add=("text=title + ': ' + rest",))
    assert dataset.texts("train").to_list() == ["a: long text", "b: other", None, "d: more words here"]
    assert dataset.split("train").original.columns == ["id", "title", "rest", "mood", "text"]
    assert _column(path, "n", add=("n=words(body)", "more=n + 1"), where="more > 3") == [3]


@pytest.mark.parametrize(
    ("sort", "titles"),
    [
        ("id", ["c", "b", "a", "d"]),
        ("id:desc", ["a", "b", "c", "d"]),
        ("label", ["b", "d", "a", "c"]),
        ("label:desc", ["a", "c", "d", "b"]),
        ("body:asc", ["a", "d", "b", "c"]),
    ],
)
def test_row_options_sort(write, sort, titles):
    assert _column(write("a.csv", TABLE), "title", sort=sort) == titles


def test_row_options_sample_is_repeatable_and_in_order(write):
    path = write("a.csv", "text,label\n" + "".join(f"t{i:03},x\n" for i in range(300)))
    sampled = _column(path, "text", sample="50")
    assert sampled == sorted(sampled)
    assert len(set(sampled)) == 50
    assert sampled == _column(path, "text", sample="50")
    assert sampled != _column(path, "text", sample="50:7")
    assert len(_column(path, "text", sample="999")) == 300


def test_row_options_select_orders_columns(write):
    dataset = _load(write("a.csv", TABLE), select="label, title")
    assert dataset.split("train").original.columns == ["label", "title"]
    assert dataset.text_column == "title"


def test_row_options_are_applied_in_one_order(write):
    path = write("a.csv", TABLE)
    titles = _column(
        path, "title", select="title", sample="2", sort="n:desc", where="n > 0", add=("n=len(words)",),
        rename="body=words",
    )  # fmt: skip
    assert len(titles) == 2
    assert set(titles) <= {"a", "b", "d"}


def test_row_options_are_applied_to_every_split_and_written(write, tmp_path):
    rows = "".join(f"t{i},{'xyz'[i % 3]}\n" for i in range(60))
    path = write("a.csv", "text,label\n" + rows)
    result = split(path, tmp_path / "out", where="label != 'z'", select="text,label")
    assert result.splits == {"train": 32, "validation": 4, "test": 4}
    assert set(read_dataset(tmp_path / "out").labels("test")) == {"x", "y"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rename": "labels=mood"}, 'no column "labels" (did you mean "label"?); it has: id, title'),
        ({"select": "title,mood"}, 'no column "mood"'),
        ({"sort": "mood"}, 'no column "mood"'),
        ({"sort": "label:up"}, 'asc or desc was expected after the colon, not "up"'),
        ({"rename": "label"}, "write OLD=NEW"),
        ({"rename": "label=title"}, 'two columns would be called "title"'),
        ({"add": ("len(title)",)}, "write NAME=EXPR"),
        ({"add": ("n==1",)}, "write NAME=EXPR"),
        ({"add": ("n=len(tile)",)}, '--add n: "tile" at character 5: no such column (did you mean "title"?)'),
        ({"sample": "0"}, "write a number of rows"),
        ({"sample": "many"}, "write a number of rows"),
        ({"where": "label"}, "not a condition"),
    ],
)
def test_row_options_that_cannot_be_applied_are_errors(write, options, message):
    with pytest.raises((InputError, UsageError)) as caught:
        _load(write("a.csv", TABLE), **options)
    assert message in caught.value.message


def test_row_options_do_not_sort_lists(write):
    with pytest.raises(InputError, match='"tags" holds lists or objects, which have no order'):
        _load(write("a.jsonl", '{"text": "a", "tags": ["x"]}\n{"text": "b", "tags": []}\n'), sort="tags")
