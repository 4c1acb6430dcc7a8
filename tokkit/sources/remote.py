"""Addresses of object stores and other ``fsspec`` protocols as files: one state of each, in the cache.

    CACHE/downloads/3f9c.../                        an address
                            .download.json          its last state: files, sizes, where they are in the cache
                            81ab.../part-1.csv      a file of it in one state
                                    .download.json  its address and version
                                    .partial        what came of a download that was cut off
                            c07d.../reviews/...     a folder in one state: links to its files

What was listed is downloaded, then listed again: only what is still the same gets its name. A run that
reads a state is not disturbed by one that downloads a later state; states that were not used for 30 days
are removed. Offline, the last state is what there is.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit import files
from tokkit.errors import InputError, Interrupted, OutputError, counted
from tokkit.progress import Progress, Silent, stage, stop_if_cancelled
from tokkit.runtime import threads
from tokkit.sources import downloads, snapshots
from tokkit.sources.snapshots import digest

if TYPE_CHECKING:
    from tokkit.sources.filesystems import Connection, RemoteFile

_PROTOCOL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_WEB = ("http", "https")
_LOCAL = ("file", "local")

# Files of this process: they need no network, and are in the cache of no other.
_IN_PROCESS = ("memory",)

_PAUSE = 0.5
_PATIENCE = 1.0
_INTERVAL = 0.02


def protocol_of(argument: str) -> str | None:
    """The protocol of an address that `fetch` reads; None for paths and addresses on the web."""
    match = _PROTOCOL.match(argument)
    protocol = match[1].lower() if match else None
    return None if protocol in _WEB else protocol


def local_path(argument: str) -> str | None:
    """The path that ``file://`` names on this machine; None for other arguments."""
    return argument.partition("://")[2] if protocol_of(argument) in _LOCAL else None


def is_in_process(argument: str) -> bool:
    """Whether an address names files that only this process has."""
    return protocol_of(argument) in _IN_PROCESS


def check(argument: str) -> None:
    """Raises `InputError` for a protocol that is unknown, or whose library is missing."""
    from tokkit.sources import protocols  # some 100 ms, which other files need not wait for

    protocols.check(argument, protocol_of(argument) or "")


def fetch(address: str, cache: Path, largest: int, progress: Progress) -> snapshots.Fetched:
    """The files that an address names, in the cache; of those that are unchanged nothing is sent again.

    A download that is cut off goes on where it stopped, in this call or the next. That the network is used
    is said. Raises `InputError` for what cannot be had, what changes meanwhile, for more than ``largest``
    bytes in all, and offline for what is not in the cache; `OutputError` where the cache cannot be written.
    """
    shown_address = files.redacted(address)
    root = cache / "downloads"
    folder = root / digest(address)
    in_process = is_in_process(address)
    if not in_process and (forbidden := downloads.offline()):
        cached = snapshots.last_state(root, folder)
        if cached is None:
            raise downloads.not_cached(shown_address, forbidden)
        progress.say(f"{shown_address}: {forbidden} forbids the network; taken from the cache")
        return cached
    from tokkit.sources import filesystems, protocols

    protocol = protocol_of(address) or ""
    protocols.check(address, protocol)
    if not in_process:
        progress.say(f"{shown_address}: requested over the network")
    connection = filesystems.Connection(address, protocol, progress)
    is_folder, listed = _state(connection)
    homes = {file: root / digest(file.address) / digest(f"{file.size} {file.version}") for file in listed}
    missing = [file for file in listed if file.version is None or not downloads.cached_file(homes[file])]
    _check_room(shown_address, missing, homes, largest, root)
    try:
        if missing:
            _download(connection, missing, homes, largest, progress)
            _check_same(connection, listed, missing, homes)
            for file in missing:
                _publish(file, homes[file])
    except BaseException as error:
        interrupted = isinstance(error, Interrupted | KeyboardInterrupt)
        _tidy([homes[file] for file in missing], with_partial=interrupted)
        raise
    paths = [homes[file] / _own_name(file) for file in listed]
    for home in homes.values():
        os.utime(home)
    tree = snapshots.linked_folder(connection.name, folder, listed, paths) if is_folder else None
    snapshots.remember(root, folder, shown_address, tree, paths)
    for home in {path.parent.parent for path in paths} | {folder}:
        snapshots.remove_unused(home)
    if not in_process:
        sent = sum((homes[file] / _own_name(file)).stat().st_size for file in missing)
        how = f"{sent:,} bytes downloaded" if missing else "unchanged; taken from the cache"
        progress.say(f"{shown_address}: {counted(len(listed), 'file')}, {how}")
    return snapshots.Fetched(tree, snapshots.files_of(tree) if tree else paths)


def _own_name(file: RemoteFile) -> str:
    return downloads.safe_name(file.name.rpartition("/")[2]) or "download"


