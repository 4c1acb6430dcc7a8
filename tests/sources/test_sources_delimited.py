"""A delimited file cut by the kernel holds the rows that `csv` alone parses, and fails where it fails."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokkit.errors import InputError
from tokkit.sources import streams
from tokkit.sources.formats import QUOTES, FormatOptions, TableFormat, batches, delimited
from tokkit.sources.formats.batch import concatenate

# also what may repeat the first lines of a file
_PARTS = (*'ab"\n\r,;\t 가é😀', "text", "label", "\ntext", "\nsep=", "\n\ufeff", ",label\n", '\n"text"')
TEXT = st.lists(st.sampled_from(_PARTS), max_size=60).map("".join)


def _read(path, separator, skip_bad, quote=None):
    """The rows, or why they cannot be read, and what is said."""
    said = []
    table_format, options = TableFormat("csv", separator, quote), FormatOptions(skip_bad=skip_bad)
    try:
        return concatenate(batches(path, table_format, options, said.append)).rows(), said
    except InputError as error:
        return (error.message, error.hint), said


def _both(path, separator=",", skip_bad=False, quote=None):
    expected = _read(path, separator, skip_bad, quote)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "LARGE", 0)
        assert _read(path, separator, skip_bad, quote) == expected
    return expected


@given(
    text=TEXT,
    separator=st.sampled_from(",;\t"),
    skip_bad=st.booleans(),
    block=st.integers(1, 9),
    quote=st.sampled_from(QUOTES),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
def test_delimited_cut_hold_the_same_rows(tmp_path, monkeypatch, text, separator, skip_bad, block, quote):
    monkeypatch.setattr(streams, "BLOCK", block)
    monkeypatch.setattr(delimited, "SMALLEST_WINDOW", 2)
    path = tmp_path / "a.csv"
    path.write_bytes(f"text{separator}label\n{text}".encode())
    _both(path, separator, skip_bad, quote)


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
def test_delimited_cut_of_every_oddity(write, text, skip_bad):
    _both(write("a.csv", "\ufefftext,label\n" + text), skip_bad=skip_bad)


@pytest.mark.parametrize("header", ["text,label", ",label"])
@pytest.mark.parametrize("again", ["", "\ufeff", "sep=,\n", "\ufeffSEP=,\n"])
def test_delimited_cut_leave_out_repeated_headers(write, header, again):
    path = write("a.csv", f"{header}\na,b\n{again}{header}\nc,d\n")
    rows, said = _both(path)
    assert rows == [("a", "b"), ("c", "d")]
    assert len(said) == 1 + again.casefold().count("sep")


def test_delimited_cut_of_an_unclosed_quote_do_not_read_again_and_again(write, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 64)
    monkeypatch.setattr(delimited, "LONGEST_WAITING", 1000)
    error, _ = _both(write("a.csv", 'text,label\na,b\n"c,d\n' + "e,f\n" * 5000))
    assert "a.csv:3: this record cannot be read" in error[0]


def test_delimited_cut_name_the_line_of_a_bad_byte_and_read_what_is_compressed(write, tmp_path):
    error, _ = _both(write("a.csv", b"text,label\na,b\n\xff,c\n"))
    assert "a.csv:3: byte 1" in error[0]
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b'text,label\n"a, a",b\n'))
    assert _both(tmp_path / "b.csv.gz")[0] == [("a, a", "b")]


@pytest.mark.parametrize("large", [0, 1 << 40])
def test_delimited_of_a_file_without_a_header_line(write, monkeypatch, large):
    monkeypatch.setattr(delimited, "LARGE", large)
    path = write("a.csv", "good film,x\nbad film,y\n")
    frame = concatenate(batches(path, TableFormat("csv", ","), FormatOptions(names=["text", "label"])))
    assert frame.to_dicts() == [{"text": "good film", "label": "x"}, {"text": "bad film", "label": "y"}]


@pytest.mark.parametrize("large", [0, 1 << 40])
def test_delimited_gives_the_wanted_columns_alone(write, monkeypatch, large):
    monkeypatch.setattr(delimited, "LARGE", large)
    path = write("a.csv", 'text,label\na,x\n"b\nb",y\n')
    given = list(batches(path, TableFormat("csv", ","), FormatOptions(columns=["text"])))
    assert {name for batch in given for name in batch.columns} == {"text"}
    assert [text for batch in given for text in batch.texts("text")] == ["a", "b\nb"]
