"""Files that are not read, nor written: by the ending of their name, and by how their content begins."""

from __future__ import annotations

import shlex
from pathlib import Path

from tokkit.errors import InputError, UsageError

_PICKLE = (
    "pickle runs code when it is read; where it was made, save Parquet: "
    'pandas.read_pickle("FILE.pkl").to_parquet("FILE.parquet")'
)
_SHEET = "save the sheet as csv, encoded as UTF-8"
_ARCHIVE = "unpack it first, and name the file in it"
_REASONS = {
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".pt", ".pth"), _PICKLE),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), _SHEET),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar"), _ARCHIVE),
}
# first bytes, where they are, what such a file is, and what to do
_CONTENT = (
    (b"PK\x03\x04", 0, "a zip archive, as Excel workbooks are, too", f"{_ARCHIVE}; of a workbook, {_SHEET}"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "an Excel workbook", _SHEET),
    (b"ustar", 257, "a tar archive", _ARCHIVE),
    *((b"\x80" + bytes([version]), 0, "a pickle", _PICKLE) for version in range(2, 6)),
    (b"PAR1", 0, "a Parquet file", "read it as such:\n--format parquet"),
    (b"ARROW1\0\0", 0, "an Arrow file", "read it as such:\n--format arrow"),
)


def check_ending(path: Path, ending: str) -> None:
    """Raises `InputError` for an ending of files that are not read."""
    if ending in _REASONS:
        raise InputError(f"{path}: {ending} files are not read", hint=_REASONS[ending])


def check_content(path: Path) -> None:
    """Raises `InputError` for a file that begins like another format than a text."""
    with open(path, "rb") as file:
        start = file.read(512)
    for magic, at, what, hint in _CONTENT:
        if start[at:].startswith(magic):
            raise InputError(f"{path}: is {what}, not text", hint=hint)


def check_output(path: Path) -> None:
    """Raises `UsageError` for the name of an output whose ending is of a format that is not written."""
    ending = path.suffix.lower()
    if ending in _REASONS:
        raise UsageError(
            f"-o {path}: {ending} files are not written",
            hint=f"-o {shlex.quote(str(path.with_suffix('.csv')))}",
        )
