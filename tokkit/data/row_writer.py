"""Rows written to one file some at a time, so that a table need not be in memory to be written."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl

from tokkit.data import save
from tokkit.sources import formats
from tokkit.sources.formats import FormatOptions, TableFormat, quoting


class RowWriter:
    """A file in any format that `save.write` writes; the same rows make the same table.

    with RowWriter(path, table_format) as writer:
        for frame in frames:
            writer.write(frame)

    A context manager: on leaving, the file is complete.
    """

    def __init__(self, path: Path, table_format: TableFormat) -> None:
        self._path, self._format = path, table_format
        self._stack = ExitStack()
        self._columnar: Any = None
        self._rows = 0
        self._file = self._stack.enter_context(open(path, "wb"))

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._format.name == "json":
            self._append(b"\n]" if self._rows else b"[]")
        self._stack.close()
        if error is None and self._format.name in ("csv", "tsv"):
            self._check_read_back()

    def _check_read_back(self) -> None:
        """Raises `InputError` where a row would be read as a header, or quotes of a text as enclosing it."""
        name = self._format.name
        if name == "tsv" and not self._format.quoted and quoting.encloses(self._path, "\t", None):
            raise save.cannot_hold("a text in quotes, which would be read as enclosing it,", name)
        read_as = replace(self._format, quote=formats.ENCLOSING) if name == "csv" else self._format
        left_out: list[str] = []
        back = formats.batches(self._path, read_as, FormatOptions(), left_out.append)
        if sum(batch.rows for batch in back) != self._rows or left_out:
            raise save.cannot_hold("a row is the same as the column names, or as a line for Excel", name)

    def check(self, frame: pl.DataFrame) -> None:
        """Raises `InputError` for rows that the format cannot hold."""
        save.prepared(frame, self._format)

    def write(self, frame: pl.DataFrame, json_columns: Collection[str] = ()) -> None:
        """Append rows, whose columns are those of the rows before; raises `InputError` as `save.write`."""
        frame = save.prepared(frame, self._format)
        if self._format.name in ("parquet", "arrow"):
            self._append_table(frame)
        elif frame.height or self._format.name in ("csv", "tsv"):
            content = save.encoded(frame, self._format, json_columns, header=self._file.tell() == 0)
            self._append(self._between(content))
        self._rows += frame.height

    def _between(self, content: bytes) -> bytes:
        """A part of the file as it follows the parts before it."""
        if self._format.name == "json":
            return (b",\n" if self._rows else b"[\n") + content.strip().removeprefix(b"[").removesuffix(b"]")
        # a blank line parts the sentences of a CoNLL file
        return b"\n" + content if self._rows and self._format.name == "conll" else content

    def _append(self, content: bytes) -> None:
        # Parts that are compressed one by one make a file that every reader takes as one.
        self._file.write(save.compressed(content, self._path))

    def _append_table(self, frame: pl.DataFrame) -> None:
        # here, not above: 0.1 s to load, which text formats do without
        import pyarrow
        from pyarrow import parquet

        # The oldest level has no string views, which not every reader of Parquet knows.
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._columnar is None:
            make: Any = (
                parquet.ParquetWriter if self._format.name == "parquet" else pyarrow.ipc.RecordBatchFileWriter
            )
            options = {"compression": "zstd"} if self._format.name == "parquet" else {}
            self._columnar = self._stack.enter_context(make(self._file, table.schema, **options))
        self._columnar.write_table(table)
