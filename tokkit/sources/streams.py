r"""Files as streams: decompressed by what they are, decoded strictly as UTF-8, cut into lines.

A line keeps its newline (`\n` or `\r\n`) and nothing but `\n` ends one, as in the reference trainer.
Bad bytes are never replaced: the error names file, line and byte.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from tokkit.errors import InputError

BLOCK = 1 << 20
"""Bytes read at a time."""

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


def _open_zst(path: Path) -> IO[bytes]:
    import pyarrow

    return io.BufferedReader(pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd"))


def _open_plain(path: Path) -> IO[bytes]:
    return open(path, "rb")


_OPENERS: dict[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": lambda path: gzip.open(path, "rb"),
    b"BZh": lambda path: bz2.open(path, "rb"),
    b"\xfd7zXZ\x00": lambda path: lzma.open(path, "rb"),
    b"\x28\xb5\x2f\xfd": _open_zst,
}


def open_binary(path: Path) -> IO[bytes]:
    """The bytes of a file, decompressed where its first bytes say gzip, bzip2, xz or zstandard.

    Raises `InputError` for a file that cannot be opened.
    """
    try:
        with open(path, "rb") as file:
            magic = file.read(6)
        opener = next((o for start, o in _OPENERS.items() if magic.startswith(start)), _open_plain)
        return opener(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file in blocks that end at a line end (all but the last, and within long lines)."""
    with open_binary(path) as file:
        rest = b""
        while block := _read(file, path):
            whole, newline, tail = block.rpartition(b"\n")
            if newline:
                yield rest + whole + newline
                rest = tail
            else:
                rest += block
        if rest:
            yield rest


def lines(path: Path, on_bytes: Callable[[int], None] = lambda amount: None) -> Iterator[list[str]]:
    """The lines of a text file, newlines kept, in lists of about a megabyte.

    ``on_bytes`` is told how many (decompressed) bytes each list was made from.

    Raises `InputError` naming file:line for bytes that are no UTF-8, for NUL and for UTF-16.
    """
    number = 1
    for block in blocks(path):
        size = len(block)
        if number == 1:
            if block.startswith(_UTF16):
                raise InputError(f"{path}: is UTF-16", hint=f"iconv -f UTF-16 -t UTF-8 {path} > utf8.txt")
            block = block.removeprefix(b"\xef\xbb\xbf")
        text = _decode(block, path, number)
        batch = text.splitlines(keepends=True) if _only_newlines(text) else _split(text)
        yield batch
        number += len(batch)
        on_bytes(size)


def _read(file: IO[bytes], path: Path) -> bytes:
    try:
        return file.read(BLOCK)
    except _BROKEN as error:
        raise InputError(f"{path}: the compressed file is cut short or damaged ({error})") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _decode(block: bytes, path: Path, first_line: int) -> str:
    nul = block.find(b"\0")
    if nul >= 0:
        line = first_line + block.count(b"\n", 0, nul)
        raise InputError(f"{path}:{line}: holds a NUL byte: no text file?")
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + block.count(b"\n", 0, error.start)
        column = error.start - (block.rfind(b"\n", 0, error.start) + 1) + 1
        raise InputError(
            f"{path}:{line}: byte {column} (0x{block[error.start]:02x}) is not UTF-8",
            hint=f"convert it first, for example: iconv -f CP949 -t UTF-8 {path} > utf8.txt",
        ) from error


_OTHER_LINE_ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def _only_newlines(text: str) -> bool:
    r"""Whether `str.splitlines`, several times the speed of `_split`, would cut at `\n` alone."""
    return not any(end in text for end in _OTHER_LINE_ENDS)


def _split(text: str) -> list[str]:
    *whole, last = text.split("\n")
    batch = [line + "\n" for line in whole]
    return [*batch, last] if last else batch
