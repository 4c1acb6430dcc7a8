"""`find-datasets`: data sets of the hub, the most used first, with what decides whether they can be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from tokkit.hub.client import connect, patiently, quiet, read_error
from tokkit.hub.find_options import FindOptions
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress

# Tag of the hub -> what it says: ``license:mit``.
_LANGUAGE, _LICENSE, _SIZE, _TASK = "language", "license", "size_categories", "task_categories"


@dataclass(frozen=True)
class FoundDataset:
    """name       as ``hub:NAME`` names it
    downloads  of the last 30 days
    size       category of the number of rows: ``10K<n<100K``; None where the author names none
    languages, tasks   as the author names them
    licence    None where none is named
    gated      whether the hub gives it to users with permission only
    """

    name: str
    downloads: int | None
    size: str | None
    languages: list[str]
    licence: str | None
    tasks: list[str]
    gated: bool


@dataclass(frozen=True)
class FindResult:
    """The data sets that fit, the most downloaded first."""

    query: str | None
    datasets: list[FoundDataset]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_datasets(
    query: str | None = None,
    options: FindOptions | None = None,
    *,
    progress: Progress = SILENT,
    **settings: Any,
) -> FindResult:
    """The data sets of the hub whose name or description fits, or without a query the most used.

    ``settings`` are fields of `FindOptions`. Raises `InputError` offline, and where the hub does not answer.
    """
    options = apply_settings(FindOptions, options, settings)
    api = connect(writes=False)

    def listed() -> list[Any]:
        matches: Iterable[Any] = api.list_datasets(
            search=query,
            language=options.language,
            task_categories=options.task,
            sort="downloads",
            limit=options.limit,
        )
        return list(islice(matches, options.limit))

    progress.say("searching the hub over the network")
    try:
        with quiet():
            infos = patiently(listed, progress)
    except Exception as error:
        raise read_error(error, "find-datasets") from error
    return FindResult(query, [_described(info) for info in infos])


def _described(info: Any) -> FoundDataset:
    tags = [tag.split(":", 1) for tag in info.tags or () if ":" in tag]

    def values(name: str) -> list[str]:
        return [value for key, value in tags if key == name]

    return FoundDataset(
        name=str(info.id),
        downloads=info.downloads,
        size=next(iter(values(_SIZE)), None),
        languages=values(_LANGUAGE),
        licence=next(iter(values(_LICENSE)), None),
        tasks=values(_TASK),
        gated=bool(getattr(info, "gated", False)),
    )
