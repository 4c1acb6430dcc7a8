"""Files as tables: what stands there is what is read, and what cannot be read is named by its line."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma

import pandas
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather

import tokkit
from tokkit.errors import InputError, UsageError
from tokkit.sources.formats import FormatOptions, TableFormat, batches, full_suffix, recognize
from tokkit.sources.formats.batch import concatenate
from tokkit.sources.formats.json_rows import json_splits


def _read(path, sep=None, format=None, names=()):
    return concatenate(batches(path, recognize(path, sep, format, names), FormatOptions(names=names)))


def _column(path, name="text", **how):
    return _read(path, **how)[name].to_list()


def _refusal(path, **how):
    with pytest.raises(InputError) as caught:
        _read(path, **how)
    assert caught.value.hint, "an error names what mends it"
    return caught.value.message.replace(f"{path}", path.name)


# What other loaders damage ----------------------------------------------------------------------------

NOT_MISSING = ["NA", "null", "None", "n/a", "NaN", "nan", "#N/A", "true", "007", "1.0", " ", "-", "\\N"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "jsonl", "parquet"])
def test_tables_words_that_look_missing_stay_text(write, ending):
    if ending == "parquet":
        path = write("a.parquet", b"")
        pl.DataFrame({"text": NOT_MISSING, "label": NOT_MISSING}).write_parquet(path)
    elif ending == "jsonl":
        path = write("a.jsonl", "".join(json.dumps({"text": t, "label": t}) + "\n" for t in NOT_MISSING))
    else:
        sep = {"csv": ",", "tsv": "\t", "txt": ";"}[ending]
        path = write(
            f"a.{ending}",
            "".join(f"{t}{sep}{t}\n" for t in ["text", *NOT_MISSING])
            .replace("text", "label", 2)
            .replace("label", "text", 1),
        )
    assert _column(path) == NOT_MISSING
    assert _column(path, "label") == NOT_MISSING


def test_tables_an_empty_field_is_missing(write):
    assert _read(write("a.csv", 'text,label\n,x\n"",y\nz,\n')).rows() == [
        (None, "x"),
        (None, "y"),
        ("z", None),
    ]


def test_tables_a_quote_in_a_tsv_is_a_character(write):
    path = write("a.tsv", 'text\tlabel\n"open\tx\nb"c\ty\n"d"\tz\n')
    assert _column(path) == ['"open', 'b"c', '"d"']


def test_tables_an_unclosed_quote_in_a_csv_is_named(write):
    assert _refusal(write("a.csv", 'text,label\na,x\n"open,y\nb,z\n')).startswith(
        "a.csv:3: this record cannot be read"
    )


@pytest.mark.parametrize("record", ['"a"b,x', "a\rb,x"])
def test_tables_a_broken_csv_record_is_named(write, record):
    assert _refusal(write("a.csv", f"text,label\na,x\n{record}\n")).startswith("a.csv:3: ")


def test_tables_the_line_of_a_record_counts_lines_within_fields(write):
    assert _refusal(write("a.csv", 'text,label\n"a\nb\nc",x\nd\n')).startswith(
        "a.csv:5: 1 fields where 2 are named"
    )


@pytest.mark.parametrize("row", ["a", "a,b,c", "a,b,c,d"])
def test_tables_a_ragged_row_is_named(write, row):
    fields = row.count(",") + 1
    expected = f"a.csv:4: {fields} fields where 2 are named (text, label)"
    assert _refusal(write("a.csv", f"text,label\nx,y\n\n{row}\n")) == expected


def test_tables_a_column_name_that_stands_twice_is_named(write):
    assert _refusal(write("a.csv", "text,label,text\na,b,c\n")) == 'a.csv:1: two columns are called "text"'


def test_tables_a_header_is_not_read_as_data(write):
    path = write("a.csv", "text,label_name\na,joy\n")
    said = []
    options = FormatOptions(names=["satz", "gefühl"])
    frame = concatenate(batches(path, recognize(path), options, said.append))
    assert (frame.columns, frame.rows()) == (["satz", "gefühl"], [("a", "joy")])
    assert "its first line names columns" in said[0]


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("a.csv", "i am so glad today,joy\nthat is sad,sadness\n", "text,label"),
        ("a.tsv", "9976970\t아 더빙\tnegative\n3819312\t흠\tpositive\n", "column_1,text,label"),
        ("a.csv", "joy,a\nsadness,b c\njoy,d\n", "label,text"),
    ],
)
def test_tables_a_file_without_header_line_is_refused_with_names(write, name, content, names):
    path = write(name, content)
    with pytest.raises(InputError, match=r":1: the first line looks like data") as caught:
        _read(path)
    suggested = caught.value.hint.removeprefix("name the columns:\n--names ")
    assert sorted(suggested.split(",")) == sorted(names.split(","))
    assert _read(path, names=suggested.split(",")).height == len(content.splitlines())


def test_tables_names_read_a_headerless_txt(write):
    path = write("a.txt", "so glad;joy\nso sad;sadness\n")
    said = []
    assert recognize(path, say=said.append).name == "text"
    assert said == []  # two lines are no pattern yet
    assert _column(path, "label", names=["text", "label"]) == ["joy", "sadness"]


def test_tables_a_txt_that_looks_like_a_table_is_told(write):
    path = write("a.txt", "so glad;joy\nso sad;sadness\nwell;joy\n")
    said = []
    assert recognize(path, say=said.append).name == "text"
    assert "';' cuts each into 2" in said[0]


def test_tables_integers_and_words_mix_in_a_column(write):
    rows = [str(i % 3) for i in range(25_000)] + ["joy"]
    path = write("a.csv", "text,label\n" + "".join(f"t{i},{label}\n" for i, label in enumerate(rows)))
    assert _column(path, "label") == rows
    path = write(
        "a.jsonl",
        "".join(json.dumps({"text": "t", "label": label}) + "\n" for label in [0, 1, "joy", None, True]),
    )
    assert _column(path, "label") == ["0", "1", "joy", None, "true"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "jsonl"])
def test_tables_a_bom_and_carriage_returns_are_no_text(write, ending):
    sep = {"csv": ",", "tsv": "\t", "txt": ";", "jsonl": ""}[ending]
    content = '{"text": "a", "label": "x"}\r\n' if ending == "jsonl" else f"text{sep}label\r\na{sep}x\r\n"
    path = write(f"a.{ending}", "\ufeff" + content)
    assert _read(path).to_dicts() == [{"text": "a", "label": "x"}]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.json"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("text,label\na,b\n".encode("utf-16"), "is UTF-16"),
        (b"text,label\na,\0\n", ":2: holds a NUL byte"),
        (b"text,label\nab\xe9,b\n", ":2: byte 3 (0xe9) is not UTF-8"),
    ],
)
def test_tables_bytes_that_are_no_text_are_named(write, name, data, message):
    assert message in _refusal(write(name, data))


@pytest.mark.parametrize("data", [b"Reviews of 2024,\nid,note\n1,a b\n", b"text,label\na\rb,x\n"])
def test_tables_hints_unpack_what_is_compressed(tmp_path, data):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(data))
    with pytest.raises(InputError) as caught:
        _read(path)
    assert f"\ngzip -dc {path} | t" in caught.value.hint


@pytest.mark.parametrize("ending", ["json", "jsonl", "parquet", "feather"])
def test_tables_a_column_name_with_a_nul_character_is_named(write, tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    if ending.startswith("json"):
        write(path.name, '{"la\\u0000bel": "x"}' if ending == "jsonl" else '{"la\\u0000bel": ["x"]}')
    else:
        table = pa.table({"la\0bel": ["x"]})
        (pq.write_table if ending == "parquet" else feather.write_feather)(table, path)
    assert 'called "la\0bel", which holds a NUL' in _refusal(path)


@pytest.mark.parametrize(
    ("ending", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.json"])
def test_tables_compressed_ones_are_read_by_the_name_within(write, name, ending, compress):
    content = {"a.tsv": "text\tlabel\na,b\tx\n", "a.jsonl": '{"text": "a,b", "label": "x"}\n'}
    content["a.json"] = '[{"text": "a,b", "label": "x"}]'
    data = content.get(name, 'text,label\n"a,b",x\n')
    assert _read(write(f"{name}.{ending}", compress(data.encode()))).rows() == [("a,b", "x")]


LINE_ENDS_OF_OTHERS = "a\x85b\u2028c\u2029d\x0be\x0cf\x1cg"


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "text", "jsonl"])
def test_tables_only_a_newline_ends_a_row(write, ending):
    row = (
        json.dumps({"text": LINE_ENDS_OF_OTHERS}, ensure_ascii=False)
        if ending == "jsonl"
        else LINE_ENDS_OF_OTHERS
    )
    sep = {"csv": ",", "tsv": "\t", "txt": ";"}.get(ending)
    content = f"text{sep}label\n{row}{sep}x\n" if sep else f"{row}\n"
    assert _column(write(f"a.{ending}", content)) == [LINE_ENDS_OF_OTHERS]


WRITINGS = ["한국어 문장", "جملة عربية", "👩‍👩‍👧 🏳️‍🌈", "e\u0301", "เด็ก", "  spaces  ", "   ", "𝔘𝔫𝔦"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "jsonl", "text"])
def test_tables_any_writing_is_kept(write, ending):
    if ending in ("jsonl", "text"):
        rows = [json.dumps({"text": t}) for t in WRITINGS] if ending == "jsonl" else WRITINGS
        path = write(f"a.{ending}", "\n".join(rows) + "\n")
    else:
        sep = {"csv": ",", "tsv": "\t", "txt": ";"}[ending]
        path = write(f"a.{ending}", f"text{sep}label\n" + "".join(f"{t}{sep}x\n" for t in WRITINGS))
    assert _column(path) == WRITINGS


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "jsonl"])
def test_tables_a_field_of_a_million_characters_is_kept(write, ending):
    long = "ab c" * 250_000
    sep = {"csv": ",", "tsv": "\t", "txt": ";"}.get(ending)
    content = f"text{sep}label\n{long}{sep}x\n" if sep else json.dumps({"text": long})
    assert _column(write(f"a.{ending}", content)) == [long]


# Formats ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "text;label\na, b;x\n", TableFormat("csv", ";")),
        ("a.csv", "text\tlabel\na\tx\n", TableFormat("tsv", "\t")),
        ("a.txt", "text;label\na;x\n", TableFormat("csv", ";")),
        ("a.txt", "text;mood\na;x\n", TableFormat("csv", ";")),
        ("a.txt", "Some prose, with a comma\nand more\n", TableFormat("text")),
        ("a.txt", "\n\n\ntext;label\na;x\n", TableFormat("csv", ";")),
        ("a.log", "x\n", TableFormat("text")),
        ("noending", "text,label\na,b\n", TableFormat("csv", ",")),
        ("a.TSV.GZ", "a\tb\n", TableFormat("tsv", "\t")),
        ("a.json", '{"text": "a"}\n{"text": "b"}\n', TableFormat("jsonl")),
        ("a.json", '{"text": "a"}\n', TableFormat("jsonl")),
        ("a.json", '{"text": ["a"]}\n', TableFormat("json")),
        ("a.json", '[{"text": "a"}]\n', TableFormat("json")),
    ],
)
def test_tables_recognize(write, name, content, expected):
    assert recognize(write(name, content)) == expected


def test_tables_sep_as_it_is_typed(write):
    path = write("a.csv", "satz\tart\na, b\tx\n")
    assert _read(path, sep=r"\t").rows() == [("a, b", "x")]
    with pytest.raises(UsageError, match="is not one character"):
        _read(path, sep="::")


@pytest.mark.parametrize("content", ["", "\n", " \n\n", "\ufeff"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.json", "a.jsonl", "a"])
def test_tables_an_empty_file_is_said_to_be_empty(write, name, content):
    assert _refusal(write(name, content)) == f"{name}: the file is empty"


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_tables_an_empty_or_broken_columnar_file_is_refused(write, name):
    assert _refusal(write(name, "")) == f"{name}: is empty"
    message = _refusal(write(name, "text,label\na,b\n" * 3))
    assert message.startswith(f"{name}: cannot be read")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "text,label\n"), ("a.tsv", "text\tlabel\n"), ("a.txt", "text;label\r\n\r\n")],
)
def test_tables_a_header_alone_is_said(write, name, content):
    assert _refusal(write(name, content)) == f"{name}: has no rows, only a header"


@pytest.mark.parametrize("name", ["a.pkl", "a.xlsx", "a.zip"])
def test_tables_formats_that_are_not_read_are_named(write, name):
    assert _refusal(write(name, b"\x80\x04")) == f"{name}: .{name[2:]} files are not read"


def test_tables_text_gives_a_row_a_line(write):
    assert _column(write("a.txt", "one\n\n two \r\nlast")) == ["one", None, " two ", "last"]


def test_tables_json_of_rows_of_columns_and_within_an_object(write):
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": None}]
    for content in (rows, {"text": ["a", "b"], "label": [1, None]}, {"version": "1.0", "data": rows}):
        assert _read(write("a.json", json.dumps(content, indent=1))).to_dicts() == rows


def test_tables_json_of_splits_is_recognized(write):
    splits = {"train": [{"text": "a"}, {"text": "b"}], "test": [{"text": "c"}, {"text": "d"}]}
    path = write("a.json", json.dumps(splits))
    assert {name: concatenate(rows).to_dicts() for name, rows in json_splits(path).items()} == splits
    assert _refusal(path) == "a.json: holds several lists of objects: train, test"


@pytest.mark.parametrize(
    "content",
    [
        "3",
        '"text"',
        '{"a": 1,\n "b": [1]}',
        '{"a": [1], "b": [1, 2]}',
        "[1, 2]",
        "{}",
        '[{"a": 1}, 2]',
        "{",
        "[" * 100_000,
    ],
)
def test_tables_json_of_anything_else_is_refused(write, content):
    _refusal(write("a.json", content))


@pytest.mark.parametrize(("opening", "closing"), [('{"a": ', "}"), ("[", "]")])
@pytest.mark.parametrize("depth", [33, 200, 900, 10_000])
def test_tables_json_that_is_too_deep_is_refused(write, depth, opening, closing):
    row = f'{{"text": {opening * depth}1{closing * depth}}}'
    assert _refusal(write("a.jsonl", f'{{"text": "a"}}\n{row}\n')).startswith("a.jsonl:2: lists and objects")
    assert _refusal(write("a.json", f"[{row}]")).startswith("a.json: lists and objects within each other")


def test_tables_json_of_some_depth_is_read(write):
    row = {"text": "a", "more": {"a": [{"b": [[[{"c": [1]}]]]}]}}
    assert _read(write("a.jsonl", json.dumps(row) + "\n")).to_dicts() == [row]


def test_tables_jsonl_names_the_line_that_is_none(write):
    assert _refusal(write("a.jsonl", '{"text": "a"}\n\n{"text": \n')).startswith("a.jsonl:3: no JSON: ")
    assert (
        _refusal(write("a.jsonl", '{"text": "a"}\n[1]\n')) == "a.jsonl:2: an object was expected, one a line"
    )


def test_tables_half_a_character_is_refused(write):
    assert _refusal(write("a.jsonl", '{"text": "\\ud83d\\ude00"}\n{"text": "\\ud83d"}\n')).startswith(
        "a.jsonl:2: holds half a character, \\ud83d"
    )


def test_tables_jsonl_rows_may_lack_keys_and_hold_anything(write):
    rows = [
        {"text": "a", "meta": {"x": 1}, "n": 1},
        {"text": "b", "meta": {"x": "s"}, "n": 2.5},
        {"n": 2**70, "big": 2**70},
    ]
    frame = _read(write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))
    assert frame["text"].to_list() == ["a", "b", None]
    assert frame["n"].to_list() == ["1", "2.5", str(2**70)]
    assert [json.loads(value) for value in frame["meta"].drop_nulls()] == [{"x": 1}, {"x": "s"}]


def test_tables_objects_with_other_keys_each_time_keep_them_all(write):
    metas = [{"a": 1}, {"b": {"c": 1}}, None, {"b": {"d": "x"}, "e": [{"f": 1}, {"g": 2}]}, {}]
    frame = _read(write("a.jsonl", "".join(json.dumps({"text": "t", "meta": m}) + "\n" for m in metas)))
    assert [_without_nulls(value) for value in frame["meta"]] == metas


def _without_nulls(value):
    if isinstance(value, dict):
        filled = {key: _without_nulls(inner) for key, inner in value.items()}
        return {key: inner for key, inner in filled.items() if inner not in (None, {})} if value else value
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def test_tables_columnar_paths_are_no_globs(write):
    for name, save in (
        ("a[1].parquet", pl.DataFrame.write_parquet),
        ("a[1].arrow", pl.DataFrame.write_ipc),
        ("s*.arrow", pl.DataFrame.write_ipc_stream),
    ):
        path = write(name, b"")
        save(pl.DataFrame({"text": ["a"]}), path)
        assert _column(path) == ["a"]


def test_tables_class_names_within_parquet_are_used(write):
    import pyarrow
    from pyarrow import parquet

    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
    }
    table = pyarrow.table({"text": ["a", "b", "c"], "label": [1, 0, -1]})
    path = write("a.parquet", b"")
    parquet.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path
    )
    assert _column(path, "label") == ["pos", "neg", None]


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.b.csv.gz", ".csv.gz"), ("a.csv", ".csv"), ("a", ""), ("a.gz", ".gz")]
)
def test_tables_full_suffix(tmp_path, name, suffix):
    assert full_suffix(tmp_path / name) == suffix


# Against readers someone else wrote -------------------------------------------------------------------

FIELDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1)
ROWS = st.lists(st.tuples(FIELDS, FIELDS), min_size=1)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.sampled_from([",", ";", "|"]), st.sampled_from(["\n", "\r\n"]))
def test_tables_csv_is_what_the_standard_library_wrote(tmp_path, rows, separator, end):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
        [("text", "label"), *rows]
    )
    path = tmp_path / "a.csv"
    path.write_bytes(buffer.getvalue().encode())
    assert _read(path, sep=separator).rows() == rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_tables_jsonl_is_what_pandas_wrote(tmp_path, rows):
    path = tmp_path / "a.jsonl"
    pandas.DataFrame(rows, columns=["text", "label"]).to_json(path, orient="records", lines=True)
    assert _read(path).rows() == rows


@pytest.mark.parametrize("value", ["Infinity", "-Infinity", "1e400", "[1, -1e999]"])
def test_json_numbers_beyond_the_largest_are_refused(value, write):
    path = write("a.jsonl", f'{{"text": "good", "x": 1}}\n{{"text": "bad", "x": {value}}}\n')
    with pytest.raises(InputError, match=r"a.jsonl:2: .* is beyond the largest number"):
        tokkit.stats(path)


@pytest.mark.parametrize("result", ["1.5", "true", '"sadness"', '{"a": 1}'])
def test_an_annotation_without_a_list_of_results_is_refused(result, write):
    good, bad = (
        f'{{"data": {{"text": "a"}}, "annotations": [{{"result": {each}}}]}}' for each in ("[]", result)
    )
    path = write("studio.json", f"[{good}, {bad}]")
    with pytest.raises(InputError, match=r"studio.json: task 2: the result of an annotation is no list"):
        tokkit.stats(path)
