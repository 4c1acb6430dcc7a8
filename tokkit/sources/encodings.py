"""Text files that are not UTF-8, read in the encoding that they are said to be in.

A Korean file of Windows is cp949 (which holds euc-kr), a Western one cp1252.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from tokkit.errors import InputError, UsageError
from tokkit.options import option
from tokkit.sources.paths import display_name

_BLOCK = 1 << 20
_UTF8 = ("utf-8", "utf-8-sig")


def encoding_option(files: str = "text files") -> Any:
    """The `option` ``--encoding``, which every command that reads text has."""
    return option(None, f"of {files} that are not UTF-8, cp949 say", metavar="NAME", default_text="UTF-8")


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


class Recoded(io.RawIOBase):
    """The bytes of a file as UTF-8, without a byte order mark.

    file      opened for reading, in ``encoding``
    path      that errors name
    hint      what to do about bytes that the encoding does not have

    Reading raises `InputError` naming the line of bytes that the encoding does not have.
    """

    def __init__(
        self, file: IO[bytes], path: Path, encoding: str, hint: Callable[[], str | None] = lambda: None
    ) -> None:
        self._file, self._path, self._encoding, self._hint = file, path, encoding, hint
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
                hint=self._hint(),
            ) from error
        self._lines += text.count("\n")
        return text
