"""Parquet and Arrow files: damage is refused before polars follows it, and so is what decodes to too much."""

from __future__ import annotations

import io
import random
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from tokkit.errors import InputError
from tokkit.sources.formats import FormatOptions, batches, recognize
from tokkit.sources.formats.batch import Batch, JsonValues, concatenate

MEGABYTE = 1 << 20


def _read(path: Path) -> pl.DataFrame:
    return concatenate(batches(path, recognize(path), FormatOptions()))


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        _read(path)
    assert caught.value.hint
    return caught.value.message.replace(f"{path}", path.name)


def _arrow(table: pa.Table, *, stream: bool = False, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    new = ipc.new_stream if stream else ipc.new_file
    with new(sink, table.schema, options=ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


EVERY_TYPE = pl.DataFrame(
    {
        "text": ["a", None, "ü"],
        "label": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
        "choice": pl.Series(["x", "y", "x"], dtype=pl.Enum(["y", "x"])),
        "whole": [1, 2, None],
        "small": pl.Series([1, 2, 3], dtype=pl.UInt8),
        "real": [1.5, None, 2.5],
        "flag": [True, None, False],
        "day": [date(2020, 1, 1), None, date(1900, 1, 1)],
        "moment": [datetime(2020, 1, 1, 12), None, datetime(1900, 1, 1)],
        "span": [timedelta(seconds=1), None, timedelta(days=3)],
        "tags": [["a", "b"], None, []],
        "pairs": pl.Series([[1, 2], [3, 4], [5, 6]], dtype=pl.Array(pl.Int64, 2)),
        "inner": [{"a": 1, "b": "x"}, {"a": 2, "b": None}, {"a": None, "b": "y"}],
        "bytes": [b"a", b"\xff", None],
        "nothing": [None, None, None],
    }
)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "s.arrow"])
def test_every_type_is_read_as_polars_reads_it(tmp_path, name):
    path = tmp_path / name
    write = {"a.parquet": "write_parquet", "a.arrow": "write_ipc", "s.arrow": "write_ipc_stream"}[name]
    getattr(EVERY_TYPE, write)(path)
    assert _read(path).equals(EVERY_TYPE)
    assert _read(path).schema == EVERY_TYPE.schema


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("stream", [False, True])
def test_arrow_compressed_or_not_is_read(write, compression, stream):
    table = pa.table({"text": ["a b c"] * 1000, "label": pa.array(["x", "y"] * 500).dictionary_encode()})
    path = write("a.arrow", _arrow(table, stream=stream, compression=compression))
    assert _read(path)["text"].to_list() == ["a b c"] * 1000


def _changed_offsets() -> bytes:
    """Texts of which one ends far behind the end of the file."""
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1 << 29, 2)))
    return _arrow(pa.table({"text": pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"ab"))}))


def _not_utf8() -> pa.Table:
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 2)))
    return pa.table({"text": pa.StringArray.from_buffers(1, offsets, pa.py_buffer(b"\xff\xfe"))})


def _wrong_index() -> bytes:
    indices = pa.array([0, 700_000_000], pa.int32())
    array = pa.DictionaryArray.from_arrays(indices, pa.array(["a"]), safe=False)
    return _arrow(pa.table({"text": array}))


DAMAGED = {
    "offsets.arrow": _changed_offsets,
    "text.arrow": lambda: _arrow(_not_utf8()),
    "text.parquet": lambda: _parquet(_not_utf8()),
    "index.arrow": _wrong_index,
    "cut.arrow": lambda: _arrow(pa.table({"text": ["a"] * 99}))[:300],
    "cut-stream.arrow": lambda: _arrow(pa.table({"text": ["a"] * 99}), stream=True)[:300],
    "cut.parquet": lambda: _parquet(pa.table({"text": ["a"] * 99}))[:300],
    "name.arrow": lambda: _arrow(pa.table({"text": ["a"]})).replace(b"text", b"\xff\xfe\xfd\xfc"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_refused_in_one_line(write, name):
    message = _refusal(write(name, DAMAGED[name]()))
    assert message.startswith(f"{name}: cannot be read: ")
    assert "\n" not in message


def _one_text(rows: int) -> pa.Table:
    """Rows that are all the same megabyte."""
    indices = pa.array([0] * rows, pa.int32())
    return pa.table({"text": pa.DictionaryArray.from_arrays(indices, pa.array(["x" * MEGABYTE]))})


BOMBS = {
    "dictionary.parquet": lambda: _parquet(
        _one_text(8000), compression="zstd", dictionary_pagesize_limit=1 << 30, store_schema=False
    ),
    "lists.parquet": lambda: _parquet(
        pa.table({"text": pa.ListArray.from_arrays([0, 200], _one_text(200)["text"].combine_chunks())}),
        compression="zstd",
        dictionary_pagesize_limit=1 << 30,
        store_schema=False,
    ),
    "zeros.parquet": lambda: _parquet(
        pa.table({"many": pa.ListArray.from_arrays([0, 1 << 27], pa.nulls(1 << 27, pa.int8()))}),
        compression="zstd",
    ),
    "dictionary.arrow": lambda: _arrow(_one_text(8000)),
    "zeros.arrow": lambda: _arrow(
        pa.table({"text": pa.array(["\0" * (1 << 27)], pa.large_string())}), compression="zstd"
    ),
    "zeros-stream.arrow": lambda: _arrow(
        pa.table({"text": pa.array(["\0" * (1 << 27)], pa.large_string())}), compression="zstd", stream=True
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_decodes_to_far_more_than_its_size_is_refused(write, name):
    content = BOMBS[name]()
    assert len(content) < 3 * MEGABYTE
    message = _refusal(write(name, content))
    assert message == f"{name}: grows to more than 200 times its size when it is decoded"


def test_texts_that_repeat_are_no_bomb(write):
    texts = [f"{i % 40} {'word ' * 2000}" for i in range(3000)]
    path = write("a.parquet", _parquet(pa.table({"text": texts, "label": ["a"] * 3000}), compression="zstd"))
    assert _read(path)["text"].to_list() == texts


@pytest.mark.parametrize("ending", ["arrow", "parquet"])
def test_bytes_changed_anywhere_are_read_or_refused(write, ending):
    """In this process: what polars does with damage that it was handed ends it."""
    chance = random.Random(ending)
    name = f"a.{ending}"
    path = write(name, b"")
    EVERY_TYPE.write_ipc(path) if ending == "arrow" else EVERY_TYPE.write_parquet(path)
    content, refused = path.read_bytes(), 0
    for _ in range(200):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            _read(write(name, bytes(damaged)))
        except InputError:
            refused += 1
    assert refused > 20


def test_texts_of_a_batch_are_those_that_are_there():
    batch = Batch({"strings": pl.Series(["a", None, "", "b"]), "values": ["a", None, "", 1]}, 4, 0)
    assert batch.texts("strings") == ["a", "", "b"]
    assert batch.texts("values") == ["a", "1"]
    assert batch.texts("nothing") == []


def test_the_row_of_a_list_among_texts_is_counted_over_all_batches():
    batches_of_rows = [Batch({"text": values}, 2, 0) for values in (["a", "b"], ["c", ["d"]], [["e"], "f"])]
    values = JsonValues()
    assert list(values.noted(iter(batches_of_rows), 1)) == batches_of_rows
    frame = pl.DataFrame({"text": ["a"]})
    assert values.mixed([Path("a.jsonl"), Path("b.jsonl")], frame) == {"text": "b.jsonl: row 4 holds a list"}
