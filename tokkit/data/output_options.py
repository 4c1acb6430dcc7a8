"""The format that rows are written in: the option, without the libraries that write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tokkit.options import Options, option

DATASETS = "datasets"
FORMATS = ("csv", "tsv", "text", "conll", "jsonl", "json", "parquet", "arrow", DATASETS)


@dataclass(frozen=True)
class OutputOptions(Options):
    """The format that rows are written in."""

    section: ClassVar[str] = "Writing rows"

    output_format: str | None = option(
        None,
        "write the rows in this format; datasets is a folder for load_from_disk",
        choices=FORMATS,
        default_text="by the name of OUT, else the format of the source",
    )
