"""Rows written and read back: the same, or refused."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import tokkit
from tokkit.data.save import format_for, suffix_for, write
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.sources import streams
from tokkit.sources.formats import TableFormat, batches, recognize
from tokkit.sources.formats.batch import concatenate

CSV, SEMICOLON, TSV = TableFormat("csv", ","), TableFormat("csv", ";"), TableFormat("tsv", "\t")
CONLL = TableFormat("conll")
TEXT, JSONL, JSON, PARQUET, ARROW = (TableFormat(n) for n in ("text", "jsonl", "json", "parquet", "arrow"))

ANY = st.text(st.characters(exclude_categories=("Cs",)))
NASTY = st.sampled_from(
    ['"', ",", ";", "\t", "\n", "\r", "\r\n", " ", "\ufeff", "\u2028", "\x85", "'", "\\", "NA", "#"]
)
VALUES = st.none() | st.lists(ANY | NASTY).map("".join)
ROWS = st.lists(st.tuples(VALUES, VALUES), min_size=1)
TO_DISK = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _frame(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"text": pl.String, "label": pl.String}, orient="row")


def _back(frame, folder: Path, table_format) -> pl.DataFrame:
    path = folder / "out"
    path.unlink(missing_ok=True)
    write(frame, path, table_format)
    if table_format is TSV:  # whose quotes enclose fields or not, as they have to
        path = path.rename(folder / "out.tsv")
        table_format = recognize(path)
    return concatenate(batches(path, table_format))


def _recognized(path):
    return concatenate(batches(path, recognize(path)))


def _without_empty(rows):
    return [tuple(value or None for value in row) for row in rows]


@TO_DISK
@given(ROWS, st.sampled_from([CSV, SEMICOLON]))
@example([("\ufeffa", "\ufeff")], CSV)
@example([('"', None)], CSV)
@example([("\r", " ")], SEMICOLON)
def test_save_csv_reads_back_the_same_or_names_a_nul(tmp_path, rows, table_format):
    if any("\0" in (value or "") for row in rows for value in row):
        with pytest.raises(InputError, match="NUL"):
            write(_frame(rows), tmp_path / "out", table_format)
    else:
        assert _back(_frame(rows), tmp_path, table_format).rows() == _without_empty(rows)


@TO_DISK
@given(ROWS, st.sampled_from([JSONL, JSON, PARQUET, ARROW]))
@example([("a\0b", "\u2028")], JSONL)
def test_save_json_and_columnar_files_read_back_the_same(tmp_path, rows, table_format):
    assert _without_empty(_back(_frame(rows), tmp_path, table_format).rows()) == _without_empty(rows)


@TO_DISK
@given(ROWS)
def test_save_tsv_reads_back_the_same_or_is_refused(tmp_path, rows):
    if any(set(value or "") & set("\t\n\r\0") for row in rows for value in row):
        with pytest.raises(InputError, match=r"which a tsv file cannot hold") as caught:
            write(_frame(rows), tmp_path / "out", TSV)
        assert caught.value.hint
    else:
        assert _back(_frame(rows), tmp_path, TSV).rows() == _without_empty(rows)


@TO_DISK
@given(st.lists(VALUES, min_size=1), st.sampled_from([TEXT, CSV, TSV]))
@example(["\ufeff"], TEXT)
@example([None, "a", None], CSV)
def test_save_one_column_reads_back_the_same_or_is_refused(tmp_path, values, table_format):
    frame = pl.DataFrame({"text": pl.Series(values, dtype=pl.String)})
    unheld = {"text": "\n\r\0", "csv": "\0", "tsv": "\t\n\r\0"}[table_format.name]
    lost = table_format is TSV and not all(values)  # an empty line is no row
    if lost or any(set(value or "") & set(unheld) for value in values):
        with pytest.raises(InputError, match=r"cannot hold"):
            write(frame, tmp_path / "out", table_format)
    else:
        assert _back(frame, tmp_path, table_format)["text"].to_list() == [value or None for value in values]


def test_save_tsv_names_row_and_column():
    with pytest.raises(InputError, match=r'^row 2: column "text" holds a tab'):
        write(_frame([("a", "x"), ("b\tc", "y")]), Path("never-written"), TSV)
    assert not Path("never-written").exists()


OTHER_TYPES = {
    "text": ["a", "b"],
    "int": [1, None],
    "float": [0.1, 1e-7],
    "huge": [1e16, float("nan")],
    "bool": [True, None],
    "date": [datetime.date(2024, 1, 2), None],
    "time": [datetime.datetime(2024, 1, 2, 3, 4, 5, 6), None],
    "money": [Decimal("1.50"), None],
    "kind": pl.Series(["x", "y"], dtype=pl.Categorical),
    "small": pl.Series([0.1, 2.5], dtype=pl.Float32),
}


@pytest.mark.parametrize("table_format", [CSV, TSV, JSONL, JSON, PARQUET, ARROW])
def test_save_other_types_are_held(tmp_path, table_format):
    back = _back(pl.DataFrame(OTHER_TYPES), tmp_path, table_format)
    assert back.columns == list(OTHER_TYPES)
    assert [str(value) for value in back["int"]] == ["1", "None"]
    assert [float(value) for value in back["float"]] == [0.1, 1e-7]


@pytest.mark.parametrize("values", [[["a"], ["b"]], [{"x": 1}, {"x": 2}], [b"\xff", b""]])
def test_save_lists_objects_and_bytes_are_refused_where_they_have_no_place(tmp_path, values):
    frame = pl.DataFrame({"text": ["a", "b"], "tokens": values})
    for table_format in (CSV, TSV):
        with pytest.raises(InputError, match='column "tokens" holds lists, objects or bytes') as caught:
            write(frame, tmp_path / "out", table_format)
        assert "parquet" in caught.value.hint
    assert _back(frame, tmp_path, PARQUET).equals(frame)


@pytest.mark.parametrize("name", [" text", "text\t", "te\nxt", "\ufefftext"])
def test_save_column_names_that_a_header_line_cannot_hold_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot hold"):
        write(pl.DataFrame({name: ["a"], "label": ["b"]}), tmp_path / "out", TSV)


def test_save_labels_do_not_go_into_a_text_file(tmp_path):
    with pytest.raises(
        InputError, match="a text file holds one column, and the rows have text, label"
    ) as caught:
        write(_frame([("a", "b")]), tmp_path / "out.txt", TEXT)
    assert "write csv" in caught.value.hint


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_save_compressed_files_are_the_same_each_time(tmp_path, ending):
    path = tmp_path / f"a.csv.{ending}"
    write(_frame([("a", "b")] * 1000), path, CSV)
    first = path.read_bytes()
    write(_frame([("a", "b")] * 1000), path, CSV)
    assert path.read_bytes() == first
    assert len(first) < 500
    with streams.open_binary(path) as file:
        assert file.read() == b"text,label\n" + b"a,b\n" * 1000


TOKENS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
SENTENCES = st.lists(st.lists(st.tuples(TOKENS | NASTY, TOKENS), min_size=1), min_size=1)


@TO_DISK
@given(SENTENCES)
@example([[("#", "O"), ("a b", "O")], [("\ufeff", "O")]])
def test_save_conll_reads_back_the_same_or_names_the_token(tmp_path, sentences):
    columns = [[list(column) for column in zip(*rows, strict=True)] for rows in sentences]
    frame = pl.DataFrame({"tokens": [row[0] for row in columns], "tags": [row[1] for row in columns]})
    fields = [field for rows in sentences for row in rows for field in row]
    if any(not field.strip() or set(field) & set("\t\n\r\0") for field in fields):
        with pytest.raises(InputError, match="nothing that a CoNLL file can hold"):
            write(frame, tmp_path / "out", CONLL)
    else:
        back = _back(frame, tmp_path, CONLL)
        assert back["tokens"].to_list() == frame["tokens"].to_list()
        assert back["tags"].to_list() == frame["tags"].to_list()
        assert back["text"].to_list() == [" ".join(tokens) for tokens in frame["tokens"]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"text": ["a"], "label": ["x"]}, "holds lists of tokens and tags, and the rows have text, label"),
        ({"tokens": [["a"]], "tags": [["O", "O"]]}, "row 1: its tokens and tags are not one for one"),
        ({"tokens": [["a", "."]], "tags": [["O", "O"]], "text": ["a."]}, "not its tokens with spaces"),
        ({"tokens": [["a", "-DOCSTART-"]], "tags": [["O", "O"]]}, 'row 1: "-DOCSTART-" is nothing'),
    ],
)
def test_save_what_conll_cannot_hold_is_refused(tmp_path, rows, message):
    with pytest.raises(InputError, match=message) as caught:
        write(pl.DataFrame(rows), tmp_path / "a.conll", CONLL)
    assert "write jsonl" in caught.value.hint


@pytest.mark.parametrize(
    ("out", "like", "expected"),
    [
        ("a.csv", TSV, CSV),
        ("a.csv", SEMICOLON, SEMICOLON),
        ("a.tsv", CSV, TSV),
        ("a.txt", SEMICOLON, SEMICOLON),
        ("a", JSONL, JSONL),
        ("a.jsonl.gz", CSV, JSONL),
        ("a.parquet", CSV, PARQUET),
    ],
)
def test_save_format_for(out, like, expected):
    assert format_for(Path(out), like) == expected


@pytest.mark.parametrize(("out", "fixed"), [("a.arrow.zst", "a.arrow"), ("a.parquet.gz", "a.parquet")])
def test_save_format_for_refuses_to_compress_twice(out, fixed):
    with pytest.raises(OutputError) as caught:
        format_for(Path(out), CSV)
    assert caught.value.hint == f"-o {fixed}"


@pytest.mark.parametrize(
    ("source", "table_format", "suffix"),
    [
        ("a.csv", CSV, ".csv"),
        ("a.txt", SEMICOLON, ".txt"),
        ("a.CSV.gz", CSV, ".CSV.gz"),
        ("a.csv.xz", CSV, ".csv.xz"),
        ("a.jsonl.ZST", JSONL, ".jsonl.ZST"),
        ("a.parquet.gz", PARQUET, ".parquet"),
        ("a.bio", CONLL, ".bio"),
        ("a.txt", CONLL, ".conll"),
        ("a.csv", TSV, ".tsv"),
        ("a.json", JSONL, ".jsonl"),
        ("standard-input", SEMICOLON, ".csv"),
        ("standard-input", TEXT, ".txt"),
        ("a.parquet", PARQUET, ".parquet"),
    ],
)
def test_save_suffix_for(source, table_format, suffix):
    assert suffix_for(Path(source), table_format) == suffix


def test_save_suffix_for_what_is_converted():
    """A ``.txt`` that holds tab-separated values, written as csv."""
    assert suffix_for(Path("a.txt.gz"), CSV, converted=True) == ".csv.gz"
    assert suffix_for(Path("a.csv"), CSV, converted=True) == ".csv"


@pytest.mark.parametrize("table_format", [CSV, SEMICOLON, TSV])
def test_save_refuses_a_row_that_is_read_as_the_header_again(tmp_path, table_format):
    with pytest.raises(InputError, match=r"a row is the same as the column names, .* cannot hold"):
        write(_frame([("a", "x"), ("text", "label")]), tmp_path / "out", table_format)


def test_save_refuses_a_column_without_a_name(tmp_path):
    with pytest.raises(InputError, match='the column name "" is empty'):
        write(pl.DataFrame({"": ["a"]}), tmp_path / "out", CSV)


def test_save_tsv_quotes_what_would_be_read_as_quoted(tmp_path):
    frame = _frame([('"a ""b"""', "x"), ("c", "y")])
    write(frame, tmp_path / "a.tsv", TSV)
    assert _recognized(tmp_path / "a.tsv").equals(frame)
    assert (tmp_path / "a.tsv").read_text().startswith('text\tlabel\n"""a ')


