"""The folder of an unfinished count: finished shards are not counted again after a kill or Ctrl-C.

It lies next to the output, here `counts`, and is changed only under the lock of the output:

    .counts.tokkit-counting/
        job.json                            what is counted, and how; another job starts over
        shard-00003-1f0c2a7b-000.parquet    a run; one that no marker names is deleted
        shard-00003.done                    {"bytes": ..., "runs": [...], ...}: the runs are on the disk
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tokkit.files import raising_output_error, staging_path, sync_folder
from tokkit.progress import Progress

_JOB = "job.json"


class Work:
    """Finished shards of one job. Its methods raise `OutputError` about ``out`` where they cannot write.

    done  shard -> content of its marker
    """

    def __init__(self, folder: Path, out: Path, shards: int) -> None:
        self.folder = folder
        self.shards = shards
        self.done: dict[int, Mapping[str, Any]] = {}
        self.out = out
        self._opened = False
        self._session = os.urandom(4).hex()  # a thread of an interrupted run may still be writing

    @property
    def empty(self) -> bool:
        """Whether no shard is done, of a previous run either."""
        return self._opened and not self.done

    def begin(self, job: Mapping[str, Any], progress: Progress) -> None:
        """Continue the same job, and say so, or discard another one."""
        text = json.dumps(job, sort_keys=True)
        with raising_output_error(self.out):
            previous = _read(self.folder / _JOB)
            if previous == text:
                self._continue(progress)
                return
            if previous is not None:
                progress.say(
                    f"{self.out}: an unfinished count of other files, or with other blocks, is discarded"
                )
            if os.path.lexists(self.folder):
                shutil.rmtree(self.folder)
            self._opened = True
            self.folder.mkdir()
            self._write(_JOB, text)

    def _continue(self, progress: Progress) -> None:
        for number in range(self.shards):
            marker = json.loads(_read(self._marker(number)) or "null")
            # a marker whose runs are gone counts for nothing: the shard is counted again
            if marker is not None and all((self.folder / run).is_file() for run in marker["runs"]):
                self.done[number] = marker
        self._opened = True
        named = {run for marker in self.done.values() for run in marker["runs"]}
        for path in self.folder.glob("shard-*.parquet"):
            if path.name not in named:
                path.unlink()
        if self.done:
            progress.say(f"continuing: {len(self.done)} of {self.shards} shards were counted already")

    def run_path(self, shard: int, number: int) -> Path:
        """The path of a new run of a shard."""
        return self.folder / f"shard-{shard:05}-{self._session}-{number:03}.parquet"

    def finish(self, shard: int, runs: Sequence[Path], **result: Any) -> None:
        """Mark a shard as done; its runs are on the disk already."""
        content = {**result, "runs": [run.name for run in runs]}
        with raising_output_error(self.out):
            self._write(self._marker(shard).name, json.dumps(content))
        self.done[shard] = content

    def runs(self) -> list[Path]:
        """The runs of all finished shards."""
        return [self.folder / run for _, marker in sorted(self.done.items()) for run in marker["runs"]]

    def remove(self) -> None:
        """Delete the folder; a thread that still writes fails, for it is renamed first."""
        gone = staging_path(self.out.resolve())
        with suppress(OSError):
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _marker(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:05}.done"

    def _write(self, name: str, text: str) -> None:
        sync_folder(self.folder)  # the runs that a marker names have to be on the disk before it
        # written aside and renamed, so that a kill leaves no marker that is half written
        written = self.folder / f"{name}.{self._session}"
        with open(written, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.folder / name)
        sync_folder(self.folder)


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
