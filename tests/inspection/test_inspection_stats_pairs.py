"""Statistics of pairs of texts: both count, together, and are compared together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from inspection_tokenizers import saved, word_piece

from tests.data import copies_counted
from tokkit.data.duplicates import text_keys
from tokkit.data.loading import streaming
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.inspection.stats import stats

OPTIONS = DatasetOptions(pair_column="second")
ROWS = [
    ("a b", "c", "x"),
    ("a b", "c", "y"),  # a copy, and a conflict
    ("A b!", "C", "x"),  # a copy when normalized
    ("a b", "d e f", "x"),  # the same first text alone
    ("a b", "", "x"),
    ("", "c", "x"),
    ("가 나", "<br>", "y"),
    ("?", "!", "y"),
]


@pytest.fixture
def tokenizer(tmp_path):
    return word_piece(["a", "b", "c", "d", "e", "f"]), saved(word_piece([*"abcdef"]), tmp_path / "tokenizer")


@pytest.fixture
def result(write, tmp_path, tokenizer):
    table = "first,second,label\n" + "".join(",".join(row) + "\n" for row in ROWS)
    write("d/train.csv", table)
    write("d/test.csv", "first,second,label\na b,c,x\na b,z,y\n")
    return stats(tmp_path / "d", tokenizer[1], options=OPTIONS, text_column="first", near=True)


def test_stats_of_pairs_counts_copies_conflicts_and_leaks_by_both_texts(result):
    train = result.splits["train"]
    whole = [row for row in ROWS if row[0] and row[1]]
    first, second = (pl.Series([row[side] for row in whole]) for side in (0, 1))
    joined = text_keys.join_pairs(first, second)
    assert train["duplicates"] == {
        "exact": copies_counted.extra_copies(joined),
        "normalized": copies_counted.extra_copies(text_keys.normalized(joined)),
        "near": 2,
    }
    assert (train["duplicates"]["exact"], train["duplicates"]["normalized"]) == (1, 2)
    assert train["conflicting_labels"] == 1
    assert result.across["leaks"] == {"train/test": 1}
    assert train["missing"] == {"first": 1, "second": 1, "label": 0}


def test_stats_of_pairs_measures_both_texts_together(result, tokenizer):
    whole = [row[:2] for row in ROWS if row[0] and row[1]]
    lengths = result.splits["train"]["lengths"]
    assert lengths["characters"]["total"] == sum(len(a) + len(b) for a, b in whole)
    assert lengths["words"]["total"] == sum(len(a.split()) + len(b.split()) for a, b in whole)
    tokens = [len(tokenizer[0].encode(a, b)) for a, b in whole]
    assert lengths["tokens"]["total"] == sum(tokens)
    assert (lengths["tokens"]["min"], lengths["tokens"]["max"]) == (min(tokens), max(tokens))
    assert result.splits["train"]["html"] == 1


def test_stats_of_pairs_counts_the_values_of_each_text_column(result):
    columns = result.splits["train"]["columns"]
    assert columns["first"]["distinct"] == len({row[0] for row in ROWS} - {""})
    assert columns["second"]["distinct"] == len({row[1] for row in ROWS} - {""})
    assert result.as_dict()["pair_column"] == "second"


def test_stats_of_pairs_are_the_same_of_a_stream(write, tmp_path, tokenizer, monkeypatch):
    rows = [("ab c"[i % 4 :], f"d{i % 5}" if i % 7 else "", "xy"[i % 2]) for i in range(400)]
    write("a.csv", "text,second,label\n" + "".join(",".join(row) + "\n" for row in rows))
    whole = stats(tmp_path / "a.csv", tokenizer[1], options=OPTIONS).as_dict()
    monkeypatch.setattr(streaming, "_streamed", lambda *arguments: None)
    assert stats(tmp_path / "a.csv", tokenizer[1], options=OPTIONS).as_dict() == whole
    assert whole["splits"]["train"]["missing"]["second"] == int(np.ceil(400 / 7))


def test_stats_of_pairs_tells_commands_that_compare_both_texts(result):
    fixes = {finding.rule: finding.fix for finding in result.findings}
    for rule in ("leaks", "conflicts", "duplicates"):
        assert " --pair-column second -o cleaned/" in fixes[rule]
