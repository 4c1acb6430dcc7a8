"""Threads that share a stream of work and can be stopped: kernels run in them, the main thread watches."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

from tokkit.progress import Progress, stop_if_cancelled

Task = TypeVar("Task")
Result = TypeVar("Result")

_INTERVAL = 0.05  # seconds between two checks of the main thread whether to stop

# Seconds to wait for stopped threads; one that is compiling a kernel ends with the process.
_PATIENCE = 0.5


class Tasks(Generic[Task]):
    """An iterator that several threads share, and the amount of work they have done."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self.stopped = False
        self._tasks = tasks
        self._lock = threading.Lock()
        self.total = 0
        self._reported = 0

    def __iter__(self) -> Iterator[Task]:
        while not self.stopped:
            # generators are not thread-safe: a second `next` while one runs raises ValueError
            with self._lock:
                task = next(self._tasks, None)
            if task is None:
                return
            yield task

    def done(self, amount: int) -> None:
        """Add to the amount that the main thread reports."""
        with self._lock:
            self.total += amount

    def report(self, progress: Progress) -> None:
        """Advance the progress by what was done since the last report."""
        amount, self._reported = self.total - self._reported, self.total
        if amount:
            progress.advance(amount)


def run(
    worker: Callable[[Tasks[Task]], Result], tasks: Tasks[Task], threads: int, progress: Progress
) -> list[Result]:
    """The result of ``worker`` in each thread; the tasks are shared.

    Ctrl-C and a cancelled progress stop it: each thread ends after its current task. Raises what a worker
    raises.
    """
    stop_if_cancelled(progress)
    results: list[Result] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            results.append(worker(tasks))
        except BaseException as failure:
            failures.append(failure)
            tasks.stopped = True

    running = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    try:
        for thread in running:
            thread.start()
        # never a join without a timeout: the main thread has to wake up to handle Ctrl-C
        while any(thread.is_alive() for thread in running):
            for thread in running:
                thread.join(_INTERVAL / threads)
            tasks.report(progress)
            stop_if_cancelled(progress)
        tasks.report(progress)  # what was done after the last check
    finally:
        tasks.stopped = True
        for thread in running:
            if thread.ident is not None:
                thread.join(_PATIENCE)
    if failures:
        raise failures[0]
    return results


def aside(work: Callable[[], Result], progress: Progress) -> Result:
    """The result of ``work``, run in a thread of its own, so that Ctrl-C need not wait for its kernels."""
    return run(lambda tasks: work(), Tasks(iter(())), 1, progress)[0]


def later(work: Callable[[], Result]) -> Callable[[], Result]:
    """Start work in a thread of its own; the returned function waits for its result, or raises its error."""
    return _started(work).result


def _started(work: Callable[[], Result]) -> Future[Result]:
    future: Future[Result] = Future()

    def run_work() -> None:
        try:
            future.set_result(work())
        except BaseException as failure:
            future.set_exception(failure)

    threading.Thread(target=run_work, daemon=True).start()
    return future


def within(seconds: float, work: Callable[[], Result], progress: Progress) -> Result:
    """The result of ``work``, run in a thread of its own; raises `TimeoutError` where it takes longer.

    The thread is then left to end with the process: what waits for a network cannot be stopped.
    """
    future = _started(work)
    end = time.monotonic() + seconds
    while not wait([future], _INTERVAL).done:
        stop_if_cancelled(progress)
        if time.monotonic() > end:
            raise TimeoutError(f"no answer within {seconds:.0f} seconds")
    return future.result()


def threads_to_use(requested: int | None) -> int:
    """The number of threads requested, or of the cores that this process may use."""
    if requested is not None:
        return requested
    # the cores of the machine may be more than a container or `taskset` leaves to this process
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_tokenizer_threads(threads: int | None) -> None:
    """Set the threads of tokenizers in this process; None leaves its default, all cores."""
    if threads:
        os.environ["RAYON_NUM_THREADS"] = str(threads)  # read when tokenizers first works in parallel
