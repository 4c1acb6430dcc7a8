"""``http(s)://`` addresses as files: kept in the cache (`downloads`), sent again only if changed.

Nothing of the user's is sent but the address, of which no query is kept or reported: it may hold a token.
"""

from __future__ import annotations

import hashlib
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.sources.downloads import (
    ATTEMPTS,
    LARGEST,
    PARTIAL,
    RECORD,
    alone,
    cache_folder,
    cached_file,
    check_size,
    not_cached,
    offline,
    read_json,
    safe_name,
    size_of,
    write_json,
)

_PAUSE = 0.5
_BLOCK = 1 << 18
_DIGITS = 19


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
    cached = cached_file(folder)
    if forbidden := offline():
        if cached is None:
            raise not_cached(address, forbidden)
        progress.say(f"{address}: {forbidden} forbids the network; taken from the cache, {cached}")
        return cached
    progress.say(f"{address}: requested over the network")
    with alone(address, folder):
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE * attempt)
            stop_if_cancelled(progress)
            if path := _transfer(address, requested, folder, cached, largest, progress):
                return path
        have = size_of(folder / PARTIAL)
        raise InputError(
            f"{address}: the connection was cut off {ATTEMPTS} times, the last time after {have:,} bytes",
            hint="run the same command again: it goes on from there if the server can",
        )


def _transfer(
    address: str, requested: str, folder: Path, cached: Path | None, largest: int, progress: Progress
) -> Path | None:
    """The file, as it is cached or newly sent; None where the connection was cut off."""
    from tokkit.sources import web

    partial = folder / PARTIAL
    begun = Version.of(read_json(folder / ".partial.json")).exact
    have = size_of(partial) if begun else 0
    headers = {}
    if have and begun:
        headers = {"Range": f"bytes={have}-", "If-Range": begun}
    elif cached is not None:
        known = Version.of(read_json(folder / RECORD))
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
        check_size(address, total or 0, largest)
        version = Version(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        if not goes_on:
            write_json(folder / ".partial.json", asdict(version))
        with stage(progress, f"downloading {name}", total, "bytes"), open(partial, "ab") as file:
            progress.advance(have)
            try:
                for block in web.blocks(answer, _BLOCK):
                    have += len(block)
                    check_size(address, have, largest, partial)
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
    (folder / PARTIAL).replace(path)
    write_json(
        folder / RECORD,
        {"address": address, "name": name, "bytes": path.stat().st_size, **asdict(version)},
    )
    (folder / ".partial.json").unlink(missing_ok=True)
    files.sync_folder(folder)
    progress.say(f"{address}: {path.stat().st_size:,} bytes downloaded to {path}")
    return path


def _name(address: str, answer: Any) -> str:
    """The file's name: the address's, else the server's, else that of where it led; whichever has an ending.

    Raises `InputError` for a web page, which an address of data leads to when it is not the raw file's.
    """
    first, last = (
        urllib.parse.unquote(urllib.parse.urlsplit(url).path.rpartition("/")[2])
        for url in (address, answer.geturl())
    )
    names = [safe_name(name) for name in (first, answer.headers.get_filename() or "", last)]
    name = next((name for name in names if Path(name).suffix), next(filter(None, names), "download"))
    if answer.headers.get_content_type() == "text/html" and not name.lower().endswith((".html", ".htm")):
        raise InputError(
            f"{address}: the server sends a web page, not the file",
            hint="copy the address of the raw file (the download link), not of the page that shows it",
        )
    return name
