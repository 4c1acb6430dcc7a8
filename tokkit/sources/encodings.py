"""Text files that are not UTF-8: read as what they are said to be, and what they may be where nothing is.

A Korean file of Windows is cp949 (which holds euc-kr), a Western one cp1252.
"""

from __future__ import annotations

import codecs
import io
import re
from pathlib import Path
from typing import IO

from tokkit.errors import InputError, UsageError
from tokkit.sources.paths import display_name

_BLOCK = 1 << 20
_UTF8 = ("utf-8", "utf-8-sig")
# encoding -> its own letters, and the share of all beyond ASCII that they have at least in a text of it.
#
# Each of the three makes letters of the bytes of the others, but seldom so many of these.
_LIKELY = {
    "cp932": (re.compile("[\u3040-\u30ff]"), 0.3),  # kana
    "cp949": (re.compile("[\uac00-\ud7a3]"), 0.8),  # Hangul
    "gb18030": (re.compile("[\u4e00-\u9fff]"), 0.5),  # Han
}
_ELSE = "cp1252"
_TWO_BYTES = re.compile(rb"[\x80-\xff]{2}")


def encoding_named(name: str | None) -> str | None:
    """The encoding that ``--encoding`` names, as Python calls it; None for UTF-8.

    >>> encoding_named("EUC-KR")
    'euc_kr'

    Raises `UsageError` for one that Python does not know.
    """
    if name is None:
        return None
    try:
        "".encode(name)
        encoding = codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        raise UsageError(
            f'--encoding: "{name}" is no encoding', hint="cp949, cp1252, utf-16 or gb18030, for example"
        ) from error
    return None if encoding in _UTF8 else encoding


def likely_encoding(text: bytes) -> str:
    """What bytes that are no UTF-8 may be; a guess, good enough to be proposed.

    Where every byte beyond ASCII is alone, as an umlaut is, it is cp1252.

    >>> likely_encoding("영화".encode("cp949"))
    'cp949'
    """
    for name, (own, share) in _LIKELY.items() if _TWO_BYTES.search(text) else ():
        # ASCII is the same in all of them, so that only other letters tell
        letters = re.sub(r"[\x00-\x7f]", "", text.decode(name, "replace"))
        if len(own.findall(letters)) >= share * len(letters):
            return name
    return _ELSE


class Recoded(io.RawIOBase):
    """The bytes of a file as UTF-8, without a byte order mark.

    file      opened for reading, in ``encoding``
    path      that errors name

    Reading raises `InputError` naming the line of bytes that the encoding does not have.
    """

    def __init__(self, file: IO[bytes], path: Path, encoding: str) -> None:
        self._file, self._path, self._encoding = file, path, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._lines = 0

    def read(self, size: int = -1) -> bytes:
        """Some bytes, as many as ``size`` of the file give; none at its end."""
        while block := self._file.read(size if size >= 0 else _BLOCK):
            if text := self._decoded(block):
                return text.encode()
        return self._decoded(b"", at_end=True).encode()

    def _decoded(self, block: bytes, at_end: bool = False) -> str:
        try:
            text = self._decoder.decode(block, at_end)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(self._encoding, "ignore")
            line = self._lines + before.count("\n") + 1
            raise InputError(
                f"{display_name(self._path)}:{line}: "
                f"0x{error.object[error.start]:02x} is not {self._encoding}",
                hint=f"is it another? --encoding {likely_encoding(error.object)}",
            ) from error
        self._lines += text.count("\n")
        return text
