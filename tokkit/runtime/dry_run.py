"""What a long command is expected to take, from a few measured steps of it: the result of `--dry-run`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit.progress import Progress


@dataclass(frozen=True)
class DryRunResult:
    """What a command would take; nothing was written.

    output    the folder that it would write
    work      what is to be done -> number: rows, steps, ...
    seconds   part of the work -> seconds expected
    memory    bytes: peak of the process, on a GPU also of the device; None where the system does not say
    disk      what is written -> bytes; ``output`` stays, the rest is removed at the end
    measured  what was measured -> how much of it, and in how many ``seconds``
    """

    output: str
    work: Mapping[str, int]
    seconds: Mapping[str, float]
    memory: Mapping[str, int | None]
    disk: Mapping[str, int]
    measured: Mapping[str, Mapping[str, float]]

    @property
    def total_seconds(self) -> float:
        return round(sum(self.seconds.values()), 1)

    def as_dict(self) -> dict[str, Any]:
        return {"dry_run": True, **asdict(self), "total_seconds": self.total_seconds}

    def warn_of_space(self, progress: Progress) -> None:
        """Report a disk that has too little space for all of it."""
        parent = next(path for path in Path(self.output).absolute().parents if path.exists())
        needed, free = sum(self.disk.values()), shutil.disk_usage(parent).free
        if needed > free:
            progress.say(f"{parent}: {free / 1e9:.1f} GB are free, {needed / 1e9:.1f} GB are needed")
