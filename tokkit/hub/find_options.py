"""The options of `find-datasets`."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.options import Options, count_option, option


@dataclass(frozen=True)
class FindOptions(Options):
    """Which data sets are listed, and how many."""

    language: str | None = option(None, "in this language, ISO 639: ko", metavar="CODE")
    task: str | None = option(None, "for this task, as the hub names it: text-classification", metavar="NAME")
    limit: int = count_option("data sets to list", 20)
