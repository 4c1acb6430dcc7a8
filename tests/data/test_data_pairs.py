"""Rows that are pairs of texts, and rows that have ids: loaded, compared, cleaned, split, rebalanced."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.data.cleaning.clean import clean
from tokkit.data.duplicates import near_duplicates, text_keys
from tokkit.data.duplicates.duplicate_keys import DuplicateKeys
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.rebalancing.rebalance import rebalance
from tokkit.data.splitting.split import split
from tokkit.data.splitting.stratifier import row_groups
from tokkit.errors import InputError
from tokkit.runtime.strings import Strings

PAIRS = "premise,hypothesis,label\n"
OPTIONS = DatasetOptions(pair_column="hypothesis")


def _load(path, heard=None, **options):
    return read_dataset(path, DatasetOptions(**options), *([heard] if heard else []))


# Columns ----------------------------------------------------------------------------------------------


def test_pairs_a_second_text_is_read_where_its_column_is_named(write):
    rows = _load(write("a.csv", PAIRS + "a,b,x\nc,d,y\n"), pair_column="hypothesis").complete("train")
    assert (rows.texts, rows.pairs, rows.labels) == (["a", "c"], ["b", "d"], ["x", "y"])


def test_pairs_none_is_guessed_but_reported(write, heard):
    dataset = _load(write("a.csv", PAIRS + "a,b,x\n"), heard)
    assert (dataset.pair_column, dataset.complete("train").pairs) == (None, [])
    assert "--pair-column hypothesis takes it for a second text" in heard


def test_pairs_a_column_that_is_named_is_not_guessed_as_anything_else(write):
    dataset = _load(write("a.csv", "text,title,kind\na,b,x\na,c,x\na,d,y\na,e,y\n"), pair_column="text")
    assert (dataset.text_column, dataset.pair_column, dataset.label_column) == ("title", "text", "kind")


def test_pairs_a_row_without_a_second_text_is_incomplete(write):
    path = write("a.csv", PAIRS + ",b,x\na,,x\na,b,\nc,d,y\n,,\n")
    rows = _load(path, pair_column="hypothesis").complete("train")
    assert rows.left_out == {"no text": 2, "no second text": 1, "no label": 1}
    assert rows.positions == [3]


def test_pairs_numbers_are_texts_and_objects_are_reached_into(write):
    path = write("a.jsonl", '{"a": {"q": 1, "p": "z", "nr": 7}, "label": "x"}\n')
    rows = _load(path, text_column="a.q", pair_column="a.p", id_column="a.nr").complete("train")
    assert (rows.texts, rows.pairs, rows.ids) == (["1"], ["z"], [7])


def test_pairs_every_split_needs_the_column(write, tmp_path):
    write("d/train.csv", PAIRS + "a,b,x\n")
    write("d/test.csv", "premise,label\na,x\n")
    with pytest.raises(InputError, match='no column "hypothesis"'):
        _load(tmp_path / "d", pair_column="hypothesis")


@pytest.mark.parametrize("other", ["text_column", "label_column", "id_column"])
def test_pairs_one_column_is_one_thing(write, other):
    with pytest.raises(InputError, match='column "premise" cannot hold both'):
        _load(write("a.csv", PAIRS + "a,b,x\n"), pair_column="premise", **{other: "premise"})


# Ids --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["id", "idx", "GUID", "uid"])
def test_ids_are_guessed_by_name_and_reported(write, heard, name):
    dataset = _load(write("a.csv", f"{name},text,label\n07,a,x\n9,,x\nk,b,y\n"), heard)
    assert dataset.id_column == name
    assert dataset.complete("train").ids == ["07", "k"]
    assert f'id column "{name}" (--id-column)' in heard


@pytest.mark.parametrize("ids", [("1", "1"), ("1", "")])
def test_ids_that_name_no_row_are_none(write, heard, ids):
    dataset = _load(write("a.csv", "id,text,label\n{},a,x\n{},b,y\n".format(*ids)), heard)
    assert (dataset.id_column, dataset.complete("train").ids) == (None, [])
    assert "--id-column" not in heard


def test_ids_have_to_name_the_rows_of_every_split_to_be_guessed(write, tmp_path, heard):
    write("d/train.csv", "id,text,label\n1,a,x\n2,b,y\n")
    write("d/test.csv", "id,text,label\n1,a,x\n1,b,y\n")
    assert _load(tmp_path / "d", heard).id_column is None


def test_ids_keep_their_type(tmp_path):
    pl.DataFrame({"id": [7, 9], "text": ["a", "b"], "label": ["x", "y"]}).write_parquet(
        tmp_path / "a.parquet"
    )
    assert _load(tmp_path / "a.parquet").complete("train").ids == [7, 9]


def test_ids_that_are_requested_may_repeat_which_is_reported(write, heard):
    path = write("a.csv", "key,text,label\nk,a,x\nk,a,x\nm,b,y\n")
    assert _load(path, heard, id_column="key").complete("train").ids == ["k", "k", "m"]
    assert 'column "key" names 2 of 3 rows apart' in heard


def test_ids_a_column_that_is_not_there_names_those_that_are(write):
    with pytest.raises(InputError, match=r'no column "nr".*it has: text, label') as caught:
        _load(write("a.csv", "text,label\na,x\n"), id_column="nr")
    assert caught.value.hint.startswith("name one of them:\n--id-column")


def test_ids_and_pairs_go_with_the_rows_that_are_taken(write):
    rows = _load(
        write("a.csv", "id,text,other,label\n1,a,b,x\n2,c,d,y\n3,e,f,x\n"), pair_column="other"
    ).complete("train")
    chosen = rows.only([2, 0])
    assert (chosen.positions, chosen.ids, chosen.pairs, chosen.texts) == (
        [0, 2],
        ["1", "3"],
        ["b", "f"],
        ["a", "e"],
    )


# Copies -----------------------------------------------------------------------------------------------

texts = st.text(st.sampled_from("aA .,!?é가\u0301"), max_size=6)


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=12))
def test_pairs_are_copies_where_both_their_texts_are(rows):
    first, second = (pl.Series([row[side] for row in rows], dtype=pl.String) for side in (0, 1))
    joined = text_keys.join_pairs(first, second)
    assert joined.n_unique() == len(set(rows))
    keys = text_keys.normalized(joined).to_list()
    expected = list(zip(text_keys.normalized(first), text_keys.normalized(second), strict=True))
    assert [key.split("\0") for key in keys] == [list(pair) for pair in expected]
    assert Strings.joined(Strings.of_list(first.to_list()), Strings.of_list(second.to_list())).to_list() == [
        *joined
    ]
    assert DuplicateKeys().of(Strings.of_series(joined)).to_list() == keys


def test_pairs_are_near_where_both_their_texts_are():
    long = "one two three four five six seven eight nine ten eleven twelve"
    rows = [(long, "yes"), (long + " more", "Yes!"), (long, "no"), ("short", "yes"), (long, "yes")]
    groups = near_duplicates.clusters(["\0".join(row) for row in rows])
    assert groups.tolist() == [0, 0, 1, 2, 0]


def test_pairs_that_share_one_text_are_no_copies_for_split(write):
    dataset = read_dataset(write("a.csv", PAIRS + "a,b,x\na,c,y\na,b,x\n,b,x\n,b,x\n"), OPTIONS)
    assert row_groups(dataset, "train").tolist() == [0, 1, 0, 3, 4]


def test_pairs_split_keeps_copies_of_both_together(write, tmp_path):
    rows = [f"same,{i % 20},x" for i in range(40)]
    split(
        write("a.csv", PAIRS + "\n".join(rows)),
        tmp_path / "out",
        read_options=OPTIONS,
        validation=0.3,
        test=0,
    )
    parts = [set(read_dataset(tmp_path / "out", OPTIONS).pairs(name)) for name in ("train", "validation")]
    assert all(parts)
    assert not parts[0] & parts[1]


def test_pairs_rebalance_drops_what_leaks_with_both_texts(write, tmp_path):
    write("d/train.csv", PAIRS + "a,b,x\na,c,x\ne,f,y\n")
    write("d/test.csv", PAIRS + "a,b,x\nz,c,y\n")
    result = rebalance(tmp_path / "d", tmp_path / "out", read_options=OPTIONS, strategy="weights")
    assert result.left_out == {"in another split": 1}
    assert read_dataset(tmp_path / "out", OPTIONS).pairs("train").sort().to_list() == ["c", "f"]


# clean ------------------------------------------------------------------------------------------------


def test_pairs_clean_repairs_and_compares_both_texts(write, tmp_path):
    path = write("a.csv", PAIRS + "a&amp;b,c  d,x\na&b,c d,x\na&b,e,y\na&b,,y\n")
    result = clean(path, tmp_path / "out.csv", read_options=OPTIONS)
    assert result.dropped == {"missing second text": 1, "exact duplicate": 1}
    assert read_dataset(tmp_path / "out.csv", OPTIONS).split("train").frame.rows() == [
        ("a&b", "c d", "x"),
        ("a&b", "e", "y"),
    ]
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "out.csv.dropped.jsonl").open()]
    assert sorted(reasons) == ["exact duplicate", "missing second text"]


def test_pairs_clean_limits_hold_for_both_texts_together(write, tmp_path):
    path = write("a.csv", PAIRS + "one two,three,x\none,two,y\n")
    result = clean(path, tmp_path / "out.csv", read_options=OPTIONS, max_words=2)
    assert result.dropped == {"too many words": 1}
