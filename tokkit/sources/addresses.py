"""``http(s)://`` addresses as files: kept in a cache, resumed where cut off, sent again only if changed.

    CACHE/downloads/3f9c.../reviews.csv       the file, under its own name
                            .download.json    its address, and by what the server knows its version
                            .partial          what came of a download that was cut off

CACHE is ``TOKKIT_CACHE``, else ``$XDG_CACHE_HOME/tokkit``, else ``~/.cache/tokkit``. With ``TOKKIT_OFFLINE``
or ``HF_HUB_OFFLINE`` set, the cache is all there is. Nothing of the user's is sent but the address, of
which no query is kept or reported: it may hold a token. The cache is for the user alone (mode 0700).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import InputError, OutputError
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled

# bytes that are downloaded at most, unless the user allows more
LARGEST = 2 << 30

_ATTEMPTS = 4
_PAUSE = 0.5
_BLOCK = 1 << 18
_DIGITS = 19
_OFFLINE = ("TOKKIT_OFFLINE", "HF_HUB_OFFLINE")


@dataclass(frozen=True)
class Version:
    """What the server says its version of a file is, where it says anything."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Version:
        """The version that a record in the cache names."""
        names = ("etag", "last_modified")
        return cls(**{name: record[name] for name in names if isinstance(record.get(name), str)})

    @property
    def exact(self) -> str | None:
        """What tells one version from another byte for byte, which a weak ETag does not."""
        weak = self.etag is None or self.etag.startswith("W/")
        return self.last_modified if weak else self.etag


def is_address(argument: str) -> bool:
    """Whether an argument is an address on the web."""
    return argument.lower().startswith(("http://", "https://"))


def offline() -> str | None:
    """The environment variable that forbids the network, or None."""
    said = {name: os.environ.get(name, "").lower() for name in _OFFLINE}
    return next((name for name, value in said.items() if value not in ("", "0", "false")), None)


def cache_folder() -> Path:
    """Where downloads are kept."""
    if named := os.environ.get("TOKKIT_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tokkit"


def fetch(address: str, largest: int = LARGEST, progress: Progress = SILENT) -> Path:
    """The file at an address, in the cache; a server that says it is unchanged sends nothing.

    A download that is cut off goes on where it stopped, in this call or the next. That the network is used
    is said. Raises `InputError` for an address that cannot be had, a file of more than ``largest`` bytes, a
    web page in place of a file, and offline for what is not in the cache; `OutputError` where the cache
    cannot be written.
    """
    from tokkit.sources.web import quoted  # some 50 ms that only a download needs

    requested = quoted(address)
    folder = cache_folder() / "downloads" / hashlib.sha256(address.encode()).hexdigest()[:16]
    # from here on for messages and the cache, which may not have a token that is in the query
    address = files.redacted(address.replace(" ", "%20"))
    cached = _cached(folder)
    if forbidden := offline():
        if cached is None:
            raise InputError(
                f"{address}: not in the cache, and {forbidden} forbids the network",
                hint=f"unset {forbidden}, or name a file",
            )
        progress.say(f"{address}: {forbidden} forbids the network; taken from the cache, {cached}")
        return cached
    progress.say(f"{address}: requested over the network")
    with _alone(address, folder):
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE * attempt)
            stop_if_cancelled(progress)
            if path := _transfer(address, requested, folder, cached, largest, progress):
                return path
        have = _size(folder / ".partial")
        raise InputError(
            f"{address}: the connection was cut off {_ATTEMPTS} times, the last time after {have:,} bytes",
            hint="run the same command again: it goes on from there if the server can",
        )


