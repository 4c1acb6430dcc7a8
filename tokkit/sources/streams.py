r"""Files as streams: decompressed by what they are, decoded strictly (UTF-8 by default), cut into lines.

A line keeps its newline (`\n` or `\r\n`) and nothing but `\n` ends one, as in the reference trainer.
Bad bytes are never replaced: the error names file, line and byte.
"""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import re
import shlex
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from tokkit.errors import InputError
from tokkit.sources import encoding_guess
from tokkit.sources.encodings import Recoded
from tokkit.sources.paths import display_name

# bytes read at a time
BLOCK = 1 << 20

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
# decompressed bytes for each byte of a file; real text stays far below
LARGEST_RATIO = 200
# decompressed bytes that any file may give, whatever its ratio
FREE = 100 << 20

# bytes of a line, and of what is between two places where it may be cut: tables of strings take no more
LONGEST_LINE = (1 << 28) - 1

# bytes of a line that are enough to recognize a format
_BEGINNING = 1 << 24

# bytes of text that a byte of a compressed file holds, about
_PACKED = 4

_MARK = b"\xef\xbb\xbf"
_BEFORE_A_SPACE = re.compile(rb"[^\x00-\x20\x7f](?=\x20)")
_BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


def _open_zst(path: Path) -> IO[bytes]:
    import pyarrow

    return io.BufferedReader(pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd"))


# first bytes -> the program that unpacks such files in a shell, and what opens them here
_COMPRESSED: dict[bytes, tuple[str, Callable[[Path], IO[bytes]]]] = {
    rb"\x1f\x8b": ("gzip", lambda path: cast(IO[bytes], gzip.open(path, "rb"))),
    # "BZh9" alone may be text: the number of the first block, or of the end, follows
    rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": ("bzip2", lambda path: bz2.open(path, "rb")),
    rb"\xfd7zXZ\x00": ("xz", lambda path: lzma.open(path, "rb")),
    rb"\x28\xb5\x2f\xfd": ("zstd", _open_zst),
}


def open_binary(path: Path) -> IO[bytes]:
    """The bytes of a file, decompressed where its first bytes say gzip, bzip2, xz or zstandard.

    Raises `InputError` for a file that cannot be opened.
    """
    compression = _compression(path)
    with _errors_reported(path):
        return open(path, "rb") if compression is None else compression[1](path)


def is_plain(path: Path) -> bool:
    """Whether a file is not compressed."""
    return _compression(path) is None


def filtered(path: Path, command: str) -> str:
    """The shell command with the text of a file as its input, unpacked where it is compressed."""
    compression = _compression(path)
    return (
        f"{command} < {_quoted(path)}"
        if compression is None
        else f"{compression[0]} -dc {_quoted(path)} | {command}"
    )


def _compression(path: Path) -> tuple[str, Callable[[Path], IO[bytes]]] | None:
    with _errors_reported(path), open(path, "rb") as file:
        magic = file.read(16)
    return next((how for start, how in _COMPRESSED.items() if re.match(start, magic)), None)


@contextmanager
def _errors_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise InputError(f"{path}: the compressed file is cut short or damaged ({error})") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def blocks(
    path: Path,
    within_lines: bool = False,
    start: int = 0,
    end: int | None = None,
    encoding: str | None = None,
    any_length: bool = False,
) -> Iterator[bytes]:
    """The bytes of a file in blocks of about `BLOCK` that end at a line end (the last one aside).

    A longer line is one block; ``within_lines``, it is cut as `text_blocks` says. ``start`` and ``end`` are
    for files that are not compressed. Of a file in another ``encoding`` the blocks are UTF-8 all the same.

    Raises `InputError` for a damaged file, for one that grows to more than `LARGEST_RATIO` times its size
    when it is decompressed (and to more than `FREE` bytes), and for a block longer than `LONGEST_LINE`,
    unless lines may be of ``any_length``.
    """
    parts: list[bytes] = []
    size = 0
    for block in _raw_blocks(path, start, end, encoding):
        # a block ends with its last whole line; the rest begins the next one
        cut = block.rfind(b"\n") + 1 or (_safe_cut(block) if within_lines else 0)
        if cut:
            yield b"".join((*parts, block[:cut]))
            parts = [block[cut:]] if cut < len(block) else []
            size = 0
        else:
            parts.append(block)
        size += len(parts[-1]) if parts else 0
        if size > LONGEST_LINE and not any_length:
            raise line_too_long(path, "space or line end" if within_lines else "line end")
    if parts:
        yield b"".join(parts)


def line_too_long(path: Path, ends: str = "space or line end") -> InputError:
    """The error about a stretch of text, longer than `LONGEST_LINE`, without what could end it."""
    return InputError(
        f"{display_name(path)}: {LONGEST_LINE / 1e6:,.0f} MB of text without a {ends}",
        hint=f"is it text? break it into lines first:\n{filtered(path, 'fold -s')} > lines.txt",
    )


def _raw_blocks(
    path: Path, start: int = 0, end: int | None = None, encoding: str | None = None
) -> Iterator[bytes]:
    """The bytes as they are read, at most a `BLOCK` of the file at a time."""
    with open_binary(path) as opened:
        file = opened if encoding is None else Recoded(opened, path, encoding, lambda: _encoding_hint(path))
        if start:
            file.seek(start)
        # a small file that decompresses to far more than text does is a bomb
        most = max(FREE, LARGEST_RATIO * path.stat().st_size)
        total = 0
        while block := _read(file, path, BLOCK if end is None else min(BLOCK, end - start - total)):
            total += len(block)
            if total > most:
                raise InputError(
                    f"{path}: grows to more than {LARGEST_RATIO} times its size when it is decompressed",
                    hint="unpack it yourself if you trust it, and name the unpacked file",
                )
            yield block


def lines(
    path: Path,
    on_bytes: Callable[[int], None] = lambda amount: None,
    encoding: str | None = None,
    any_length: bool = False,
    start: int = 0,
    end: int | None = None,
) -> Iterator[list[str]]:
    """The lines of a text file, newlines kept, in lists of about a megabyte.

    ``on_bytes`` gets the (decompressed) bytes of each list; ``any_length`` is that of `blocks`, ``start`` and
    ``end`` are those of `text_blocks`.

    Raises `InputError` naming file:line for bytes that are not in the encoding, UTF-8 where none is given,
    for NUL, and for UTF-16 that is not said to be.
    """
    for _, text, size in _decoded(path, start, end, encoding, within_lines=False, any_length=any_length):
        yield split_lines(text)
        on_bytes(size)


def text_blocks(
    path: Path,
    start: int = 0,
    end: int | None = None,
    encoding: str | None = None,
    within_lines: bool = True,
) -> Iterator[tuple[bytes, int]]:
    """Blocks of a text file as checked UTF-8, without its byte order mark, and the bytes of each.

    They end at line ends; ``within_lines``, a line longer than a block is cut before spaces that a visible
    character precedes. ``start`` and ``end`` are line starts of a file that is not compressed. Raises
    `InputError` as `lines`.
    """
    return ((text, size) for text, _, size in _decoded(path, start, end, encoding, within_lines))


def _decoded(
    path: Path,
    start: int,
    end: int | None,
    encoding: str | None,
    within_lines: bool,
    any_length: bool = False,
) -> Iterator[tuple[bytes, str, int]]:
    """Each block without a byte order mark, as bytes and as a string, and the bytes it was."""
    for block in blocks(path, within_lines, start, end, encoding, any_length):
        # a byte order mark is none of the text
        text = block if start else block.removeprefix(_MARK)
        try:
            decoded = text.decode("utf-8")
            damaged = b"\0" in text
        except UnicodeDecodeError:
            damaged = True
        if damaged:
            _report_damage(path, encoding)
        if not start and encoding is None and text.isascii():
            _check_ascii(path, text)
        yield text, decoded, len(block)
        start += len(block)


def line_start(path: Path, at: int) -> int:
    """Where the first line from ``at`` on begins in a file that is not compressed, or the end of the file."""
    with open_binary(path) as file:
        # from the byte before on, in case a line begins at `at` itself
        file.seek(at - 1)
        while block := file.read(BLOCK):
            if b"\n" in block:
                return file.tell() - len(block) + block.index(b"\n") + 1
        return file.tell()


def lines_before(path: Path, end: int) -> int:
    """How many lines end before a byte of a file that is not compressed."""
    return sum(block.count(b"\n") for block in _raw_blocks(path, 0, end)) if end else 0


def text_size(path: Path) -> int:
    """About how many bytes of text a file holds: its own, of a compressed one a multiple."""
    return path.stat().st_size * (1 if is_plain(path) else _PACKED)


def first_lines(
    path: Path, count: int = 20, encoding: str | None = None, any_length: bool = False
) -> list[str]:
    """The first lines that are not empty, of `_BEGINNING` bytes unless they may be of ``any_length``.

    Raises `InputError` where there are none.
    """
    batches = lines(path, encoding=encoding, any_length=True) if any_length else _beginning(path, encoding)
    filled = (line for batch in batches for line in batch if line.strip())
    sample = list(itertools.islice(filled, count))
    if not sample:
        raise InputError(f"{path}: the file is empty", hint="name a file that holds rows")
    return sample


def _beginning(path: Path, encoding: str | None) -> Iterator[list[str]]:
    """The lines that a file begins with; the last may be cut."""
    text = b""
    for block, _ in text_blocks(path, encoding=encoding):
        text += block
        if block.endswith(b"\n") or len(text) > _BEGINNING:
            yield split_lines(text.decode())
            if len(text) > _BEGINNING:
                return
            text = b""
    if text:
        yield split_lines(text.decode())


def _safe_cut(block: bytes) -> int:
    """The last place before a space that a visible character precedes; 0 where there is none."""
    if b" " not in block:
        return 0
    # the last such place is most likely near the end: the whole block is searched last
    for tail in (1 << 12, 1 << 16, len(block)):
        skipped = max(0, len(block) - tail)
        cuts = [match.end() for match in _BEFORE_A_SPACE.finditer(block, skipped)]
        for cut in reversed(cuts):
            # four bytes hold the last character of UTF-8, whatever its length
            before = block[max(0, cut - 4) : cut].decode("utf-8", errors="ignore")[-1:]
            if before and not before.isspace():
                return cut
    return 0


def _read(file: IO[bytes] | Recoded, path: Path, size: int) -> bytes:
    with _errors_reported(path):
        return file.read(size)


def _report_damage(path: Path, encoding: str | None) -> None:
    """Raises `InputError` naming the first line that is no text."""
    name = display_name(path)
    # of UTF-16 and UTF-32 no line can be named: their line ends are other bytes
    wide = encoding_guess.wide_encoding(next(_raw_blocks(path), b""))
    if wide and not (encoding or "").startswith("utf"):
        raise InputError(f"{name}: is {wide.upper()}", hint=f"read it as such:\n--encoding {wide}")
    line = 1
    for block in blocks(path, encoding=encoding, any_length=True):
        text = block.removeprefix(_MARK) if line == 1 else block
        if (nul := text.find(b"\0")) >= 0:
            line += text.count(b"\n", 0, nul)
            raise InputError(
                f"{name}:{line}: holds a NUL byte: no text file, or UTF-16?",
                hint=f"what it is, or without NUL bytes:\nfile {_quoted(path)}\n"
                + filtered(path, "tr -d '\\000'")
                + " > clean.txt",
            )
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as error:
            line += text.count(b"\n", 0, error.start)
            column = error.start - text.rfind(b"\n", 0, error.start)
            raise InputError(
                f"{name}:{line}: byte {column} (0x{text[error.start]:02x}) is not UTF-8",
                hint=_encoding_hint(path),
            ) from error
        line += text.count(b"\n")


def _check_ascii(path: Path, start: bytes) -> None:
    """Raises `InputError` for a file of ASCII bytes that spell other letters in another encoding."""
    if name := encoding_guess.seven_bit_encoding(start):
        standard = name.upper().replace("ISO2022_", "ISO-2022-")
        raise InputError(f"{display_name(path)}: is {standard}, not UTF-8", hint=f"--encoding {name}")


def _encoding_hint(path: Path) -> str:
    """The option that reads a file that is no UTF-8, or what to do where no encoding has all of its bytes."""
    if wide := encoding_guess.wide_encoding(next(_raw_blocks(path), b"")):
        return f"read it as {wide.upper()}:\n--encoding {wide}"
    if encoding_guess.decoding_all(["utf-8"], _raw_blocks(path)):
        return "it is UTF-8: leave --encoding out"
    sample = _sample(_raw_blocks(path))
    if encoding_guess.is_damaged_utf8(sample):
        to_utf8 = f"{filtered(path, 'iconv -c -f UTF-8 -t UTF-8')} > clean.txt"
        return f"most of it is UTF-8, and no other encoding; to leave out what is not:\n{to_utf8}"
    likely = encoding_guess.likely_encodings(sample)
    decoding = (
        encoding_guess.decoding_all(some, _raw_blocks(path)) for some in encoding_guess.batches_to_try(likely)
    )
    names = next(filter(None, decoding), [])
    if not names:
        return "no common encoding decodes all of it: is it text, and of one encoding?"
    others = [name for name in names[1:] if likely[names[0]] - likely[name] < encoding_guess.CERTAIN]
    other = f"; it may also be {', '.join(others)}" if others else ""
    return f"most likely {names[0]}{other}:\n--encoding {names[0]}"


def _sample(blocks: Iterable[bytes]) -> bytes:
    """The first lines that are not ASCII."""
    sample = b""
    for block in blocks:
        sample += encoding_guess.telling_lines(block)
        if len(sample) > encoding_guess.SAMPLE:
            break
    return sample[: encoding_guess.SAMPLE]


def likelier_encoding(path: Path, encoding: str) -> str | None:
    """An encoding that the beginning of a file is far more likely in than in the one that it is read in.

    None also where no letter tells, and for UTF-16 and UTF-32.
    """
    sample = b"" if encoding.startswith("utf") else _sample(itertools.islice(_raw_blocks(path), 1))
    return encoding_guess.likelier_encoding(sample, encoding) if sample else None


def _quoted(path: Path) -> str:
    return shlex.quote(str(path)) if display_name(path) == str(path) else "FILE"


_OTHER_LINE_ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def split_lines(text: str) -> list[str]:
    """The lines of a text, newlines kept; nothing else ends a line."""
    if not any(end in text for end in _OTHER_LINE_ENDS):  # several times the speed of `split`
        return text.splitlines(keepends=True)
    *whole, last = text.split("\n")
    batch = [line + "\n" for line in whole]
    return [*batch, last] if last else batch
