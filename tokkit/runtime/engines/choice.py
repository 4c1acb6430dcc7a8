"""From the options to an engine; each library is loaded only for its own."""

from __future__ import annotations

from tokkit.runtime.engines.engine import Engine, Inline
from tokkit.runtime.engines.engine_options import INLINE, RAY, EngineOptions
from tokkit.runtime.threads import threads_to_use


def engine_for(options: EngineOptions, threads: int | None) -> Engine:
    """The engine that is requested; ``threads`` workers, None: one for each core.

    Raises `UsageError` where its library is missing, `InputError` where no cluster answers.
    """
    options.check()
    if options.engine == INLINE:
        return Inline()
    if options.engine == RAY:
        from tokkit.runtime.engines.ray_tasks import RayTasks

        return RayTasks(options.ray_address, threads)
    from tokkit.runtime.engines.processes import Processes

    return Processes(threads_to_use(threads))
