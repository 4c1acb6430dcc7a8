"""Several processes that train one model together, as `torchrun` starts them: the first writes, others help.

    torchrun --nproc-per-node 2 -m tokkit finetune DATASET --tokenizer out/

Every one prepares the same rows and takes its share of each step (`loop`). What is decided on the way, the
numbers a step is computed in and which evaluation is best, is what the first of them says.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


def count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1


def is_helper() -> bool:
    """Whether another process is the first."""
    return count() > 1 and os.environ.get("RANK", "0") != "0"


def as_the_first(values: NDArray[np.float32], device: torch.device) -> NDArray[np.float32]:
    """What the first process has; every process calls it with values of the same shape."""
    if count() == 1:
        return values
    import torch
    from accelerate import PartialState
    from accelerate.utils import broadcast

    state = PartialState(cpu=device.type == "cpu")
    told: torch.Tensor = broadcast(torch.from_numpy(values).to(state.device))
    array: NDArray[np.float32] = told.cpu().numpy()
    return array


def leave() -> None:
    """The processes go their own ways again."""
    if "LOCAL_RANK" in os.environ:
        import torch.distributed

        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
