"""The options of `encode`, without the libraries that write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tokkit.errors import UsageError
from tokkit.options import LARGEST_SEED, Options, count_option, option

PARQUET, ARROW, NUMPY, MEGATRON = "parquet", "arrow", "numpy", "megatron"
ROW_FORMATS, PACKED_FORMATS = (PARQUET, ARROW), (NUMPY, MEGATRON)


@dataclass(frozen=True)
class EncodeOptions(Options):
    """Which ids are written, and how."""

    section: ClassVar[str] = "Writing ids"

    max_length: int | None = count_option(
        "truncate rows at N tokens, special tokens included", default_text="none is truncated"
    )
    pack: int | None = count_option(
        "pack whole rows into sequences of N tokens, for pretraining; longer rows are parted", minimum=2
    )
    output_format: str | None = option(
        None,
        f"write {PARQUET} or {ARROW} files; with --pack {NUMPY} arrays, or the {MEGATRON} .bin and .idx",
        choices=(*ROW_FORMATS, *PACKED_FORMATS),
        default_text=f"{PARQUET}, with --pack {NUMPY}",
    )
    seed: int = option(42, "seed of the order of packed sequences", minimum=0, maximum=LARGEST_SEED)

    def written_format(self) -> str:
        """The format to write; raises `UsageError` for one of rows with ``pack``, or the other way round."""
        if self.output_format is None:
            return PARQUET if self.pack is None else NUMPY
        if (self.output_format in PACKED_FORMATS) != (self.pack is not None):
            if self.pack is None:
                message, hint = "is for packed sequences", "say how long they are:\n--pack 2048"
            else:
                message, hint = (
                    f"holds a row of its own for each text, and --pack {self.pack} packs them",
                    (f"write one of {' and '.join(PACKED_FORMATS)}:\n--output-format {NUMPY}"),
                )
            raise UsageError(f"--output-format {self.output_format}: {message}", hint=hint)
        return self.output_format
