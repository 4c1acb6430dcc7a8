"""A process that trains folds, or combinations of settings, one after another: ``model_worker JOB``."""

from __future__ import annotations

import sys
from dataclasses import asdict

from tokkit.model.training.worker_job import read_job
from tokkit.runtime.worker import serve


def main(path: str) -> None:
    """Train what the parent process names, until it has no more."""
    # A `QueuedFolds` or `QueuedCombinations`, which knows how to train one of them.
    [queued] = read_job(path)
    serve(lambda job, progress: asdict(queued.train(job["number"], progress)))


if __name__ == "__main__":
    main(sys.argv[1])
