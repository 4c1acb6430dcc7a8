"""Rows written in the format they were read in (or the one the name says), and read back to be sure."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tokkit.errors import InputError, OutputError, TokkitError
from tokkit.sources import conll, streams, tables

if TYPE_CHECKING:
    import polars as pl


def _zst(content: bytes) -> bytes:
    import pyarrow

    compressed: bytes = pyarrow.compress(content, codec="zstd", asbytes=True)
    return compressed


_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": _zst,
}
"""Ending -> what compresses; none of them writes a date or a name."""

_Quotes = Literal["never", "necessary", "always"]
_ENDINGS = {"text": ".txt"}
_CANNOT_HOLD = {
    "csv": (r"\x00", "a NUL character"),
    "tsv": (r"[\t\n\r\x00]", "a tab, a line end or a NUL character"),
    "text": (r"[\n\r\x00]", "a line end or a NUL character"),
}


def format_for(out: Path, like: tables.TableFormat) -> tables.TableFormat:
    """The format a file is written in: what its name says, else that of the rows' source.

    Raises `OutputError` for a compressed file of a format that compresses itself.
    """
    name = tables.format_of(out)
    if name in ("parquet", "arrow") and out.suffix.lower() in _COMPRESS:
        raise OutputError(f"{out}: {name} is compressed within", hint=f"-o {out.with_suffix('')}")
    if name is None or name == like.name or (name == "text" and like.name in ("csv", "tsv")):
        return like
    return plain_format(name)


def plain_format(name: str) -> tables.TableFormat:
    """A format by its name, with the separator that is usual."""
    return tables.TableFormat(name, {"csv": ",", "tsv": "\t"}.get(name))


def ending_of(name: str) -> str:
    """How the name of a file of that format ends: ``text`` -> ``.txt``."""
    return _ENDINGS.get(name, f".{name}")


def suffix_for(source: Path, table_format: tables.TableFormat) -> str:
    """The ending of a file written like ``source``: its own where it says the format, compressed alike.

    >>> suffix_for(Path("reviews.csv.xz"), tables.TableFormat("csv", ";"))
    '.csv.xz'
    """
    compressed = source.suffix.lower() in streams.COMPRESSIONS
    plain = source.with_suffix("") if compressed else source
    says = tables.format_of(plain)
    fits = says == table_format.name or (says == "text" and table_format.name in ("csv", "tsv"))
    ending = plain.suffix if fits else ending_of(table_format.name)
    return ending + (source.suffix if compressed and table_format.name not in ("parquet", "arrow") else "")


def write(frame: pl.DataFrame, path: Path, table_format: tables.TableFormat) -> None:
    """Writes the rows and reads them back.

    Raises `InputError` for a value the format cannot hold, such as a tab in a TSV.
    """
    frame = _as_held(frame, table_format)
    if table_format.name in _CANNOT_HOLD:
        _check_values(frame, table_format)
    content = _encode(frame, table_format)
    compress = _COMPRESS.get(path.suffix.lower(), bytes)
    path.write_bytes(compress(content))
    names = [name for name in frame.columns if name != conll.TEXT] if table_format.name == "conll" else ()
    back = tables.read_table(path, table_format, tables.Reading(names))
    check_same(frame, back, path)


def check_same(frame: pl.DataFrame, back: pl.DataFrame, path: Path) -> None:
    """Raises `TokkitError` where rows that were read back are not those that were written."""
    if not _same(frame, back):
        raise TokkitError(f"{path.name}: the rows read back are not those written: a bug")


def _as_held(frame: pl.DataFrame, table_format: tables.TableFormat) -> pl.DataFrame:
    """The rows with the types the format knows: strings in delimited and text files, JSON's own in JSON.

    Raises `InputError` for columns that it has no place for.
    """
    import polars as pl

    if table_format.name in ("parquet", "arrow"):
        return frame
    if table_format.name == "conll":
        return conll.with_text(frame)
    if table_format.name in ("json", "jsonl"):
        for name in frame.columns:
            if frame[name].dtype == pl.Binary:
                raise _no_place(name, "bytes", table_format)
        floats = [name for name in frame.columns if frame[name].dtype.is_float()]
        others = [name for name in frame.columns if not _is_json(frame[name].dtype)]
        return frame.with_columns(
            *(pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in floats),
            *(pl.col(name).cast(pl.String) for name in others),
        )
    if table_format.name == "text" and frame.width > 1:
        raise InputError(
            f"a text file holds one column, and the rows have {', '.join(frame.columns)}",
            hint="write csv, jsonl or parquet: --output-format csv, or -o OUT.csv",
        )
    for name in frame.columns:
        if frame[name].dtype.is_nested() or frame[name].dtype == pl.Binary:
            raise _no_place(name, "lists, objects or bytes", table_format)
        if table_format.name != "text" and (name != name.strip() or name.startswith("\ufeff")):
            raise InputError(
                f'the column name "{name}" begins or ends with white space, '
                f"which a {table_format.name} file cannot hold",
                hint="write jsonl or parquet: --output-format jsonl, or -o OUT.jsonl",
            )
    return frame.select(pl.all().cast(pl.String))


def _no_place(name: str, what: str, table_format: tables.TableFormat) -> InputError:
    return InputError(
        f'column "{name}" holds {what}, which a {table_format.name} file cannot hold',
        hint="write parquet: --output-format parquet, or -o OUT.parquet",
    )


def _is_json(dtype: pl.DataType) -> bool:
    import polars as pl

    number = dtype.is_numeric() and not dtype.is_decimal()
    return number or dtype.is_nested() or dtype in (pl.String, pl.Boolean)


def _encode(frame: pl.DataFrame, table_format: tables.TableFormat) -> bytes:
    buffer = io.BytesIO()
    if table_format.name in ("text", "conll"):
        texts = frame.to_series(0).fill_null("").to_list() if table_format.name == "text" else ()
        text = (
            conll.as_conll(frame) if table_format.name == "conll" else "".join(f"{line}\n" for line in texts)
        )
        # the reader takes a first BOM for none of the text
        return ("\ufeff" + text if text.startswith("\ufeff") else text).encode()
    if table_format.name in ("csv", "tsv"):
        # an empty line is no row, a quoted empty field is one
        quote: _Quotes = (
            "never" if table_format.name == "tsv" else "always" if frame.width == 1 else "necessary"
        )
        frame.write_csv(buffer, separator=table_format.separator or ",", quote_style=quote)
    elif table_format.name == "jsonl":
        frame.write_ndjson(buffer)
    elif table_format.name == "json":
        frame.write_json(buffer)
    elif table_format.name == "parquet":
        frame.write_parquet(buffer)
    else:
        frame.write_ipc(buffer)
    return buffer.getvalue()


def _check_values(frame: pl.DataFrame, table_format: tables.TableFormat) -> None:
    import polars as pl

    pattern, named = _CANNOT_HOLD[table_format.name]
    for name in frame.columns:
        bad = pl.Series([name, *frame[name]], dtype=pl.String).str.contains(pattern).fill_null(False)
        if bad.any():
            row = bad.arg_true()[0]
            raise InputError(
                f'{f"row {row}" if row else "the header"}: column "{name}" holds {named}, '
                f"which a {table_format.name} file cannot hold",
                hint="write jsonl or parquet: --output-format jsonl, or -o OUT.jsonl",
            )
    if table_format.name == "tsv" and frame.width == 1 and not all(frame.to_series(0)):
        raise InputError(
            "a tsv file of one column cannot hold an empty field",
            hint="write jsonl or csv: --output-format csv, or -o OUT.csv",
        )


def _same(frame: pl.DataFrame, back: pl.DataFrame) -> bool:
    """Whether both hold the same columns and values as they read as text; lists and objects aside."""
    import polars as pl

    def plain(column: pl.Series) -> list[str | bytes | None]:
        values = column if column.dtype == pl.Binary else column.cast(pl.String)
        return [value or None for value in values.to_list()]

    return (
        frame.columns == back.columns
        and frame.height == back.height
        and all(
            plain(frame[name]) == plain(back[name])
            for name in frame.columns
            if not frame[name].dtype.is_nested()
        )
    )
