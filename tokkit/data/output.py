"""As what the rows of a command are written: a file, a folder of files, or a folder of `datasets`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data import save, saved
from tokkit.data.dataset import Dataset, Split
from tokkit.errors import UsageError
from tokkit.options import Options, option
from tokkit.sources import tables

if TYPE_CHECKING:
    import polars as pl

DATASETS = "datasets"


@dataclass(frozen=True)
class OutputOptions(Options):
    """As what rows are written."""

    output_format: str | None = option(
        None,
        "write the rows as this; datasets is a folder for load_from_disk",
        choices=(*tables.FORMATS, DATASETS),
        default_text="by the name of OUT, else as they were read",
    )

    def check_name(self, out: Path) -> None:
        """Raises `UsageError` where a name says another format than the one that is asked for."""
        named, asked = tables.format_of(out), self.output_format
        fits = named in (None, asked) or (named == "text" and asked in ("csv", "tsv"))
        if asked is not None and not fits:
            name = out.name.removesuffix(tables.full_suffix(out))
            raise UsageError(
                f"--output-format {asked}: the name {out.name} says {named}",
                hint=f"-o {name}{'/' if asked == DATASETS else save.ending_of(asked)}",
            )

    def is_file(self, dataset: Dataset) -> bool:
        """Whether the rows of a data set become one file: those of one, unless a folder is asked for."""
        one = len(dataset.splits) == 1 and not Path(dataset.source).is_dir()
        return one and self.output_format != DATASETS

    def write_file(self, frame: pl.DataFrame, path: Path, like: Split) -> None:
        """Writes rows of a split as one file; raises what `save.write` does."""
        save.write(frame, path, save.format_for(path, self._format(like)))

    def write_splits(self, frames: Mapping[str, pl.DataFrame], folder: Path, dataset: Dataset) -> None:
        """Writes splits of a data set into a folder: ``train``, or of folds ``fold-1/train``.

        Of `datasets`, every folder of splits is what ``DatasetDict.save_to_disk`` writes; so is that of a
        test split that stands beside folds.
        """
        if self.output_format == DATASETS:
            for place, splits in _by_folder(frames).items():
                saved.write_saved(splits, folder / place, dataset.label_column)
            return
        for name, frame in frames.items():
            like = dataset.splits.get(name) or next(iter(dataset.splits.values()))
            written_as = self._format(like)
            path = folder / f"{name}{save.suffix_for(like.files[0], written_as)}"
            path.parent.mkdir(exist_ok=True)
            save.write(frame, path, written_as)

    def _format(self, like: Split) -> tables.TableFormat:
        if self.output_format in (None, like.format.name):
            return like.format
        return save.plain_format(str(self.output_format))


def _by_folder(frames: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, pl.DataFrame]]:
    """Folder -> its splits; the root is "", and holds none where there are other folders."""
    folds = any("/" in name for name in frames)
    found: dict[str, dict[str, pl.DataFrame]] = {}
    for name, frame in frames.items():
        place, _, split = name.rpartition("/")
        found.setdefault(split if folds and not place else place, {})[split] = frame
    return found
