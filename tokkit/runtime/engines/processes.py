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
from typing import Any

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
        self._pool: ProcessPoolExecutor | None = None
        # of this process, but not of the pool
        self._others: set[Any] = set()

    def run(
        self, function: Function[Task, Result], tasks: Iterable[Task], progress: Progress
    ) -> Generator[tuple[int, Result], None, None]:
        numbered = enumerate(tasks)
        # handed out and without a result: what a killed pool leaves is handed out again
        left: dict[int, Task] = {}
        losses = 0
        is_done = False
        try:
            while not is_done:
                try:
                    for index, result in self._results(function, left, numbered, progress):
                        losses = 0
                        yield index, result
                    is_done = True
                except BrokenProcessPool as error:
                    self.close()
                    losses += 1
                    if losses == _MOST_LOSSES:
                        raise TokkitError(
                            f"{counted(losses, 'worker process', 'worker processes')} ended without a "
                            "result: out of memory?",
                            hint="let fewer work at a time (--threads 1)",
                        ) from error
                    progress.say("a worker process was killed: what it worked on is computed again")
        finally:
            if not is_done:
                self.close()

    def close(self) -> None:
        if self._pool is None:
            return
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None
        workers = set(multiprocessing.active_children()) - self._others
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join(_ENDS)

    def _opened(self) -> ProcessPoolExecutor:
        """The pool, started where it is not."""
        if self._pool is None:
            self._others = set(multiprocessing.active_children())
            self._pool = ProcessPoolExecutor(
                self._workers,
                # a forked process would share the threads' locks
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_prepare,
                initargs=(os.getpid(),),
            )
        return self._pool

    def _results(
        self,
        function: Function[Task, Result],
        left: dict[int, Task],
        numbered: Iterator[tuple[int, Task]],
        progress: Progress,
    ) -> Iterator[tuple[int, Result]]:
        """The results of one pool: of what is ``left``, which it keeps up to date, then of further tasks."""
        pool = self._opened()
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
