"""How large a columnar file is when it is decoded: a few bytes of it may be gigabytes of values.

    dictionary of one text of 1 MB, 8,000 rows that are its number: 11 kB of Parquet, 8 GB of texts
    8 GB of zeros, compressed with zstd: 300 kB of Arrow

Such a file is refused as a compressed text is (`streams.LARGEST_RATIO`), before or while it is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow
import pyarrow.compute as pc
from pyarrow import parquet

from tokkit.errors import InputError
from tokkit.sources.streams import FREE, LARGEST_RATIO

# most bytes of the texts of a batch, if each were the longest that its dictionary has
_TEXTS = 64 << 20
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_DICTIONARY_PAGE = 2
_I32 = 0x15  # a 32-bit integer in the field that follows, in Thrift's compact protocol


class DecodedSize:
    """Counts the bytes of what is decoded of a file, and refuses more than a real one of its size gives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._whole = self._most = max(FREE, LARGEST_RATIO * path.stat().st_size)
        self._total = 0

    def expect(self, share: float) -> None:
        """Only that share of the file is decoded, which may be that share of the bytes."""
        self._most = max(FREE, int(share * self._whole))

    def add(self, frame: pl.DataFrame) -> None:
        """Count some rows. Raises `InputError` where they are too many bytes with those before."""
        # a number counts as a byte: files may hold columns of one value, which take next to nothing
        self._total += frame.height * frame.width + sum(map(_bytes_within, frame.get_columns()))
        if self._total > self._most:
            raise self._error()

    def check(self, size: int) -> None:
        """Raises `InputError` where the file is that many bytes when it is decoded, and that is too much."""
        if size > self._whole:
            raise self._error()

    def _error(self) -> InputError:
        return InputError(
            f"{self.path}: grows to more than {LARGEST_RATIO} times its size when it is decoded",
            hint="save its rows as csv yourself if you trust it, and name that file",
        )


def _bytes_within(column: pl.Series) -> int:
    """Bytes of texts, number of values in lists; other values are no larger than the file has them."""
    match column.dtype:
        case pl.String:
            sizes = column.str.len_bytes()
        case pl.Categorical | pl.Enum:
            sizes = column.cat.len_bytes()
        case pl.Binary:
            sizes = column.bin.size()
        case pl.List:
            values = column.explode()
            return len(values) + _bytes_within(values)
        case pl.Struct:
            return sum(map(_bytes_within, column.struct.unnest().get_columns()))
        case _:
            return 0
    return int(sizes.cast(pl.Int64).sum())


def check_compressed(content: Any, size: DecodedSize, is_file: bool) -> None:
    """Raises `InputError` where the compressed buffers of an Arrow file or stream are too large without.

    content  all bytes, a `pyarrow.Buffer`
    is_file  whether they end with a table of contents
    """
    total = 0
    stream = pyarrow.ipc.MessageReader.open_stream
    for message in _messages_of_file(content) if is_file else stream(content):
        total += _decompressed_bytes(_Flatbuffer(message.metadata), message.body)
        size.check(total)


def _messages_of_file(content: Any) -> Iterator[Any]:
    """The batches of dictionaries and rows that the table of contents of an Arrow file names."""
    # at the end: the table of contents, its length, and ARROW1
    end = content.size - 10
    (length,) = struct.unpack("<i", content[end : end + 4])
    contents = _Flatbuffer(content[end - length : end])
    for number in (2, 3):  # dictionaries, batches of rows
        for block in contents.items(contents.field(contents.target(0), number), 24):
            yield pyarrow.ipc.read_message(content.slice(contents.unpack("<q", block)))


def _decompressed_bytes(message: _Flatbuffer, body: Any) -> int:
    """Bytes that the compressed buffers of a message say that they are; 0 where none is compressed."""
    root = message.target(0)
    kind = message.unpack("<B", message.field(root, 1))
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return 0
    batch = message.target(message.field(root, 2))
    if kind == _DICTIONARY_BATCH:
        batch = message.target(message.field(batch, 1))
    if not message.field(batch, 3):  # not compressed
        return 0
    total = 0
    for buffer in message.items(message.field(batch, 2), 16):
        offset, length = message.unpack("<q", buffer), message.unpack("<q", buffer + 8)
        if length >= 8:  # a compressed buffer begins with its size; -1 where it is not compressed
            total += max(0, int(struct.unpack("<q", body[offset : offset + 8])[0]))
    return total


