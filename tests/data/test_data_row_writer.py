"""Rows written some at a time: the same file as at once; what would be read back otherwise is refused."""

from __future__ import annotations

import polars as pl
import pytest

from tokkit.data import save
from tokkit.data.row_writer import RowWriter
from tokkit.errors import InputError

ROWS = pl.DataFrame({"text": ["a, b", 'say "hi"', "", "줄\n바꿈", "x"], "label": ["1", "2", "3", "4", "5"]})


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_parts_make_the_bytes_of_the_whole(tmp_path, name):
    table_format = save.plain_format(name)
    save.write(ROWS, tmp_path / f"whole.{name}", table_format)
    with RowWriter(tmp_path / f"parts.{name}", table_format) as writer:
        for start, rows in ((0, 0), (0, 2), (2, 0), (2, 3)):
            writer.write(ROWS.slice(start, rows))
    assert (tmp_path / f"parts.{name}").read_bytes() == (tmp_path / f"whole.{name}").read_bytes()


@pytest.mark.parametrize(
    ("name", "texts", "reason"),
    [
        ("csv", ["a", "text"], "a row is the same as the column names"),
        ("tsv", ['"a ""b"" c"', '"d ""e"""'], "a text in quotes"),
    ],
)
def test_rows_that_would_be_read_as_something_else_are_refused(tmp_path, name, texts, reason):
    frame = pl.DataFrame({"text": texts, "label": ["label" if text == "text" else "x" for text in texts]})
    writer = RowWriter(tmp_path / f"out.{name}", save.plain_format(name))
    with pytest.raises(InputError, match=reason), writer:
        writer.write(frame)
