"""Processes that `torchrun` or `accelerate launch` starts together, known from their environment."""

from __future__ import annotations

import os


def process_count() -> int:
    """Number of processes that were started together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1


def is_helper() -> bool:
    """Whether another process is the first one."""
    return process_count() > 1 and os.environ.get("RANK", "0") != "0"
