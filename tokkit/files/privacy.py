"""What is for the user alone: secrets in addresses, and caches."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

# An address up to its query: a name and a password before the host; then the query or fragment, to its end
# or to what ends a sentence.
_ADDRESS = re.compile(
    r"(https?://)(?:[^/\s?#]*@)?([^\s?#'\"]*)(?:[?#][^\s'\"]*?(?=[:,;.)]*(?:[\s'\"]|$)))?", re.IGNORECASE
)


def redacted(value: Any) -> Any:
    """A text, or the texts in lists and mappings, with addresses that hold no secret; other values as is.

    >>> redacted("https://me:word@host/a.csv?token=abc: not there")
    'https://host/a.csv: not there'
    """
    if isinstance(value, str):
        return _ADDRESS.sub(r"\1\2", value)
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    return [redacted(item) for item in value] if isinstance(value, list | tuple) else value


def private_folder(path: Path) -> None:
    """Create a folder and its parents for the user alone, mode 0700. Raises OSError."""
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    # as an earlier version left it; one of another user stays as it is
    with suppress(OSError):
        path.chmod(0o700)
