"""Rows written to one file, in the format of their source or of the file's name, and read back to be sure."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from tokkit.errors import InputError, OutputError, TokkitError
from tokkit.sources import formats, streams
from tokkit.sources.formats import FormatOptions, conll, quoting
from tokkit.sources.formats.batch import concatenate, json_series


def _zstd(content: bytes) -> bytes:
    import pyarrow  # only here: it takes 0.1 s to load, and csv to csv does not need it

    return bytes(pyarrow.compress(content, codec="zstd", asbytes=True))


# Ending -> what compresses; none of them writes a date or a name, so the same rows give the same bytes.
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": _zstd,
}

# Formats that keep types and compress themselves.
_COLUMNAR = ("parquet", "arrow")


# Formats by name -----------------------------------------------------------------------------------------


def format_for(out: Path, like: formats.TableFormat) -> formats.TableFormat:
    """The format to write a file in: what its name says, else that of the source.

    Raises `OutputError` for a compressed file of a format that compresses itself, and for a format only read.
    """
    like = writable(like)
    name = formats.format_of(out)
    if not is_written(name):
        raise OutputError(
            f"{out}: {name} files are not written", hint=f"-o {shlex.quote(str(out.with_suffix('.jsonl')))}"
        )
    if name in _COLUMNAR and out.suffix.lower() in _COMPRESS:
        raise OutputError(
            f"{out}: {name} is compressed within", hint=f"-o {shlex.quote(str(out.with_suffix('')))}"
        )
    if name is None or name == like.name or (name == "text" and like.name in ("csv", "tsv")):
        return like
    return plain_format(name)


def writable(like: formats.TableFormat) -> formats.TableFormat:
    """The format itself, or jsonl, which holds any rows, where it is only read."""
    return like if like.name in _WRITERS else plain_format("jsonl")


def is_written(name: str | None) -> bool:
    """Whether files of a format are written; True for the name of none."""
    return name is None or name in _WRITERS


def plain_format(name: str) -> formats.TableFormat:
    """A format by its name, with the usual separator."""
    return formats.TableFormat(name, {"csv": ",", "tsv": "\t"}.get(name))


def ending_of(name: str) -> str:
    """The ending of a file of that format: ``text`` -> ``.txt``."""
    return {"text": ".txt"}.get(name, f".{name}")


def suffix_for(source: Path, table_format: formats.TableFormat, *, converted: bool = False) -> str:
    """The ending of a file written like ``source``: its own where that says the format, compressed alike.

    converted   whether the format is another than that of ``source``; ``.txt`` may be csv and tsv

    >>> suffix_for(Path("reviews.csv.xz"), formats.TableFormat("csv", ";"))
    '.csv.xz'
    """
    is_compressed = source.suffix.lower() in streams.COMPRESSIONS
    plain = source.with_suffix("") if is_compressed else source
    named = formats.format_of(plain)
    fits = named == table_format.name or (
        named == "text" and table_format.name in ("csv", "tsv") and not converted
    )
    ending = plain.suffix if fits else ending_of(table_format.name)
    return ending + (source.suffix if is_compressed and table_format.name not in _COLUMNAR else "")


# Writing -------------------------------------------------------------------------------------------------


def write(
    frame: pl.DataFrame, path: Path, table_format: formats.TableFormat, json_columns: Collection[str] = ()
) -> None:
    """Writes the rows and reads them back.

    json_columns   columns of strings whose lists and objects JSON has as such again: their values are of no
                   one type (`Split.mixed`)

    Raises `InputError` for a value or a type that the format cannot hold, such as a tab in a TSV.
    """
    frame = prepared(frame, table_format)
    path.write_bytes(compressed(encoded(frame, table_format, json_columns), path))
    if table_format.name == "tsv" and not table_format.quoted and quoting.encloses(path, "\t", None):
        # as they stand, quotes of a text would be read as enclosing it
        return write(frame, path, replace(table_format, quote=formats.ENCLOSING), json_columns)
    # a CoNLL file has no header, so reading it back needs the names
    names = [name for name in frame.columns if name != conll.TEXT] if table_format.name == "conll" else ()
    if table_format.name == "csv":
        table_format = replace(table_format, quote=formats.ENCLOSING)
    left_out: list[str] = []
    back = concatenate(formats.batches(path, table_format, FormatOptions(names), left_out.append))
    if left_out:
        raise cannot_hold("a row is the same as the column names, or as a line for Excel", table_format.name)
    nested = _nested_columns(frame, table_format, json_columns)
    # some rows of such a column may be of one type, and are read as that
    expected = [json_series(name, list(map(_json_value, frame[name]))) for name in nested]
    check_same(frame.with_columns(expected), back, path)


def prepared(frame: pl.DataFrame, table_format: formats.TableFormat) -> pl.DataFrame:
    """The rows with the types of the format; raises `InputError` as `write`."""
    writer = _WRITERS[table_format.name]
    frame = writer.prepare(frame, table_format.name)
    if writer.forbidden is not None and not (table_format.name == "tsv" and table_format.quoted):
        _check_values(frame, table_format.name, *writer.forbidden)
    return frame


def encoded(
    frame: pl.DataFrame,
    table_format: formats.TableFormat,
    json_columns: Collection[str] = (),
    header: bool = True,
) -> bytes:
    """The bytes of a file of these rows, which `prepared` gave, not compressed; without a header line on
    request."""
    nested = _nested_columns(frame, table_format, json_columns)
    if nested:
        return _encode_json(frame, table_format.name, nested)
    return _WRITERS[table_format.name].encode(frame, table_format, header)


def compressed(content: bytes, path: Path) -> bytes:
    """The bytes as the ending of a file's name says."""
    return _COMPRESS.get(path.suffix.lower(), bytes)(content)


