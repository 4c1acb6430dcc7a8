"""One way to compute many tasks: a function of a module, applied to each, wherever the engine runs it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol, TypeVar

from tokkit.progress import Progress, stop_if_cancelled

Task = TypeVar("Task")
Result = TypeVar("Result")

# A function of a module, so that other processes can import it; its arguments and results are pickled.
Function = Callable[[Task], Result]


class Engine(Protocol):
    """Computes tasks, in workers that it has from the first run until it is closed."""

    def run(
        self, function: Function[Task, Result], tasks: Iterable[Task], progress: Progress
    ) -> Generator[tuple[int, Result], None, None]:
        """The index of each task and its result, as they are done.

        A task is taken from ``tasks`` when a worker may have it, so that they need not all be in memory; one
        whose worker is killed is computed again. Raises what ``function`` raises, `Interrupted` once the
        progress is cancelled; no task goes on then, and none once it is closed.
        """

    def close(self) -> None:
        """End the workers."""


class Inline:
    """One task after the other in this process, which may use threads itself."""

    def run(
        self, function: Function[Task, Result], tasks: Iterable[Task], progress: Progress
    ) -> Generator[tuple[int, Result], None, None]:
        for index, task in enumerate(tasks):
            stop_if_cancelled(progress)
            yield index, function(task)

    def close(self) -> None: ...


def is_inline(engine: Any) -> bool:
    """Whether tasks are computed in this process."""
    return isinstance(engine, Inline)
