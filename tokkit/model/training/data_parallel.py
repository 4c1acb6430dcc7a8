"""One training in several processes: `finetune` starts torchrun, and it the processes.

rows and settings -> a file -> torchrun -> `training_process`, N times -> the result of the first
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from tokkit.data.dataset import Rows
from tokkit.errors import InputError, counted
from tokkit.model.network.classifier import choose_device
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.options.process_options import ProcessOptions
from tokkit.model.training.train_model import FinetuneRequest, FinetuneResult
from tokkit.model.training.worker_job import written_job
from tokkit.progress import SILENT, Progress
from tokkit.runtime.workers import run_together
from tokkit.sources.paths import is_path

_PROCESS = "tokkit.model.training.training_process"
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def train_in_processes(
    request: FinetuneRequest, training: Rows, validation: Rows, out: Path, *, force: bool
) -> FinetuneResult:
    """As `train_model`, each step shared between the processes of ``request.process_options``.

    The model is that of one process but for rounding. Raises as `train_model`, and `TokkitError` where a
    process ends without a result.
    """
    options, threads = request.process_options, request.threads
    job = replace(request, progress=SILENT), training, validation, out, force
    with written_job(*job) as path:
        content = run_together(
            [*_torchrun(options), "-m", _PROCESS, str(path)],
            # Without it, torchrun says that it sets it to 1.
            {"OMP_NUM_THREADS": str(threads or torch.get_num_threads())},
            request.progress,
            options.count,
        )
    result = FinetuneResult(**content)
    if not is_path(Path(result.model)):
        request.progress.say(f"{result.model} is written on the machine of the first process")
    return result


def on_processes(
    options: FinetuneOptions, process_options: ProcessOptions, threads: int | None, progress: Progress
) -> tuple[FinetuneOptions, int | None]:
    """The options, and the threads of each process: those requested, else its share of the cores.

    Raises `InputError` for more GPUs than there are.
    """
    if process_options.gpus is not None:
        check_gpus(process_options.gpus)
    # The device is recorded, so it is only named where it would be another one.
    elif process_options.processes is not None and choose_device(options.device).type != "cpu":
        progress.say("training on the CPU (--processes); --gpus uses GPUs")
        options = replace(options, device="cpu")
    if threads is None and process_options.count > 1:
        threads = max(torch.get_num_threads() // process_options.count, 1)
    return options, threads


def check_gpus(requested: int) -> None:
    """Raises `InputError` for more GPUs than there are."""
    there = torch.cuda.device_count()
    if requested > there:
        message = f"{counted(there, 'GPU', 'are')} here" if there else "no GPU here that torch can use"
        hint = f"what there is:\n--gpus {there}" if there else f"on the CPU:\n--processes {requested}"
        raise InputError(f"--gpus {requested}: {message}", hint=hint)


def environments(options: ProcessOptions) -> list[Mapping[str, str]]:
    """The environment of each process that trains a model of its own: one GPU, or none in particular."""
    if options.gpus is None:
        return [{} for _ in range(options.count)]
    # Every process finds its GPU as the only one, so settings name none.
    visible = os.environ.get(_VISIBLE) or ",".join(map(str, range(torch.cuda.device_count())))
    return [{_VISIBLE: gpu.strip()} for gpu in visible.split(",")[: options.gpus]]


def _torchrun(options: ProcessOptions) -> list[str]:
    """The arguments of Python before what is started."""
    run = ["-m", "torch.distributed.run", "--nproc-per-node", str(options.count)]
    if options.rdzv_endpoint is None:
        # On a free port: several trainings may run on one machine.
        return [*run, "--standalone"]
    nodes = ["--nnodes", str(options.nodes), "--rdzv-backend", "c10d"]
    return [*run, *nodes, "--rdzv-endpoint", options.rdzv_endpoint, "--rdzv-id", "tokkit"]
