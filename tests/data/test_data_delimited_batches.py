"""A delimited file in batches holds the rows that `read_delimited` reads, and fails where it fails."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokkit.data.loading import delimited_batches
from tokkit.data.loading.delimited_batches import DelimitedFile
from tokkit.errors import InputError
from tokkit.sources import streams
from tokkit.sources.delimited import read_delimited

TEXT = st.text(st.sampled_from('ab"\n\r,;\t 가é😀'), max_size=60)


def _read(read, path, separator, skip_bad):
    """What is read, or why it is not, and what is said."""
    said = []
    try:
        return read(path, separator, skip_bad, said.append), said
    except InputError as error:
        return (error.message, error.hint), said


def _whole(path, separator, skip_bad, say):
    return read_delimited(path, separator, [], skip_bad, say).rows()


def _in_batches(path, separator, skip_bad, say):
    rows = []
    for batch in DelimitedFile(path, separator, [], skip_bad, say).batches():
        columns = [column.to_list() for column in batch.columns]
        rows += [tuple(field or None for field in row) for row in zip(*columns, strict=True)]
    return rows


def _both(path, separator=",", skip_bad=False):
    expected = _read(_whole, path, separator, skip_bad)
    assert _read(_in_batches, path, separator, skip_bad) == expected
    return expected


@given(text=TEXT, separator=st.sampled_from(",;\t"), skip_bad=st.booleans(), block=st.integers(1, 9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
def test_delimited_batches_hold_the_same_rows(tmp_path, monkeypatch, text, separator, skip_bad, block):
    monkeypatch.setattr(streams, "BLOCK", block)
    monkeypatch.setattr(delimited_batches, "_SMALLEST_WINDOW", 2)
    path = tmp_path / "a.csv"
    path.write_bytes(f"text{separator}label\n{text}".encode())
    _both(path, separator, skip_bad)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\r\nc,d\r\n",
        'a,"b\nb"\n"c""c",d',
        'a,"b"x\n',
        'a,"b',
        "a,b,c\nd,e\n",
        "a\rb,c\n",
        "\n\n a,b\n\n",
        'a,b"b\n',
        ",\n",
        "",
    ],
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_delimited_batches_of_every_oddity(write, text, skip_bad):
    _both(write("a.csv", "\ufefftext,label\n" + text), skip_bad=skip_bad)


def test_delimited_batches_of_an_unclosed_quote_do_not_read_again_and_again(write, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 64)
    monkeypatch.setattr(delimited_batches, "_LONGEST_WAITING", 1000)
    found, _ = _both(write("a.csv", 'text,label\na,b\n"c,d\n' + "e,f\n" * 5000))
    assert "a.csv:3: this record cannot be read" in found[0]


def test_delimited_batches_name_the_line_of_a_bad_byte_and_read_what_is_compressed(write, tmp_path):
    found, _ = _both(write("a.csv", b"text,label\na,b\n\xff,c\n"))
    assert "a.csv:3: byte 1" in found[0]
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b'text,label\n"a, a",b\n'))
    assert _both(tmp_path / "b.csv.gz")[0] == [("a, a", "b")]


def test_delimited_batches_of_a_file_without_a_header_line(write):
    path = write("a.csv", "good film,x\nbad film,y\n")
    file = DelimitedFile(path, ",", ["text", "label"], False, lambda message: None)
    assert [column.to_list() for batch in file.batches() for column in batch.columns] == [
        ["good film", "bad film"],
        ["x", "y"],
    ]
    assert file.sample.rows() == [("good film", "x"), ("bad film", "y")]
