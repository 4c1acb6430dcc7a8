"""What is for the user alone: secrets in addresses, caches, and files that links lead to."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from tokkit.errors import InputError

# A name and a password before the host. Keys of object stores have slashes, and a port is no password.
_USER = re.compile(
    r"\b([a-z][a-z0-9+.-]+://)(?:[^/\s?#'\"]*@|[^/\s:@'\"]+:(?!\d+/)[^\s@'\"]*@)", re.IGNORECASE
)

# An address on the web up to its query; then the query or fragment, to its end or to what ends a sentence.
_WEB = re.compile(r"(https?://[^\s?#'\"]*)(?:[?#][^\s'\"]*?(?=[:,;.)]*(?:[\s'\"]|$)))?", re.IGNORECASE)

# The query of any address, also one with spaces in it. `part-?.csv` is a pattern and has none.
_QUERY = re.compile(r"\?[\w.~%-]+=[^\s'\"]*?(?:\s+[^\s'\"=]+=[^\s'\"]*?)*(?=[:,;.)]*(?:[\s'\"]|$))")

# What `Path` leaves of an address.
_COLLAPSED = re.compile(r"(?P<protocol>[a-z][a-z0-9+.-]+:)/+", re.IGNORECASE)


def redacted(value: Any) -> Any:
    """A text, or the texts in lists and mappings, with addresses that hold no secret; other values as is.

    >>> redacted("https://me:word@host/a.csv?token=abc: not there")
    'https://host/a.csv: not there'
    >>> redacted("s3://key:secret@bucket/part-?.csv")
    's3://bucket/part-?.csv'
    """
    if isinstance(value, str):
        # most texts hold no address
        return _WEB.sub(r"\1", _USER.sub(r"\1", _QUERY.sub("", value))) if "://" in value else value
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    return [redacted(item) for item in value] if isinstance(value, list | tuple) else value


def address_of(path: Path) -> str | None:
    """The address, without secrets, that was taken for a path; None for a path.

    A folder may have such a name where it exists.

    >>> address_of(Path("s3://bucket/key"))     # the path is s3:/bucket/key
    's3://bucket/key'
    """
    match = _COLLAPSED.match(str(path))
    if match is None or os.path.lexists(match["protocol"]):
        return None
    return str(redacted(f"{match['protocol']}//{str(path)[match.end() :]}"))


def address_refused(address: str) -> InputError:
    """The error about an address in place of a folder that tokkit wrote, or of a model."""
    return InputError(
        f"{address}: is an address, and only corpora and data sets are read from one",
        hint="copy the folder to this machine, and name it",
    )


def private_folder(path: Path) -> None:
    """Create a folder and its parents for the user alone, mode 0700. Raises OSError."""
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    # as an earlier version left it; one of another user stays as it is
    with suppress(OSError):
        path.chmod(0o700)


def copy_inner(path: Path, target: Path, folder: Path) -> None:
    """Copy a file of a folder; raises InputError as `check_inner`."""
    check_inner(path, folder)
    shutil.copyfile(path, target)


def check_inner(path: Path, folder: Path) -> None:
    """Raises InputError for a link that leads out of a folder, to any file of the user.

    The links of the hub's cache lead from a snapshot to the blobs of the same repository.
    """
    real, root = path.resolve(), folder.resolve()
    blobs = root.parent.parent / "blobs" if root.parent.name == "snapshots" else root
    if not (real.is_relative_to(root) or real.is_relative_to(blobs)):
        copied = f"cp --remove-destination {shlex.quote(str(real))} {shlex.quote(str(path))}"
        raise InputError(
            f"{path}: is a link out of its folder, to {real}, which is not copied into an output",
            hint=f"if it belongs to it:\n{copied}",
        )
