"""The cache of downloads: where it is, who may use it, and what is recorded of each file.

    CACHE/downloads/3f9c.../reviews.csv       the file, under its own name
                            .download.json    its address, and by what the server knows its version
                            .partial          what came of a download that was cut off

CACHE is ``TOKKIT_CACHE``, else ``$XDG_CACHE_HOME/tokkit``, else ``~/.cache/tokkit``. With ``TOKKIT_OFFLINE``
or ``HF_HUB_OFFLINE`` set, the cache is all there is. It is for the user alone (mode 0700), and holds no
query, name or password of an address.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import InputError, OutputError

# bytes that are downloaded at most, unless the user allows more
LARGEST = 2 << 30

# a download that is cut off is continued so many times
ATTEMPTS = 4

PARTIAL = ".partial"
RECORD = ".download.json"
_OFFLINE = ("TOKKIT_OFFLINE", "HF_HUB_OFFLINE")


class AbsentError(InputError):
    """What an address names is not there."""


class CutOff(Exception):
    """The connection broke before the whole file had come; the message says how."""


def changed(address: str) -> InputError:
    """The error about a file that is no longer as it was listed."""
    return InputError(
        f"{address}: changed while it was downloaded", hint="run the same command again when it is complete"
    )


def offline() -> str | None:
    """The environment variable that forbids the network, or None."""
    said = {name: os.environ.get(name, "").lower() for name in _OFFLINE}
    return next((name for name, value in said.items() if value not in ("", "0", "false")), None)


def not_cached(address: str, variable: str) -> InputError:
    """The error about an address that is requested offline, and was never downloaded."""
    return InputError(
        f"{address}: not in the cache, and {variable} forbids the network",
        hint=f"unset {variable}, or name a file",
    )


def cache_folder() -> Path:
    """Where downloads are kept."""
    if named := os.environ.get("TOKKIT_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tokkit"


def check_size(address: str, size: int, largest: int, partial: Path | None = None) -> None:
    """Raises `InputError` for more than ``largest`` bytes, and removes what came of them."""
    if size > largest:
        if partial is not None:
            partial.unlink(missing_ok=True)
        raise InputError(
            f"{address}: more than {largest:,} bytes, the most that is downloaded",
            hint="download it yourself and name the file, or allow more for a data set (--max-download)",
        )


def safe_name(name: str) -> str:
    """A name that stays in its folder: no separators, no control characters, no dot in front, 200 bytes."""
    plain = re.sub(r"[\x00-\x1f\x7f/\\:]", "_", name).strip().lstrip(".")
    return plain.encode("utf-8", "replace")[-200:].decode("utf-8", "ignore")


def cached_file(folder: Path) -> Path | None:
    """What was downloaded to a folder before, if it is still whole."""
    known = read_json(folder / RECORD)
    path = folder / Path(str(known.get("name", ""))).name
    return path if path.is_file() and path.stat().st_size == known.get("bytes") else None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; an empty one for a file that is missing or damaged."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write an object to a file in one step."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    new.replace(path)


def size_of(path: Path) -> int:
    """The bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


@contextmanager
def alone(address: str, folder: Path) -> Iterator[None]:
    """The folder, created and locked; what cannot be written there is the cache's fault, and said to be."""
    try:
        files.private_folder(folder)
        with files.lock(folder):
            yield
    except OutputError as error:
        if error.__cause__ is not None:  # no lock can be had at all
            raise
        raise InputError(
            f"{address}: is being downloaded by another run", hint="wait until it has finished"
        ) from error
    except OSError as error:
        raise OutputError(
            f"{folder}: the download cannot be kept there: {error.strerror or error}",
            hint="name another folder for the cache in the environment variable TOKKIT_CACHE",
        ) from error