def check_same(frame: pl.DataFrame, back: pl.DataFrame, path: Path) -> None:
    """Raises `TokkitError` if the rows read back differ as text from those written, lists aside."""

    names = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]

    def plain(rows: pl.DataFrame) -> pl.DataFrame:
        schema = rows.schema
        return rows.select(
            pl.col(name).fill_null(b"")
            if schema[name] == pl.Binary
            else pl.col(name).cast(pl.String).fill_null("")
            for name in names
        )

    same = frame.columns == back.columns and frame.height == back.height and plain(frame).equals(plain(back))
    if not same:
        raise TokkitError(f"{path.name}: the rows read back are not those written; this is a bug in tokkit")


def _json_values(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Types of JSON stay; NaN becomes null, dates and decimals become text."""
    changed = []
    for column, dtype in frame.schema.items():
        values = pl.col(column)
        if dtype == pl.Binary:
            raise cannot_hold(f'column "{column}" holds bytes', name, "parquet")
        if dtype.is_float():
            # JSON has no NaN and no infinity
            changed.append(pl.when(values.is_finite()).then(values).alias(column))
        elif dtype.is_decimal() or not (dtype.is_numeric() or dtype.is_nested() or dtype == pl.Boolean):
            changed.append(values.cast(pl.String))
    return frame.with_columns(changed)


def _strings(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    if name == "text" and frame.width > 1:
        raise InputError(
            f"a text file holds one column, and the rows have {', '.join(frame.columns)}",
            hint="write csv, jsonl or parquet (the ending of -o, or --output-format)",
        )
    for column in frame.columns:
        if frame[column].dtype.is_nested() or frame[column].dtype == pl.Binary:
            raise cannot_hold(f'column "{column}" holds lists, objects or bytes', name, "parquet")
        if name != "text" and (not column or column != column.strip() or column.startswith("\ufeff")):
            raise cannot_hold(
                f'the column name "{column}" is empty, or begins or ends with white space', name
            )
    return frame.select(pl.all().cast(pl.String))


def cannot_hold(what: str, name: str, other: str = "jsonl or parquet") -> InputError:
    """The error for rows that a format cannot hold, with one that can."""
    return InputError(
        f"{what}, which a {name} file cannot hold",
        hint=f"write {other} (the ending of -o, or --output-format)",
    )


def _encode_delimited(frame: pl.DataFrame, table_format: formats.TableFormat, header: bool) -> bytes:
    # without quotes a csv file could not hold a text with a separator
    quoted = table_format.quoted or table_format.name == "csv"
    quote_style: Literal["never", "necessary", "always"] = "necessary" if quoted else "never"
    if table_format.name == "csv" and frame.width == 1:
        quote_style = "always"  # an empty line is no row, a quoted empty field is one
    separator = table_format.separator or ","
    return _to_bytes(
        lambda file: frame.write_csv(
            file, include_header=header, separator=separator, quote_style=quote_style
        )
    )


def _encode_json(frame: pl.DataFrame, name: str, nested: Sequence[str]) -> bytes:
    """JSON with the lists and objects that strings of the columns ``nested`` are; polars writes one type."""
    rows = frame.to_dicts()
    for row in rows:
        row |= {column: _json_value(row[column]) for column in nested}
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    separator = "\n" if name == "jsonl" else ",\n"
    return (separator.join(lines) + "\n" if name == "jsonl" else f"[{separator.join(lines)}]").encode()


def _nested_columns(
    frame: pl.DataFrame, table_format: formats.TableFormat, json_columns: Collection[str]
) -> list[str]:
    """The columns of ``json_columns`` whose strings are written as the lists and objects that they are."""
    if table_format.name not in ("jsonl", "json"):
        return []
    return [name for name in json_columns if frame.schema.get(name) == pl.String]


def _json_value(text: str | None) -> Any:
    """The list or object that a string is; else the string."""
    if text is None or not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _encode_text(text: str) -> bytes:
    # the reader drops a first BOM, so a text that begins with one needs a second
    return ("\ufeff" + text if text.startswith("\ufeff") else text).encode()


def _to_bytes(write: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


@dataclass(frozen=True)
class _Writer:
    """How one format is written.

    encode      the bytes of a file, with a header line or not
    prepare     the rows with the types of the format (and its name, for errors); raises `InputError`
    forbidden   (pattern, name) of characters in a value that the format cannot hold
    """

    encode: Callable[[pl.DataFrame, formats.TableFormat, bool], bytes]
    prepare: Callable[[pl.DataFrame, str], pl.DataFrame] = lambda frame, name: frame
    forbidden: tuple[str, str] | None = None


# Format -> how it is written; the readers are in `sources`.
_WRITERS: dict[str, _Writer] = {
    "csv": _Writer(_encode_delimited, _strings, (r"\x00", "a NUL character")),
    "tsv": _Writer(_encode_delimited, _strings, (r"[\t\n\r\x00]", "a tab, a line end or a NUL character")),
    "text": _Writer(
        lambda frame, *_: _encode_text("".join(f"{line or ''}\n" for line in frame.to_series(0))),
        _strings,
        (r"[\n\r\x00]", "a line end or a NUL character"),
    ),
    "conll": _Writer(
        lambda frame, *_: _encode_text(conll.as_conll(frame)), lambda frame, _: conll.with_text(frame)
    ),
    "jsonl": _Writer(lambda frame, *_: _to_bytes(frame.write_ndjson), _json_values),
    "json": _Writer(lambda frame, *_: _to_bytes(frame.write_json), _json_values),
    "parquet": _Writer(lambda frame, *_: _to_bytes(frame.write_parquet)),
    "arrow": _Writer(lambda frame, *_: _to_bytes(frame.write_ipc)),
}


def _check_values(frame: pl.DataFrame, name: str, pattern: str, what: str) -> None:
    """Raises `InputError` naming the first row with a forbidden character; row 0 is the header."""
    in_rows = frame.select(pl.all().str.contains(pattern).any()).row(0)
    for column, is_bad in zip(frame.columns, in_rows, strict=True):
        in_header = re.search(pattern, column) is not None
        if in_header or is_bad:
            row = 0 if in_header else frame[column].str.contains(pattern).arg_true()[0] + 1
            raise cannot_hold(
                f'{f"row {row}" if row else "the header"}: column "{column}" holds {what}', name
            )
    if name == "tsv" and frame.width == 1 and not all(frame.to_series(0)):
        raise InputError(
            "a tsv file of one column cannot hold an empty field",
            hint="write jsonl or csv (the ending of -o, or --output-format)",
        )
