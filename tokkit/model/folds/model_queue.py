"""Folds, or combinations of settings, on several devices: one model at a time on each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from tokkit.errors import Interrupted
from tokkit.model.training.data_parallel import environments
from tokkit.model.training.train_model import FinetuneRequest
from tokkit.model.training.worker_job import written_job
from tokkit.runtime.workers import Job, run_jobs

_WORKER = "tokkit.model.folds.model_worker"
_HINT = "fewer at a time need less memory; what is finished is not trained again:\n"


def train_queued(
    request: FinetuneRequest,
    content: Any,
    jobs: Sequence[Job],
    finished: Callable[[int, Any], None],
    what: str,
) -> None:
    """Do the jobs in the processes of ``request.process_options``; each result goes to ``finished``.

    content   what all jobs need: `model_worker`
    what      the jobs in a message: "folds"

    Raises what a job raises, with its name, and `Interrupted`.
    """
    options = request.process_options
    done = sum(job.content is None for job in jobs)
    flag = "--processes 1" if options.gpus is None else f"--gpus {max(options.gpus // 2, 1)}"
    with written_job(content) as path:
        arguments = ["-m", _WORKER, str(path)]
        results = run_jobs(arguments, jobs, environments(options), request.progress, _HINT + flag)
        try:
            # Closed at once, whatever happens here: this ends the workers.
            with closing(results):
                for number, result in results:
                    finished(number, result)
                    done += 1
        except (KeyboardInterrupt, Interrupted) as error:
            raise Interrupted(
                f"interrupted; {done} of {len(jobs)} {what} are finished, "
                "and the same command continues after them"
            ) from error