def _state(connection: Connection) -> tuple[bool, list[RemoteFile]]:
    """Whether the address is a folder, and its files, but hidden ones of a folder."""
    is_folder, listed = connection.state()
    if is_folder:
        listed = [file for file in listed if not _is_hidden(file.name)]
    if not listed:
        raise InputError(
            f"{connection.shown_address}: the folder holds no files",
            hint="name a folder with files, or a file",
        )
    return is_folder, listed


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _check_room(
    address: str, missing: Sequence[RemoteFile], homes: dict[RemoteFile, Path], largest: int, root: Path
) -> None:
    """Raises `InputError` for more than is allowed, `OutputError` for more than the disk has space for."""
    size = sum(file.size or 0 for file in missing)
    downloads.check_size(address, size, largest)
    begun = sum(downloads.size_of(homes[file] / downloads.PARTIAL) for file in missing)
    existing = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if size - begun > free:
        raise OutputError(
            f"{root}: no space left for {address}: {size - begun:,} bytes, and {free:,} are free",
            hint="name another folder for the cache in the environment variable TOKKIT_CACHE",
        )


class _Stoppable(Silent):
    """Cancelled where the progress is, and where another thread has failed."""

    def __init__(self, progress: Progress, tasks: threads.Tasks[RemoteFile]) -> None:
        self._progress, self._tasks = progress, tasks

    def cancelled(self) -> bool:
        return self._progress.cancelled() or self._tasks.stopped


def _download(
    connection: Connection,
    missing: Sequence[RemoteFile],
    homes: dict[RemoteFile, Path],
    largest: int,
    progress: Progress,
) -> None:
    """All bytes of the files, each in the partial file of its folder."""

    busy: list[RemoteFile] = []

    def work(tasks: threads.Tasks[RemoteFile]) -> None:
        stoppable = _Stoppable(progress, tasks)
        for file in tasks:
            busy.append(file)
            try:
                with downloads.alone(file.address, homes[file]):
                    _download_one(connection, file, homes[file] / downloads.PARTIAL, tasks, stoppable)
            finally:
                busy.remove(file)
            # the sizes of some file systems are known only now
            downloads.check_size(connection.shown_address, tasks.total, largest)

    name = missing[0].name if len(missing) == 1 else counted(len(missing), "file")
    sizes = [file.size for file in missing]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    tasks = threads.Tasks(iter(missing))
    with stage(progress, f"downloading {name}", total, "bytes"):
        try:
            threads.run(work, tasks, min(connection.parallel, len(missing)), progress)
        except BaseException:
            tasks.stopped = True
            _wait_until_empty(busy)
            raise


def _wait_until_empty(busy: Sequence[RemoteFile]) -> None:
    """Wait until threads have closed their files and released their locks, but no longer than a second."""
    end = time.monotonic() + _PATIENCE
    while busy and time.monotonic() < end:
        # Ctrl-C may raise more than once
        with suppress(KeyboardInterrupt):
            time.sleep(_INTERVAL)


def _download_one(
    connection: Connection,
    file: RemoteFile,
    partial: Path,
    tasks: threads.Tasks[RemoteFile],
    progress: Progress,
) -> None:
    """The bytes of a file, after those that an earlier download of the same state has left."""
    if file.version is None or file.size is None:
        partial.unlink(missing_ok=True)
    have = downloads.size_of(partial)
    tasks.done(have)
    # all of it, and the end of that run came before the file had its name
    if have == file.size and partial.exists():
        return
    reason = ""
    for attempt in range(downloads.ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE * attempt)
        stop_if_cancelled(progress)
        try:
            with open(partial, "ab") as written:
                for block in connection.blocks(file, have, progress):
                    written.write(block)
                    have += len(block)
                    tasks.done(len(block))
        except downloads.CutOff as cut_off:
            reason = str(cut_off)
            continue
        if file.size is None or have == file.size:
            return
        if have > file.size:
            raise downloads.changed(file.address)
        reason = "it ended early"
    raise InputError(
        f"{file.address}: the connection was cut off {downloads.ATTEMPTS} times, the last time after "
        f"{have:,} bytes: {reason}",
        hint="run the same command again: it goes on from there",
    )


def _check_same(
    connection: Connection,
    listed: Sequence[RemoteFile],
    missing: Sequence[RemoteFile],
    homes: dict[RemoteFile, Path],
) -> None:
    """Raises `InputError` where an address does not name what it did, and drops what has changed."""
    try:
        now = set(_state(connection)[1])
    except downloads.AbsentError:
        now = set()
    if now == set(listed):
        return
    for file in missing:
        if file not in now:
            (homes[file] / downloads.PARTIAL).unlink(missing_ok=True)
    gone = next((file.address for file in listed if file not in now), connection.shown_address)
    raise downloads.changed(gone)


def _publish(file: RemoteFile, home: Path) -> None:
    """Give a whole file its name in the cache, unless another run has done so."""
    with downloads.alone(file.address, home):
        partial = home / downloads.PARTIAL
        if not partial.exists():
            return
        name = _own_name(file)
        partial.replace(home / name)
        known = {"address": file.address, "name": name, "bytes": (home / name).stat().st_size}
        downloads.write_json(home / downloads.RECORD, {**known, "version": file.version})
        files.sync_folder(home)


def _tidy(homes: Sequence[Path], *, with_partial: bool) -> None:
    """Remove folders that a download has left empty, of one that was interrupted what came of it, too."""
    for home in homes:
        with suppress(OSError):
            if with_partial:
                (home / downloads.PARTIAL).unlink(missing_ok=True)
            home.rmdir()
            home.parent.rmdir()
