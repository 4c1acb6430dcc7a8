"""Files behind addresses that ``fsspec`` reads: what an address names, in which state, and the bytes.

    s3://bucket/train.csv     gs://bucket/shards/     hf://datasets/owner/name/part-*.parquet     memory://a.csv

Every request is given bounded time and can be stopped. Whatever a library of a protocol raises becomes one
sentence, in which no name, password or query of the address is repeated.
"""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any, TypeVar

import fsspec

from tokkit.errors import TokkitError, nearest
from tokkit.files import redacted
from tokkit.progress import Progress
from tokkit.runtime import threads
from tokkit.sources import protocols
from tokkit.sources.downloads import AbsentError, CutOff, changed
from tokkit.sources.protocols import Meaning

Result = TypeVar("Result")

# Seconds for the first request, for a listing (of a bucket with millions of keys), for a block, for a hint.
CONTACT = 30.0
_LISTING = 600.0
_STALLED = 60.0
_HINT = 5.0

_BLOCK = 8 << 20
_PARALLEL = 4
_GLOB_CHARACTERS = "*?["
_ROOT = "root:///"

# What tells one state of a file from another, in the words of the file systems: the first that there is.
_VERSIONS = (
    *("etag", "generation", "blob_id", "sha", "sha256", "md5hash", "content_md5", "checksum", "crc32c"),
    *("lastmodified", "last_modified", "mtime", "updated", "modified", "modificationtime"),
    *("modify", "created"),
)


@dataclass(frozen=True)
class RemoteFile:
    """A file at an address, in one state.

    name     relative to the folder that is named, else its own
    address  without secrets
    path     as the file system names it
    size     in bytes; None where it is unknown
    version  what tells this state from others; None where there is nothing
    """

    name: str
    address: str
    path: str
    size: int | None
    version: str | None


