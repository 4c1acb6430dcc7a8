"""Threads that share a stream of work and can be stopped: kernels run in them, the main thread watches."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from tokkit.progress import Progress, stop_if_cancelled

Task = TypeVar("Task")
Result = TypeVar("Result")

_LOOK_EVERY = 0.05
_PATIENCE = 0.5
"""Seconds that stopped threads are waited for; one that is just compiling ends with the process."""


class Tasks(Generic[Task]):
    """An iterator that several threads take from, and the amount of work they have done."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self.stopped = False
        self._tasks = tasks
        self._taking = threading.Lock()
        self.total = 0
        self._told = 0

    def __iter__(self) -> Iterator[Task]:
        while not self.stopped:
            with self._taking:
                task = next(self._tasks, None)
            if task is None:
                return
            yield task

    def done(self, amount: int) -> None:
        """Adds to what the main thread tells of."""
        with self._taking:
            self.total += amount

    def tell(self, progress: Progress) -> None:
        """Advances the progress by what was done since the last time."""
        amount, self._told = self.total - self._told, self.total
        if amount:
            progress.advance(amount)


def run(
    worker: Callable[[Tasks[Task]], Result], tasks: Tasks[Task], threads: int, progress: Progress
) -> list[Result]:
    """What ``worker`` gives in each thread; the tasks are shared.

    Ctrl-C and a `Progress` that says so stop it: the threads end after the piece they are at. Raises what a
    worker raises.
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
        while any(thread.is_alive() for thread in running):
            for thread in running:
                thread.join(_LOOK_EVERY / threads)
            tasks.tell(progress)
            stop_if_cancelled(progress)
        tasks.tell(progress)
    finally:
        tasks.stopped = True
        for thread in running:
            if thread.ident is not None:
                thread.join(_PATIENCE)
    if failures:
        raise failures[0]
    return results


def aside(work: Callable[[], Result], progress: Progress) -> Result:
    """What ``work`` gives, done in a thread of its own, so that Ctrl-C need not wait for its kernels."""
    return run(lambda tasks: work(), Tasks(iter(())), 1, progress)[0]


def later(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begins work in a thread of its own; what is returned waits for it, and gives or raises what it did."""
    done: list[Result] = []
    failed: list[BaseException] = []

    def run_it() -> None:
        try:
            done.append(work())
        except BaseException as failure:
            failed.append(failure)

    thread = threading.Thread(target=run_it, daemon=True)
    thread.start()

    def result() -> Result:
        thread.join()
        if failed:
            raise failed[0]
        return done[0]

    return result


def threads_to_use(asked: int | None) -> int:
    """The threads asked for, or all that this process may run on."""
    if asked is not None:
        return asked
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
