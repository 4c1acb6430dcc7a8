"""Quotes of tab-separated files: all of a file decides whether they enclose fields."""

from __future__ import annotations

import csv
import io
import re

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tokkit.sources.formats import batches, quoting, recognize
from tokkit.sources.formats.batch import concatenate

CELL = st.lists(st.sampled_from(['"', "\n", "\r\n", "\t", ",", "a", "é", "한"]), min_size=1).map("".join)


@pytest.mark.parametrize(
    ("text", "encloses"),
    [
        ("a\tb\n", None),
        ('6" pipe\tb\n', None),
        ('"a\tb"\tc\n', True),
        ('"a\nb"\tc\n', True),
        ('"a ""b"""\tc\n', True),
        ('""\tc\n', True),
        ('"a, b"\tc\nd\te\n', True),
        ('"a, b"\tc\nd, e\tf\n', False),
        ('"a"\tc\n', False),
        ('"a" b\tc\n', False),
        ('"a ""b"""\tc\n"d" e\tf\n', False),
        ('"open\tc\nd\te\n', False),
        ('"I went home\tc\nand slept."\tc\n', False),
    ],
)
def test_quoting_encloses(write, text, encloses):
    assert quoting.encloses(write("a.tsv", "text\tlabel\n" + text), "\t", None) is encloses


@pytest.mark.parametrize("style", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1))
@example(rows=[("\t\n", ",")])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_quoting_reads_what_csv_wrote(tmp_path, style, rows):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter="\t", quoting=style, lineterminator="\n")
    writer.writerows([("text", "label"), *rows])
    path = tmp_path / "a.tsv"
    text = file.getvalue()
    path.write_bytes(text.encode())
    # Where every line is a row of two fields as well, quotes may be a quotation that goes on in the next row.
    are_rows = all(line.count("\t") == 1 for line in filter(None, re.split(r"\r?\n", text)))
    assume(style == csv.QUOTE_ALL or '""' in text or not are_rows or not re.search(r'"[^"]*\n[^"]*"', text))
    assert concatenate(batches(path, recognize(path))).rows() == rows


def test_quoting_reads_what_polars_wrote(tmp_path):
    frame = pl.DataFrame({"text": ['"a" b', "a\tb", "a\nb", ""], "label": ["x", "y", "x", "y"]})
    frame.write_csv(tmp_path / "a.tsv", separator="\t")
    read = concatenate(batches(tmp_path / "a.tsv", recognize(tmp_path / "a.tsv")))
    assert read.equals(frame.with_columns(pl.col("text").replace("", None)))


def test_quoting_gives_up_on_a_quote_that_is_open_for_long(write, monkeypatch):
    monkeypatch.setattr(quoting, "_LONGEST", 100)
    path = write("a.tsv", 'text\tlabel\n"a\tx\n' + "b\tx\n" * 100 + '"c"\tx\n')
    assert quoting.encloses(path, "\t", None) is False