def _transfer(
    address: str, requested: str, folder: Path, cached: Path | None, largest: int, progress: Progress
) -> Path | None:
    """The file, as it is cached or newly sent; None where the connection was cut off."""
    from tokkit.sources import web

    partial = folder / ".partial"
    begun = Version.of(_read_json(folder / ".partial.json")).exact
    have = _size(partial) if begun else 0
    headers = {}
    if have and begun:
        headers = {"Range": f"bytes={have}-", "If-Range": begun}
    elif cached is not None:
        known = Version.of(_read_json(folder / ".download.json"))
        conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        headers = {name: value for name, value in conditions.items() if value}
    with web.opened(requested, address, headers) as answer:
        if answer.status == web.NOT_MODIFIED and cached is not None:
            progress.say(f"{address}: unchanged; taken from the cache, {cached}")
            return cached
        begins_there = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        goes_on = answer.status == web.PARTIAL and begins_there
        if not goes_on:
            have = 0
            partial.unlink(missing_ok=True)
            if answer.status != web.OK:  # the part kept here is none of what the server has
                return None
        name = _name(address, answer)
        length = answer.headers.get("Content-Length", "")
        # the first digits of a length of thousands are already more than is downloaded
        total = have + int(length[:_DIGITS]) if length.isdecimal() else None
        _check_size(address, total or 0, largest)
        version = Version(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        if not goes_on:
            _write_json(folder / ".partial.json", asdict(version))
        with stage(progress, f"downloading {name}", total, "bytes"), open(partial, "ab") as file:
            progress.advance(have)
            try:
                for block in web.blocks(answer, _BLOCK):
                    have += len(block)
                    _check_size(address, have, largest, partial)
                    file.write(block)
                    progress.advance(len(block))
                    stop_if_cancelled(progress)
            except web.CutOff:
                return None
        if total is not None and have < total:
            return None
    return _keep(folder, name, address, version, progress)


def _keep(folder: Path, name: str, address: str, version: Version, progress: Progress) -> Path:
    path = folder / name
    for other in folder.iterdir():
        if other != path and not other.name.startswith("."):
            other.unlink()
    (folder / ".partial").replace(path)
    _write_json(
        folder / ".download.json",
        {"address": address, "name": name, "bytes": path.stat().st_size, **asdict(version)},
    )
    (folder / ".partial.json").unlink(missing_ok=True)
    files.sync_folder(folder)
    progress.say(f"{address}: {path.stat().st_size:,} bytes downloaded to {path}")
    return path


def _check_size(address: str, size: int, largest: int, partial: Path | None = None) -> None:
    if size > largest:
        if partial is not None:
            partial.unlink(missing_ok=True)
        raise InputError(
            f"{address}: more than {largest:,} bytes, the most that is downloaded",
            hint="download it yourself and name the file, or allow more for a data set (--max-download)",
        )


def _name(address: str, answer: Any) -> str:
    """The file's name: the address's, else the server's, else that of where it led; whichever has an ending.

    Raises `InputError` for a web page, which an address of data leads to when it is not the raw file's.
    """
    first, last = (
        urllib.parse.unquote(urllib.parse.urlsplit(url).path.rpartition("/")[2])
        for url in (address, answer.geturl())
    )
    names = [_safe(name) for name in (first, answer.headers.get_filename() or "", last)]
    name = next((name for name in names if Path(name).suffix), next(filter(None, names), "download"))
    if answer.headers.get_content_type() == "text/html" and not name.lower().endswith((".html", ".htm")):
        raise InputError(
            f"{address}: the server sends a web page, not the file",
            hint="copy the address of the raw file (the download link), not of the page that shows it",
        )
    return name


def _safe(name: str) -> str:
    """A name that stays in its folder: no separators, no control characters, no dot in front, 200 bytes."""
    plain = re.sub(r"[\x00-\x1f\x7f/\\:]", "_", name).strip().lstrip(".")
    return plain.encode("utf-8", "replace")[-200:].decode("utf-8", "ignore")


def _cached(folder: Path) -> Path | None:
    """What was downloaded before, if it is still whole."""
    known = _read_json(folder / ".download.json")
    path = folder / Path(str(known.get("name", ""))).name
    return path if path.is_file() and path.stat().st_size == known.get("bytes") else None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    new.replace(path)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@contextmanager
def _alone(address: str, folder: Path) -> Iterator[None]:
    """The folder, made and locked; what cannot be written there is the cache's fault, and said to be."""
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
