"""Tasks in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from tokkit.errors import TokkitError, counted
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.runtime.engines.engine import Function, Result, Task

# Seconds between two checks whether to stop, and between two of a worker whether its parent lives.
_INTERVAL = 0.05
_PARENT_INTERVAL = 0.5
# Seconds that a killed worker may take to be gone.
_ENDS = 5
# Tasks for each worker that are handed out ahead.
_AHEAD = 2
# How often workers may be killed with no task done in between.
_MOST_LOSSES = 5


class Processes:
    """A pool of processes; those that are killed are started again."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(
        self, function: Function[Task, Result], tasks: Iterable[Task], progress: Progress
    ) -> Generator[tuple[int, Result], None, None]:
        numbered = enumerate(tasks)
        # handed out and without a result: what a killed pool leaves is handed out again
        left: dict[int, Task] = {}
        losses = 0
        while True:
            others = set(multiprocessing.active_children())
            pool = ProcessPoolExecutor(
                self._workers,
                # a forked process would share the threads' locks
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_prepare,
                initargs=(os.getpid(),),
            )
            try:
                for index, result in self._results(pool, function, left, numbered, progress):
                    losses = 0
                    yield index, result
                return
            except BrokenProcessPool as error:
                losses += 1
                if losses == _MOST_LOSSES:
                    raise TokkitError(
                        f"{counted(losses, 'worker process', 'worker processes')} ended without a result: "
                        "out of memory?",
                        hint="let fewer work at a time (--threads 1)",
                    ) from error
                progress.say("a worker process was killed: what it worked on is computed again")
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                workers = set(multiprocessing.active_children()) - others
                for worker in workers:
                    worker.kill()
                for worker in workers:
                    worker.join(_ENDS)

    def _results(
        self,
        pool: ProcessPoolExecutor,
        function: Function[Task, Result],
        left: dict[int, Task],
        numbered: Iterator[tuple[int, Task]],
        progress: Progress,
    ) -> Iterator[tuple[int, Result]]:
        """The results of one pool: of what is ``left``, which it keeps up to date, then of further tasks."""
        running = {pool.submit(function, task): index for index, task in left.items()}
        while True:
            for index, task in islice(numbered, max(0, _AHEAD * self._workers - len(left))):
                left[index] = task
                running[pool.submit(function, task)] = index
            if not left:
                return
            done, _ = wait(running, _INTERVAL, FIRST_COMPLETED)
            stop_if_cancelled(progress)
            for future in done:
                result = future.result()
                index = running.pop(future)
                del left[index]
                yield index, result


def _prepare(parent: int) -> None:
    """In a worker: leave Ctrl-C to the parent, and end when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_INTERVAL)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
