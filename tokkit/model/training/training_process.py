"""One of the processes that train one model together, started by torchrun: ``training_process JOB``."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, replace
from typing import Any

import torch

from tokkit.model.training.train_model import train_model
from tokkit.model.training.worker_job import read_job
from tokkit.progress import Progress
from tokkit.runtime.worker import serve


def train(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The fields of the result of a training, as JSON."""
    request, training, validation, out, force = read_job(job["path"])
    if request.process_options.gpus is not None:
        # What is computed before the steps would be on the first GPU, for all processes.
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    result = train_model(replace(request, progress=progress), training, validation, out, force=force)
    return asdict(result)


if __name__ == "__main__":
    serve(train, {"path": sys.argv[1]}, int(os.environ["RANK"]))
