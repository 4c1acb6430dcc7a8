"""Files of every format, read in batches: the same figures, sentences and errors as those of the table."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma

import datasets
import polars as pl
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inspection.test_inspection_stats_streaming import is_streamed
from tokkit.data.loading import streaming
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError
from tokkit.inspection.stats import stats
from tokkit.sources.formats import batch, columnar, delimited

TEXT = st.sampled_from(
    ["a", "A!", "b b", "가 나", "", "<br>", "漢字かな", "NA", "e\u0301", "x\x07y", "👩\u200d👧"]
)
ROWS = st.lists(
    st.tuples(TEXT | st.none(), st.sampled_from(["x", "y", "", None]), st.integers(0, 3) | st.none()),
    min_size=1,
)


def _frame(rows):
    return pl.DataFrame(rows, {"text": pl.String, "label": pl.String, "n": pl.Int64}, orient="row")


def _delimited(separator):
    def write(path, rows):
        lines = [separator.join(["text", "label", "n"])]
        lines += [separator.join("" if value is None else str(value) for value in row) for row in rows]
        path.write_text("\n".join(lines) + "\n", "utf-8", newline="")

    return write


def _json_lines(path, rows):
    content = [dict(zip(("text", "label", "n"), row, strict=True)) for row in rows]
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=bool(i % 2)) + "\n" for i, row in enumerate(content))
    )


def _arrow_stream(path, rows):
    table = _frame(rows).to_arrow()
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def _lines(path, rows):
    path.write_text("".join(f"{text or ''}\n" for text, _, _ in rows), "utf-8", newline="")


WRITERS = {
    "a.csv": _delimited(","),
    "a.tsv": _delimited("\t"),
    "a.jsonl": _json_lines,
    "a.parquet": lambda path, rows: _frame(rows).write_parquet(path, row_group_size=5),
    "a.arrow": lambda path, rows: _frame(rows).write_ipc(path, record_batch_size=4),
    "b.arrow": _arrow_stream,
    "a.txt": _lines,
}
COMPRESSED = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pyarrow.compress(content, "zstd", asbytes=True),
}


@pytest.fixture
def few_at_a_time(monkeypatch):
    """Batches of a few rows, and a few rows to guess from."""
    for module in (batch, columnar):
        monkeypatch.setattr(module, "ROWS", 3)


def both(monkeypatch, heard, source, **options):
    """What is found, or why not, and what is said: from batches, and from a table. And whether in batches."""
    outcomes = []
    for whole in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delimited, "LARGE", 0)
            if whole:
                patch.setattr(streaming, "_streamed", lambda *arguments: None)
            heard.sentences.clear()
            try:
                outcome = stats(source, progress=heard, **options).as_dict()
            except InputError as error:
                outcome = (error.message, error.hint)
            said = [
                sentence
                for sentence in heard.sentences
                if "compiling" not in sentence and "guessed" not in sentence
            ]
            outcomes.append((outcome, sorted(said)))
    try:
        return *outcomes, is_streamed(source, DatasetOptions(**options))
    except InputError:
        return *outcomes, False


@pytest.mark.parametrize("name", WRITERS)
@given(rows=ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None)
def test_stats_of_every_format_in_batches_are_those_of_the_table(
    tmp_path, monkeypatch, heard, few_at_a_time, name, rows
):
    WRITERS[name](tmp_path / name, rows)
    in_batches, whole, _ = both(monkeypatch, heard, tmp_path / name)
    assert in_batches == whole


@pytest.mark.parametrize("name", WRITERS)
def test_stats_reads_every_large_file_in_batches(tmp_path, monkeypatch, heard, few_at_a_time, name):
    rows = [(f"text {i % 40}", "xyz"[i % 3], i) for i in range(100)]
    WRITERS[name](tmp_path / name, rows)
    in_batches, whole, streamed = both(monkeypatch, heard, tmp_path / name)
    assert streamed
    assert in_batches == whole
    assert whole[0]["splits"]["train"]["duplicates"]["exact"] == 60


@pytest.mark.parametrize("ending", COMPRESSED)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_stats_reads_compressed_files_in_batches(tmp_path, monkeypatch, heard, name, ending):
    WRITERS[name](tmp_path / name, [(f"text {i % 7}", "xy"[i % 2], i) for i in range(50)])
    packed = tmp_path / f"{name}{ending}"
    packed.write_bytes(COMPRESSED[ending]((tmp_path / name).read_bytes()))
    in_batches, whole, streamed = both(monkeypatch, heard, packed)
    assert streamed
    assert in_batches == whole


VALUES = st.sampled_from(
    [
        *(None, "", "a", "1", 1, 0, -7, 2**70, 1.0, 0.5, 1e300, True, False),
        *([1], ["a"], {"k": "v"}, {"k": 1}, {"j": None}),
    ]
)


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"text": st.sampled_from(["a", "b", None])}, optional={"label": VALUES, "z": VALUES}
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@pytest.mark.long
def test_stats_of_json_with_values_of_any_kind_are_those_of_the_table(
    tmp_path, monkeypatch, heard, few_at_a_time, rows
):
    """Types that only later rows have begin the work anew."""
    monkeypatch.setattr(batch, "SAMPLE", 2)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    in_batches, whole, _ = both(monkeypatch, heard, path, text_column="text", label_column="label")
    assert in_batches[0] == whole[0]


def test_stats_of_json_read_it_once_whatever_a_column_of_strings_or_lists_holds_later(
    write, monkeypatch, heard, few_at_a_time
):
    monkeypatch.setattr(batch, "SAMPLE", 2)
    first = {"text": "a", "label": "x", "note": None, "tokens": ["a"], "meta": {"n": 1}}
    later = {"text": 2.5, "label": True, "note": "", "tokens": None, "meta": {"n": 2}}
    last = {"text": "b", "label": "x", "note": "seen", "tokens": ["b", "c"], "meta": None}
    rows = [first, first, later, later, last, {"text": 7}]
    path = write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    in_batches, whole, _ = both(monkeypatch, heard, path)
    assert in_batches == whole

    def read_whole(*arguments):
        raise AssertionError("read whole")

    monkeypatch.setattr(streaming, "dataset_of", read_whole)
    assert stats(path).as_dict() == whole[0]


def test_stats_of_columns_that_hold_no_strings_are_those_of_the_table(
    tmp_path, monkeypatch, heard, few_at_a_time
):
    frame = pl.DataFrame(
        {
            "text": ["a", "", None, "b", "b"],
            "label": [1, 0, None, 1, 1],
            "empty": ["", "", None, "x", "x"],
            "list": [[1], None, [], [2], [2]],
            "object": [{"a": 1}, {"a": None}, None, {"a": 2}, {"a": 3}],
            "bytes": [b"a", None, b"", b"b", b"b"],
            "day": pl.Series([1, 2, 3, None, 1]).cast(pl.Date),
            "kind": pl.Series(["k", "l", "k", None, "k"], dtype=pl.Categorical),
            "number": [0.5, float("nan"), -0.0, 0.0, None],
            "null": [None] * 5,
        }
    )
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=2)
    frame.drop("bytes").write_ipc(tmp_path / "a.arrow")
    for path in (tmp_path / "a.parquet", tmp_path / "a.arrow"):
        in_batches, whole, streamed = both(monkeypatch, heard, path)
        assert streamed
        assert in_batches == whole
        assert whole[0]["splits"]["train"]["columns"]["empty"] == {
            "missing": 1,
            "distinct": 2,
            "looks_like_id": False,
        }


def test_stats_in_batches_names_classes_that_datasets_wrote_as_numbers(tmp_path, monkeypatch, heard):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    dataset = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, 1]}, features=features)
    dataset.to_parquet(tmp_path / "a.parquet")
    in_batches, whole, streamed = both(monkeypatch, heard, tmp_path / "a.parquet")
    assert streamed
    assert in_batches == whole
    assert whole[0]["splits"]["train"]["classes"] == {"no": 1, "yes": 2}


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.jsonl", '{"text": "a"}\n{"text": \n', {}),
        ("a.jsonl", '{"text": "a"}\n{"text": \n[1]\n', {"skip_bad": True}),
        ("a.jsonl", '{"text": "a"}\n[1]\n', {}),
        ("a.jsonl", '{"text": "\\ud800"}\n', {}),
        (
            "a.jsonl",
            '{"row": {"text": "a", "label": "x"}}\n{"row": {"text": "b", "label": "y"}}\n',
            {"field": "row"},
        ),
        ("a.jsonl", '{"row": {"text": "a"}}\n{"other": 1}\n', {"field": "row"}),
        ("a.jsonl", '{"text": {"body": "a"}}\n', {"text_column": "text.body"}),
        ("a.jsonl", "\n\n", {}),
        ("a.jsonl", "{}\n", {}),
        ("a.jsonl", '{"text": "a", "label": 1.0}\n{"text": "b", "label": 2.0}\n', {}),
        ("a.json", '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n', {}),
        ("a.txt", "one\n\ntwo\nthree\n\n\nfour\n", {"unit": "paragraph"}),
        ("a.txt", "one\n\ntwo\n", {"unit": "file"}),
        ("a.txt", b"one\n\xff\n", {}),
        ("a.txt", b"one\n\x00\n", {}),
        ("a.txt", "a;b\nc;d\ne;f\n", {}),
        ("a.parquet", b"PAR1 no parquet PAR1", {}),
        ("a.parquet", b"", {}),
        ("a.arrow", b"ARROW1\0\0", {}),
    ],
)
def test_stats_in_batches_says_and_refuses_the_same(write, monkeypatch, heard, name, content, options):
    in_batches, whole, _ = both(monkeypatch, heard, write(name, content), **options)
    assert in_batches == whole


def test_stats_of_a_parquet_file_that_is_damaged_further_down_is_refused_as_a_table_is(
    tmp_path, monkeypatch, heard
):
    path = tmp_path / "a.parquet"
    texts = [f"a text of several words, number {i}" for i in range(2000)]
    pl.DataFrame({"text": texts}).write_parquet(path, row_group_size=500, compression="zstd")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    in_batches, whole, _ = both(monkeypatch, heard, path)
    assert in_batches == whole
    assert isinstance(whole[0], tuple)