@pytest.mark.parametrize("quote", ['"', "none"])
def test_save_csv_encloses_whatever_its_source_did(tmp_path, quote):
    frame = _frame([('"a, b', "x")])
    write(frame, tmp_path / "a.csv", TableFormat("csv", ",", quote))
    assert _recognized(tmp_path / "a.csv").equals(frame)


def test_save_tsv_like_a_quoted_one_holds_tabs_and_line_ends(tmp_path):
    frame = _frame([("a\tb\nc", "x"), ('"', "y")])
    write(frame, tmp_path / "a.tsv", TableFormat("tsv", "\t", '"'))
    assert _recognized(tmp_path / "a.tsv").equals(frame)


@pytest.mark.parametrize("name", ["conllu", "fasttext"])
def test_save_what_is_only_read_as_jsonl(name):
    assert format_for(Path("a"), TableFormat(name)) == JSONL
    assert format_for(Path("a.csv"), TableFormat(name)) == CSV
    with pytest.raises(OutputError, match=f"{name} files are not written"):
        format_for(Path({"conllu": "a.conllu", "fasttext": "a.ft"}[name]), TableFormat(name))


def test_save_no_format_that_is_only_read(write, tmp_path):
    path = write("a.conllu", "\t".join(["1", "Go", "go", "VERB", *"______"]) + "\n")
    with pytest.raises(UsageError, match="conllu files are not written") as caught:
        tokkit.clean(path, tmp_path / "out.conllu")
    assert caught.value.hint == f'tokkit.clean("{tmp_path / "a.conllu"}", "{tmp_path / "out.jsonl"}")'
