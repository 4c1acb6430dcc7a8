"""Rows written in the format they were read in (or the one the name says), and read back to be sure."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError, OutputError, TokkitError
from tokkit.sources import tables

if TYPE_CHECKING:
    import polars as pl


def format_for(out: Path, like: tables.TableFormat) -> tables.TableFormat:
    """The format a file is written in: what its name says, else that of the rows' source.

    Raises `OutputError` for a compression that is not written.
    """
    if out.suffix.lower() in (".bz2", ".xz", ".zst"):
        raise OutputError(f"{out}: {out.suffix} is read but not written", hint=f"-o {out.with_suffix('.gz')}")
    name = tables.format_of(out)
    if name is None or name == like.name or (name == "text" and like.name in ("csv", "tsv")):
        return like
    return tables.TableFormat(name, {"csv": ",", "tsv": "\t"}.get(name))


def write(frame: pl.DataFrame, path: Path, table_format: tables.TableFormat) -> None:
    """Writes the rows and reads them back.

    Raises `InputError` for a value the format cannot hold, such as a tab in a TSV.
    """
    if table_format.name in ("tsv", "text"):
        _check_unquoted(frame, table_format)
    content = _encode(frame, table_format)
    if path.suffix.lower() == ".gz":
        content = gzip.compress(content, mtime=0)
    path.write_bytes(content)
    back = tables.read_table(path, table_format)
    if not _same(frame, back):
        raise TokkitError(f"{path.name}: the rows read back are not those written: a bug")


def _encode(frame: pl.DataFrame, table_format: tables.TableFormat) -> bytes:
    buffer = io.BytesIO()
    if table_format.name == "text":
        lines = frame.to_series(0).fill_null("").to_list()
        return "".join(f"{line}\n" for line in lines).encode()
    if table_format.name in ("csv", "tsv"):
        quote = "never" if table_format.name == "tsv" else "necessary"
        frame.write_csv(buffer, separator=table_format.separator or ",", quote_style=quote)  # type: ignore[arg-type]
    elif table_format.name == "jsonl":
        frame.write_ndjson(buffer)
    elif table_format.name == "json":
        frame.write_json(buffer)
    elif table_format.name == "parquet":
        frame.write_parquet(buffer)
    else:
        frame.write_ipc(buffer)
    return buffer.getvalue()


def _check_unquoted(frame: pl.DataFrame, table_format: tables.TableFormat) -> None:
    import polars as pl

    strings = frame.select(pl.col(pl.String))
    for name in strings.columns:
        bad = (
            strings[name]
            .str.contains(r"[\t\n\r]" if table_format.name == "tsv" else r"[\n\r]")
            .fill_null(False)
        )
        if bad.any():
            raise InputError(
                f'row {bad.arg_true()[0] + 1}: column "{name}" holds a tab or line end, '
                f"which a {table_format.name} file cannot hold",
                hint="write csv, jsonl or parquet: -o OUT.csv",
            )


def _same(frame: pl.DataFrame, back: pl.DataFrame) -> bool:
    import polars as pl

    def plain(table: pl.DataFrame) -> list[list[str | None]]:
        strings = [table[name].cast(pl.String, strict=False) for name in table.columns]
        return [[value or None for value in column.to_list()] for column in strings]

    scalar = [name for name in frame.columns if not frame[name].dtype.is_nested()]
    return frame.height == back.height and plain(frame.select(scalar)) == plain(back.select(scalar))
