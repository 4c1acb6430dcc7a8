"""Options of `finetune` that spread its work over GPUs, processes and machines."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from tokkit.errors import UsageError
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.options import Options, count_option, flag, option
from tokkit.runtime.processes import process_count

# HOST or HOST:PORT, as torchrun takes it; an IPv6 address is in brackets.
_ENDPOINT = re.compile(r"(\[[\da-fA-F:]+\]|[\w.-]+)(:\d{1,5})?")


@dataclass(frozen=True)
class ProcessOptions(Options):
    """Where the work of `finetune` is done; the result depends on it by rounding alone."""

    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "Several GPUs, processes or machines": ("gpus", "processes", "nodes", "rdzv_endpoint")
    }

    gpus: int | None = count_option(
        "GPUs to use: one for each fold or combination of --compare, else all for each step",
        default_text="one, without these options",
        replaces=("processes",),
    )
    processes: int | None = count_option(
        "the same with processes on the CPU; --threads is then for each of them",
        default_text="one",
        replaces=("gpus",),
    )
    nodes: int | None = count_option(
        "machines that train one model together, each started with the same command", default_text="one"
    )
    rdzv_endpoint: str | None = option(
        None, "where torchrun of all --nodes meets: address of one of them", metavar="HOST[:PORT]"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gpus is not None and self.processes is not None:
            raise UsageError(
                f"--gpus {self.gpus}: excludes --processes, which is for the CPU",
                hint="leave one of them out",
            )
        if self.nodes is not None and self.nodes > 1:
            if self.rdzv_endpoint is None:
                raise UsageError(
                    f"--nodes {self.nodes}: the machines need an address to meet",
                    hint="name that of one of them (--rdzv-endpoint 10.0.0.1:29400)",
                )
            if self.gpus is None and self.processes is None:
                raise UsageError(
                    f"--nodes {self.nodes}: says nothing of how much each machine does",
                    hint="name the GPUs or processes of one of them (--gpus 8)",
                )
        elif self.rdzv_endpoint is not None:
            raise UsageError(
                f"--rdzv-endpoint {self.rdzv_endpoint}: is for several machines",
                hint="say how many (--nodes 2), or leave it out",
            )
        if self.rdzv_endpoint is not None and not _ENDPOINT.fullmatch(self.rdzv_endpoint):
            raise UsageError(
                f'--rdzv-endpoint: "{self.rdzv_endpoint}" is no HOST or HOST:PORT',
                hint="the address of one of the machines (--rdzv-endpoint 10.0.0.1:29400)",
            )

    @property
    def count(self) -> int:
        """Processes on this machine."""
        return self.gpus or self.processes or 1

    @property
    def several(self) -> bool:
        """Whether more than this process works."""
        return self.count > 1 or (self.nodes or 1) > 1

    @property
    def set_fields(self) -> dict[str, Any]:
        """The options that are set, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def check(self, options: FinetuneOptions, *, folds: bool, dry_run: bool = False) -> None:
        """Raises `UsageError` where the options do not fit what is trained, or how tokkit was started.

        folds   whether several models are trained, of folds or of settings that are compared
        """
        if not self.set_fields:
            return
        name = next(iter(self.set_fields))
        named = f"{flag(name)} {self.set_fields[name]}"
        if process_count() > 1 or "LOCAL_RANK" in os.environ:
            raise UsageError(
                f"{named}: torchrun or accelerate launch has started the processes",
                hint="start the command without it, or leave the option out",
            )
        if folds and (self.nodes or 1) > 1:
            raise UsageError(
                f"--nodes {self.nodes}: machines train one model together, but folds are several models",
                hint="folds on this machine alone: leave --nodes and --rdzv-endpoint out",
            )
        if dry_run and self.several:
            raise UsageError(f"{named}: --dry-run measures one process", hint="leave one out")
        device = options.device.partition(":")[0]
        if self.gpus is not None and options.device not in ("auto", "cuda"):
            raise UsageError(f"{named}: contradicts --device {options.device}", hint="leave one of them out")
        if self.processes is not None and device not in ("auto", "cpu"):
            raise UsageError(
                f"{named}: are processes on the CPU, but --device is {options.device}",
                hint="leave one of them out, or use several GPUs (--gpus)",
            )
