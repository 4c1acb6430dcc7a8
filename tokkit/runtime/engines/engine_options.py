"""The options of engines, without the libraries that they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tokkit.errors import UsageError
from tokkit.options import Options, option

INLINE, PROCESS, RAY = "inline", "process", "ray"


@dataclass(frozen=True)
class EngineOptions(Options):
    """Where the shards of the work are computed; the result is the same everywhere."""

    section: ClassVar[str] = "Engine"

    engine: str = option(
        INLINE,
        "compute shards in threads of this process, in processes, or as tasks of Ray",
        choices=(INLINE, PROCESS, RAY),
    )
    ray_address: str | None = option(
        None,
        "cluster of Ray to use; its nodes share the folders",
        metavar="ADDRESS",
        default_text="a local one",
    )

    def check(self) -> None:
        """Raises `UsageError` for an address of another engine."""
        if self.ray_address is not None and self.engine != RAY:
            raise UsageError(
                f"--ray-address {self.ray_address}: is for the engine {RAY}", hint=f"add --engine {RAY}"
            )