class Connection:
    """The file system of an address, and what the address names in it.

    Its methods raise `InputError` for what cannot be had.
    """

    def __init__(self, address: str, protocol: str, progress: Progress) -> None:
        self._address = address
        self._progress = progress
        self.shown_address = redacted(address)
        self._protocol = protocol
        self._files, path = self._answer(CONTACT, lambda: fsspec.url_to_fs(address, skip_instance_cache=True))
        self._path = str(path).rstrip("/") if str(path).strip("/") else str(path)
        # a bucket is part of the paths of its file system, and a host is not
        host = urllib.parse.urlsplit(self.shown_address).netloc
        inside = self._path.strip("/").partition("/")[0] == host
        self._prefix = f"{protocol}://" + ("" if inside or not host else f"{host}/")

    @property
    def parallel(self) -> int:
        """How many files may be read at a time; one connection of FTP or SSH is for one thread."""
        return _PARALLEL if getattr(self._files, "async_impl", False) else 1

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self._path.rpartition("/")[2] or self._protocol

    def state(self) -> tuple[bool, list[RemoteFile]]:
        """Whether the address names a folder, and its files in order: of a glob those that match."""
        self._files.invalidate_cache()
        if self._is_glob():
            return False, self._matches()
        info = self._answer(CONTACT, lambda: self._info(self._path))
        if info is None:
            raise self._absent(self._path)
        if _is_file(info) and not self.shown_address.endswith("/"):
            return False, self._described({self._path: info}, self._path.rpartition("/")[0])
        listed = self._answer(_LISTING, lambda: self._files.find(self._path, detail=True))
        return True, self._described(listed, self._path)

    def _matches(self) -> list[RemoteFile]:
        start = min(at for c in _GLOB_CHARACTERS if (at := self._path.find(c)) >= 0)
        folder = self._path[:start].rpartition("/")[0]
        # whether anybody answers is known sooner than what a large folder holds
        info = self._answer(CONTACT, lambda: self._info(folder))
        listed = self._answer(_LISTING, lambda: self._files.glob(self._path, detail=True)) if info else {}
        matches = self._described(listed, folder)
        # a key may have the characters of a pattern in its name
        exact = None if matches else self._answer(CONTACT, lambda: self._info(self._path))
        if exact is not None and _is_file(exact):
            return self._described({self._path: exact}, self._path.rpartition("/")[0])
        if info is None:
            raise self._absent(folder)
        if not matches:
            raise self._refusal("no file matches", protocols.look(self._protocol, folder))
        return matches

    def blocks(self, file: RemoteFile, start: int, progress: Progress) -> Iterator[bytes]:
        """The bytes of a file from a position on.

        Raises `CutOff` after what came where the connection breaks, and where nothing comes for a minute.
        """
        have = start

        def opened() -> Any:
            stream = self._files.open(file.path, "rb", cache_type="none")
            stream.seek(start)
            return stream

        try:
            stream = threads.within(CONTACT, opened, progress)
            while file.size is None or have < file.size:
                # never more than was listed: a file that has grown is another one
                size = _BLOCK if file.size is None else min(_BLOCK, file.size - have)
                block: bytes = threads.within(_STALLED, partial(stream.read, size), progress)
                if not block:
                    return
                have += len(block)
                yield block
            threads.within(CONTACT, stream.close, progress)
        except TokkitError:
            raise
        except Exception as error:
            meaning = protocols.meaning(error)
            if meaning in (Meaning.ABSENT, Meaning.CHANGED):
                raise changed(file.address) from None
            if meaning in (None, Meaning.UNREACHABLE):
                raise CutOff(protocols.reason(error, self._address)) from None
            raise protocols.refusal(error, self._protocol, self._address, file.address) from None

    def _info(self, path: str) -> Mapping[str, Any] | None:
        try:
            info: Mapping[str, Any] = self._files.info(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return info

    def _is_glob(self) -> bool:
        return any(character in self._path for character in _GLOB_CHARACTERS)

    def _described(self, listed: Mapping[str, Mapping[str, Any]], folder: str) -> list[RemoteFile]:
        return [
            RemoteFile(
                # without a query, as in the address
                name=redacted(f"{_ROOT}{path.removeprefix(folder).strip('/')}").removeprefix(_ROOT),
                address=redacted(self._prefix + path.lstrip("/")),
                path=path,
                size=None if info.get("size") is None else int(info["size"]),
                version=_version(info),
            )
            for path, info in sorted(listed.items())
            if _is_file(info)
        ]

    def _answer(self, seconds: float, request: Callable[[], Result]) -> Result:
        """What a request gives; raises `InputError` for what it raises, and where it takes too long."""
        try:
            return threads.within(seconds, request, self._progress)
        except TokkitError:
            raise
        except Exception as error:
            # without its cause: a traceback would print what the library put into its message
            if protocols.meaning(error) is Meaning.ABSENT:
                raise self._absent(self._path) from None
            raise protocols.refusal(error, self._protocol, self._address, self.shown_address) from None

    def _absent(self, path: str) -> AbsentError:
        """The error about what does not exist; it names what is similar in the same folder, if soon known."""
        folder, _, name = path.rstrip("/").rpartition("/")
        root = path.strip("/").partition("/")[0]
        if folder.strip("/") and not self._soon(lambda: self._files.exists(root), True):
            return self._refusal(f'no bucket or folder "{root}"', protocols.look(self._protocol, ""))
        names: list[str] = self._soon(lambda: self._files.ls(folder, detail=False), [])
        # an extension in common makes no names similar
        suffix = PurePosixPath(name).suffix
        others = [PurePosixPath(entry).name for entry in names]
        stem = nearest(name.removesuffix(suffix), [other.removesuffix(suffix) for other in others])
        near = next((f' (did you mean "{o}"?)' for o in others if o.removesuffix(suffix) == stem), "")
        return self._refusal(f"no such file or folder{near}", protocols.look(self._protocol, folder))

    def _soon(self, request: Callable[[], Result], otherwise: Result) -> Result:
        """What a request gives that only makes an error clearer."""
        try:
            return threads.within(_HINT, request, self._progress)
        except TokkitError:
            raise
        except Exception:
            return otherwise

    def _refusal(self, what: str, hint: str) -> AbsentError:
        return AbsentError(f"{self.shown_address}: {what}", hint=hint)


def _is_file(info: Mapping[str, Any]) -> bool:
    # consoles of object stores create empty keys that end in a slash, as folders
    return info.get("type") == "file" and not str(info.get("name", "")).endswith("/")


def _version(info: Mapping[str, Any]) -> str | None:
    """What tells this state of a file from others."""
    values = {str(key).lower(): value for key, value in info.items()}
    name = next((name for name in _VERSIONS if values.get(name)), None)
    if name is None:
        return None
    value = values[name]
    # a listing and a request for one file may give one time in several types
    if isinstance(value, datetime.datetime):
        value = value.timestamp()
    return f"{name} {str(value).strip(chr(34))}"
