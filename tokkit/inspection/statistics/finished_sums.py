"""The sums of finished tasks in files, so that a run that was killed or interrupted is continued.

    CACHE/stats/.3f9c....tokkit-measuring/          as `tokkit.files.work` has it
        shard-00003-1f0c2a7b-000.parquet            the sums of task 3
        shard-00003.done                            {"amount": ..., "sha256": ..., "runs": [...]}

CACHE is that of downloads (`TOKKIT_CACHE`). A folder is removed when its run is over, at the latest by a run
that begins `_DAYS` later. A row of a Parquet file is a part of a table of distinct strings (`string_blocks`),
everything else is JSON in the metadata of the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tokkit import files
from tokkit.data.loading.streaming import TypesChanged
from tokkit.errors import InputError, OutputError
from tokkit.files.work import Wording, Work
from tokkit.inspection.statistics.histograms import LabelledLengths
from tokkit.inspection.statistics.row_sums import TransferredSums
from tokkit.inspection.statistics.totals import SplitSums
from tokkit.progress import Progress
from tokkit.sources.downloads import cache_folder

_WORDING = Wording("measurement", "options", "measured", "part")
_DAYS = 7
_METADATA = b"tokkit"
_COUNTERS = ("missing", "labels", "unknown", "scripts", "marks")

# of each row: the column whose strings a table has, "" of texts; the number of its part; its blocks
_SCHEMA = pa.schema(
    {"kind": pa.string(), "column": pa.string(), "part": pa.int32(), "blocks": pa.large_binary()}
)
_TEXTS, _VALUES = "texts", "values"


class FinishedSums:
    """The sums of the tasks of one job that are done, by their numbers.

    work   where they are kept; None where they are not
    """

    def __init__(self, work: Work | None, progress: Progress) -> None:
        self._work, self._progress = work, progress

    def __contains__(self, task: int) -> bool:
        return self._work is not None and task in self._work.done

    def stored(self) -> Iterator[tuple[TransferredSums, int]]:
        """The sums of an earlier run, each with its amount of work; a damaged file is passed over."""
        if self._work is None:
            return
        for task, marker in sorted(self._work.done.items()):
            path = self._work.folder / marker["runs"][0]
            if files.sha256_of(path) == marker["sha256"]:
                yield read_sums(path), marker["amount"]
            else:
                del self._work.done[task]

    def store(self, task: int, sums: TransferredSums, amount: int) -> None:
        """Keep the sums of a task; where they cannot be, this is said, and none are from now on."""
        if self._work is None:
            return
        path = self._work.run_path(task, 0)
        try:
            write_sums(path, sums)
            self._work.finish(task, [path.name], amount=amount, sha256=files.sha256_of(path))
        except (OSError, OutputError) as error:
            self._progress.say(_not_kept(path.parent, error))
            self.discard()

    def end(self, error: BaseException) -> None:
        """Say what is kept for the next run, or remove it: bad input fails again there."""
        if self._work is None:
            return
        if isinstance(error, InputError | TypesChanged) or self._work.empty:
            self.discard()
        else:
            self._work.say_kept(self._progress)

    def discard(self) -> None:
        """Remove what is kept."""
        if self._work is not None:
            self._work.remove()
            self._work = None


@contextmanager
def finished_sums(
    name: Mapping[str, Any], job: Mapping[str, Any] | None, progress: Progress
) -> Iterator[FinishedSums]:
    """What is kept of a job, locked against other runs; removed when all went well.

    name  what tells jobs apart; of two jobs of one name only the last is kept
    job   all that decides the sums; None: nothing is kept

    A cache that cannot be written, or that another run of the same job has, is said; nothing is kept then.
    """
    with ExitStack() as stack:
        finished = FinishedSums(None, progress)
        folder = cache_folder() / "stats"
        if job is not None:
            try:
                files.private_folder(folder)
                _remove_old(folder)
                out = folder.resolve() / hashlib.sha256(_json(name)).hexdigest()[:16]
                stack.enter_context(files.lock(out))
                work = Work(files.work_path(out, "measuring"), out, None, _WORDING)
                work.begin(job, progress)
                finished = FinishedSums(work, progress)
            except (OSError, OutputError) as error:
                progress.say(_not_kept(folder, error))
        try:
            yield finished
        except BaseException as error:
            finished.end(error)
            raise
        finished.discard()


def write_sums(path: Path, sums: TransferredSums) -> None:
    """Write a file and sync it to the disk. Raises OSError."""
    tables = [(_TEXTS, "", sums.texts), *((_VALUES, name, table) for name, table in sums.values.items())]
    rows = [(kind, column, part, blocks) for kind, column, table in tables for part, blocks in table.items()]
    described = {
        "splits": [_as_dict(split) for split in sums.splits],
        "labels": sums.labels,
        "scripts": sums.scripts,
        "messages": sums.messages,
        "columns": list(sums.values),
    }
    schema = _SCHEMA.with_metadata({_METADATA: _json(described)})
    with open(path, "xb") as file:
        with pq.ParquetWriter(
            file, schema, compression="none", use_dictionary=False, write_statistics=False
        ) as writer:
            for row in rows:
                # a row group each, so that no more than one is in memory twice
                writer.write_batch(pa.record_batch([[value] for value in row], schema=schema))
        file.flush()
        os.fsync(file.fileno())


def read_sums(path: Path) -> TransferredSums:
    """What `write_sums` wrote."""
    table = pq.read_table(path)
    described = json.loads(table.schema.metadata[_METADATA])
    tables: dict[tuple[str, str], dict[int, bytes]] = defaultdict(dict)
    for row in table.to_pylist():
        tables[row["kind"], row["column"]][row["part"]] = row["blocks"]
    return TransferredSums(
        splits=[_split(content) for content in described["splits"]],
        labels=described["labels"],
        scripts=described["scripts"],
        texts=tables[_TEXTS, ""],
        values={name: tables[_VALUES, name] for name in described["columns"]},
        messages=described["messages"],
    )


def _as_dict(split: SplitSums) -> dict[str, Any]:
    # keys of JSON are strings, those of the counters may be numbers
    counters = {name: list(getattr(split, name).items()) for name in _COUNTERS}
    lengths = {unit: lengths.as_lists() for unit, lengths in split.lengths.items()}
    return {"rows": split.rows, **counters, "lengths": lengths}


def _split(content: Mapping[str, Any]) -> SplitSums:
    counters: dict[str, Any] = {name: Counter(dict(content[name])) for name in _COUNTERS}
    lengths = {unit: LabelledLengths.of_lists(*lists) for unit, lists in content["lengths"].items()}
    return SplitSums(rows=content["rows"], **counters, lengths=lengths)


def _remove_old(folder: Path) -> None:
    """Remove what runs left that nobody continued."""
    oldest = time.time() - _DAYS * 24 * 3600
    for work in folder.glob(".*.tokkit-measuring"):
        out = folder / work.name.removeprefix(".").removesuffix(".tokkit-measuring")
        # not what a run is at, nor what another run removes
        with suppress(OSError, OutputError):
            if work.stat().st_mtime < oldest:
                with files.lock(out):
                    shutil.rmtree(work)


def _not_kept(folder: Path, error: Exception) -> str:
    return f"{folder}: a run that is interrupted cannot be continued: {error}"


def _json(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
