"""The folder of an unfinished job: finished shards are not computed again after a kill or Ctrl-C.

It lies next to the output, here `counts`, and is changed only under the lock of the output:

    .counts.tokkit-counting/
        job.json                            what is computed, and how; another job starts over
        shard-00003-1f0c2a7b-000.parquet    a run; one that no marker names is deleted
        shard-00003.done                    {"bytes": ..., "runs": [...], ...}: the runs are on the disk
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import counted
from tokkit.files.publish import sync_folder
from tokkit.files.staging import discard_work, raising_output_error
from tokkit.progress import Progress

_JOB = "job.json"


@dataclass(frozen=True)
class Wording:
    """How messages about a job speak of it.

    name    the job: "count"
    inputs  what else than its files makes it another job: "blocks"
    done    what is done with a shard: "counted"
    shard   what it consists of
    """

    name: str
    inputs: str
    done: str
    shard: str = "shard"


class Work:
    """Finished shards of one job; every process that computes some has one of its own.

    Its methods raise `OutputError` about ``out`` where they cannot write.

    shards  how many there are, None where only reading them tells
    done    shard -> content of its marker
    """

    def __init__(self, folder: Path, out: Path, shards: int | None, wording: Wording) -> None:
        self.folder = folder
        self.shards = shards
        self.wording = wording
        self.done: dict[int, Mapping[str, Any]] = {}
        self.out = out
        self._opened = False
        self._session = new_session()

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
                name, inputs = self.wording.name, self.wording.inputs
                progress.say(
                    f"{self.out}: an unfinished {name} of other files, or with other {inputs}, is discarded"
                )
            if os.path.lexists(self.folder):
                shutil.rmtree(self.folder)
            self._opened = True
            self.folder.mkdir()
            self._write(_JOB, text)

    def _continue(self, progress: Progress) -> None:
        for path in sorted(self.folder.glob("shard-*.done")):
            self.look_up(int(path.stem.removeprefix("shard-")))
        self._opened = True
        named = {run for marker in self.done.values() for run in marker["runs"]}
        for path in self.folder.glob("shard-*-*"):
            if path.name not in named:
                path.unlink()
        if self.done:
            progress.say(f"continuing: {self._finished} {self.wording.done} already")

    def look_up(self, shard: int) -> bool:
        """Whether a shard is done, by this process or another that works in the same folder."""
        if shard not in self.done:
            marker = json.loads(_read(self._marker(shard)) or "null")
            # a marker whose runs are gone counts for nothing: the shard is computed again
            if marker is not None and all((self.folder / run).is_file() for run in marker["runs"]):
                self.done[shard] = marker
        return shard in self.done

    def discard(self) -> None:
        """Remove all markers: every shard is computed again."""
        self.done.clear()
        for path in self.folder.glob("shard-*.done"):
            path.unlink()

    def say_kept(self, progress: Progress) -> None:
        """Say, of a run that ends early, what the next one need not compute again."""
        if self.done:
            progress.say(f"{self._finished} kept: the same command continues from there")

    @property
    def _finished(self) -> str:
        """The beginning of a sentence: ``3 of 7 shards are``, ``1 part is``."""
        if self.shards is not None:
            return f"{len(self.done)} of {self.shards} {self.wording.shard}s are"
        return f"{counted(len(self.done), self.wording.shard)} {'is' if len(self.done) == 1 else 'are'}"

    def run_path(self, shard: int, number: int, suffix: str = ".parquet") -> Path:
        """The path of a new run of a shard."""
        return self.folder / run_name(shard, self._session, number, suffix)

    def finish(self, shard: int, runs: Sequence[str], **result: Any) -> None:
        """Mark a shard as done; the runs of these names are on the disk already."""
        content = {**result, "runs": list(runs)}
        with raising_output_error(self.out):
            self._write(self._marker(shard).name, json.dumps(content))
        self.done[shard] = content

    def runs(self) -> list[Path]:
        """The runs of all finished shards."""
        return [self.folder / run for _, marker in sorted(self.done.items()) for run in marker["runs"]]

    def remove(self) -> None:
        """Delete the folder; a thread that still writes fails, for it is renamed first."""
        discard_work(self.folder, self.out.resolve())

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


def new_session() -> str:
    """A part of the names of runs: a thread or process of an interrupted run may still be writing."""
    return os.urandom(4).hex()


def run_name(shard: int, session: str, number: int, suffix: str = ".parquet") -> str:
    """The file name of a run."""
    return f"shard-{shard:05}-{session}-{number:03}{suffix}"


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
