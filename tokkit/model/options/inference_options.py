"""Options of inference: device and token budget."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.options import Options, option


@dataclass(frozen=True)
class InferenceOptions(Options):
    """How rows are computed; none of it changes an answer beyond rounding."""

    tokens_per_batch: int | None = option(
        None,
        "tokens, padding included, computed at once",
        minimum=1,
        metavar="N",
        default_text="chosen for the device",
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:N or mps")