class _Flatbuffer:
    """A message of Arrow, as its format/Message.fbs and File.fbs describe them."""

    def __init__(self, content: Any) -> None:
        self._content = memoryview(content)

    def unpack(self, kind: str, position: int) -> int:
        """A number; raises `struct.error` for a position outside."""
        if position < 0:
            raise struct.error(f"a position of {position} in a message")
        return int(struct.unpack_from(kind, self._content, position)[0])

    def target(self, position: int) -> int:
        """Where the offset at a position leads."""
        return position + self.unpack("<I", position)

    def field(self, table: int, number: int) -> int:
        """Where a field of a table is; 0 where it is absent."""
        fields = table - self.unpack("<i", table)
        entry = 4 + 2 * number
        offset = self.unpack("<H", fields + entry) if self.unpack("<H", fields) > entry else 0
        return table + offset if offset else 0

    def items(self, vector: int, size: int) -> Iterator[int]:
        """Where the structures of a vector are, each of so many bytes; none where it is absent."""
        if vector:
            first = self.target(vector)
            yield from range(first + 4, first + 4 + size * self.unpack("<I", first), size)


def rows_that_fit(source: Any, columns: Container[str], size: DecodedSize, rows: int) -> int:
    """How many rows of a Parquet file make a batch of texts of 64 MB at most: ``rows``, or fewer.

    source   the `ParquetFile`

    Raises `InputError` where its metadata says that the columns are too large.
    """
    total, longest = 0, 1
    with open(size.path, "rb") as file:
        for number in range(source.metadata.num_row_groups):
            group = source.metadata.row_group(number)
            chunks = [group.column(i) for i in range(group.num_columns)]
            chunks = [chunk for chunk in chunks if _top_name(source, chunk) in columns]
            total += sum(max(chunk.total_uncompressed_size, chunk.num_values) for chunk in chunks)
            size.check(total)
            large = []
            for chunk in chunks:
                if chunk.physical_type == "BYTE_ARRAY":
                    most = _most_bytes_of_a_text(file, chunk)
                    if most * min(rows, chunk.num_values) <= _TEXTS:
                        continue
                    if "DELTA_BYTE_ARRAY" in chunk.encodings:  # every text may begin as the one before it
                        longest = max(longest, chunk.total_uncompressed_size)
                    elif most:
                        large.append(chunk.path_in_schema)
            if large:
                longest = max(longest, _longest_of_dictionaries(size.path, number, large))
    return max(1, min(rows, _TEXTS // longest))


def _top_name(source: Any, chunk: Any) -> str:
    """The name of the column that a chunk of values belongs to; in both may be dots."""
    path: str = chunk.path_in_schema
    names = source.schema_arrow.names
    return path if path in names else next((name for name in names if path.startswith(f"{name}.")), path)


def _most_bytes_of_a_text(file: IO[bytes], chunk: Any) -> int:
    """The size of the dictionary of a chunk, 0 where it has none: its texts are not repeated then."""
    if "DELTA_BYTE_ARRAY" in chunk.encodings:
        return int(chunk.total_uncompressed_size)
    offset = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < offset:
        offset = chunk.dictionary_page_offset
    # the header of a page: field 1 is its kind, field 2 its bytes before compression
    file.seek(max(0, offset))
    header = iter(file.read(16))
    if next(header, None) != _I32 or _integer(header) != _DICTIONARY_PAGE or next(header, None) != _I32:
        return 0
    return _integer(header)


def _integer(content: Iterator[int]) -> int:
    """A number of Thrift's compact protocol: groups of seven bits, zigzag (0, -1, 1, -2, ...)."""
    number = 0
    for shift, byte in zip(range(0, 35, 7), content, strict=False):
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return (number >> 1) ^ -(number & 1)


def _longest_of_dictionaries(path: Path, group: int, columns: list[str]) -> int:
    """Bytes of the longest text that the dictionaries of these columns have in a row group."""
    # one row is read as its numbers, with the whole dictionary that they are numbers of
    with parquet.ParquetFile(path, read_dictionary=columns, pre_buffer=False) as source:
        batches = source.iter_batches(1, row_groups=[group], columns=columns, use_threads=False)
        (batch,) = [next(batches)]
    lengths = [pc.max(pc.binary_length(texts)).as_py() for texts in _dictionaries(batch.columns)]
    return max([1, *filter(None, lengths)])


def _dictionaries(arrays: list[Any]) -> Iterator[Any]:
    """The dictionaries of arrays, those within lists and structures too."""
    for array in arrays:
        if isinstance(array, pyarrow.DictionaryArray):
            yield array.dictionary
        elif isinstance(array, pyarrow.StructArray):
            yield from _dictionaries(array.flatten())
        elif hasattr(array, "values"):
            yield from _dictionaries([array.values])
