"""The splits of a data set as they are in its files: which files are which split, and their rows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from tokkit.data.dataset import SPLITS, TRAIN, Split, first_names, sort_labels, split_named
from tokkit.data.loading import class_folders
from tokkit.data.loading.dataset_options import ReadOptions
from tokkit.errors import InputError, UsageError, counted
from tokkit.files import redacted
from tokkit.options import bytes_of
from tokkit.progress import Progress
from tokkit.sources import formats, paths
from tokkit.sources.formats import FILE, FORMATS, Say, TableFormat, format_of, json_rows
from tokkit.sources.formats.batch import Batch, JsonValues, concatenate, slices
from tokkit.sources.formats.spans import FileRows

_FOLD = re.compile(r"fold-\d+")


def files_by_split(source: str, named: paths.NamedFiles, progress: Progress) -> dict[str, list[Path]]:
    """The files of each split, in order; reports them where there are several, and what is skipped.

    A single file is what its name says, else train. Raises `InputError` where no file's name says a split,
    and for several folds.
    """
    files, within = named.files, named.folder
    if source == paths.STANDARD_INPUT:
        return {TRAIN: files}
    is_folder = within is not None
    _check_folds(source, files)
    if len(files) == 1 and not is_folder:
        return {_split_of(files[0], None) or TRAIN: files}
    readable = [file for file in files if format_of(file) is not None]
    split_of = {file: _split_of(file, within) for file in readable}
    # a folder with one file is that file; files that are named one by one may say no split at all
    if len(readable) == 1 or not (is_folder or any(split_of.values())):
        split_of = {file: name or TRAIN for file, name in split_of.items()}
    by_split = {name: [file for file in readable if split_of[file] == name] for name in SPLITS}
    filled = {name: chosen for name, chosen in by_split.items() if chosen}
    if not filled:
        raise InputError(
            f"{source}: no file in it is named train, validation or test"
            if readable
            else f"{source}: no file in it is a table or text ({', '.join(FORMATS)})",
            hint="name one file, or name the files after their splits: train.csv, validation.csv, test.csv",
        )
    for name, chosen in filled.items():
        if len(chosen) > 1:
            progress.say(f"{source}: {name} is {first_names([str(file) for file in chosen])}")
    used = {file for chosen in filled.values() for file in chosen}
    say_skipped(source, [file.name for file in files if file not in used], progress)
    return filled


def say_skipped(source: str, names: Sequence[str], progress: Progress) -> None:
    """Says which files of a source are not read, if any."""
    if names:
        progress.say(f"{source}: skipped: {first_names(names)}")


def _check_folds(source: str, files: Sequence[Path]) -> None:
    """Raises `InputError` for the files of several folds: each trains on what another validates on."""
    folds = sorted({folder for file in files for folder in file.parents if _FOLD.fullmatch(folder.name)})
    if len(folds) > 1:
        raise InputError(
            f"{source}: holds {counted(len(folds), 'fold')}, and what one trains on another validates on",
            hint=f"name one of them: {shlex.quote(str(folds[0]))}",
        )


def _split_of(file: Path, folder: Path | None) -> str | None:
    """What the file's name says, else the nearest folder below ``folder`` that says anything."""
    above = [] if folder is None else list(file.relative_to(folder).parts[-2::-1])
    return next((split for name in (file.name, *above) if (split := split_named(name))), None)


@dataclass(frozen=True)
class SplitFiles:
    """The rows of one split, still in its files.

    parts   the batches of each file, or of the one table that holds all rows
    known   whether the names of the columns come with the format, and none has to be guessed
    whole   whether the rows are read as a whole, so that batches save no memory
    tables  the files of ``parts``, where any process may read them; else empty
    """

    name: str
    files: tuple[Path, ...]
    format: TableFormat
    parts: Sequence[Callable[[], Iterator[Batch]]]
    known: bool = False
    whole: bool = False
    tables: Sequence[FileRows] = ()

    def read(self, say: Say) -> Split:
        """All rows as a table; says where values of several types become one.

        Raises `InputError` where files have other columns or types than the first.
        """
        values = JsonValues()
        frames = [concatenate(values.noted(part(), i)) for i, part in enumerate(self.parts)]
        for path, frame in zip(self.files[1:], frames[1:], strict=False):
            if frame.columns != frames[0].columns:
                raise InputError(
                    f"{path}: columns {', '.join(frame.columns)} where {self.files[0].name} has "
                    f"{', '.join(frames[0].columns)}",
                    hint="give all files of a split the same columns, or name one file",
                )
        try:
            frame = pl.concat(frames, how="vertical_relaxed")
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"{self.files[0].parent}: the files of the {self.name} split hold different types: {error}",
                hint="name one file",
            ) from error
        values.say_changed(str(self.files[0]), frame, say)
        return Split(
            self.name, frame, self.files, self.format, frame, self.known, values.mixed(self.files, frame)
        )


def is_hub(source: str) -> bool:
    """Whether a source names a data set of the hub; an existing path of that name comes first."""
    return source.startswith("hub:") and not paths.is_path(Path(source))


def is_saved(folder: Path) -> bool:
    """Whether ``DatasetDict.save_to_disk`` or ``Dataset.save_to_disk`` wrote the folder."""
    if not paths.is_path(folder):
        return False
    single = (folder / "dataset_info.json").is_file() and (folder / "state.json").is_file()
    return single or (folder / "dataset_dict.json").is_file()


def find_splits(source: str, options: ReadOptions, progress: Progress) -> dict[str, SplitFiles]:
    """The splits at a path, glob, address, ``-`` or ``hub:NAME``, by name, in the order of `SPLITS`.

    Raises `InputError` for what cannot be read, `UsageError` for an option that does not fit it.
    """
    largest = bytes_of("--max-download", options.max_download)
    named = None if is_hub(source) else paths.named_files(source, progress, largest)
    if named is None or (named.folder is not None and is_saved(named.folder)):
        # a second to load, which files of other kinds need not wait for
        from tokkit.data import hf_datasets

        if named is not None and named.folder is not None:
            saved = sorted(path for path in named.folder.rglob("*") if path.is_file())
            rows = {name: list(slices(frame)) for name, frame in hf_datasets.read_saved(named.folder).items()}
            return _named_splits(rows, saved, "arrow", source, progress)
        source = str(hf_datasets.fetch(source, progress))
        named = paths.named_files(source, progress)
    source = redacted(source)
    # options for tables say that the files are no texts in folders of classes
    if named.folder is not None and options.format in (None, "text") and not (options.sep or options.names):
        labelled = class_folders.labelled_files(named.folder, named.files)
        if labelled:
            return _class_folders(source, named.files, labelled, options, progress)
    by_split = files_by_split(source, named, progress)
    files = [file for of_split in by_split.values() for file in of_split]
    # one JSON file may hold several splits, each under its name
    is_json = (options.format or formats.format_of(files[0])) == "json"
    if len(files) == 1 and is_json and options.field is None:
        inside = json_rows.json_splits(files[0], options.format_options.encoding)
        if inside and all(split_named(key) for key in inside):
            return _named_splits(inside, files, "json", source, progress)
    return {name: _split_of_files(name, files, options, progress) for name, files in by_split.items()}


def _named_splits(
    rows: Mapping[str, Sequence[Batch]],
    files: Sequence[Path],
    format_name: str,
    source: str,
    progress: Progress,
) -> dict[str, SplitFiles]:
    """Splits that are together in ``files``; those whose name says none are skipped, which is said.

    Raises `InputError` for two that mean the same split.
    """
    named: dict[str, Sequence[Batch]] = {}
    for key, batches in rows.items():
        name = split_named(key) or (TRAIN if len(rows) == 1 else None)
        if name is None:
            progress.say(f"{source}: skipped: {key}")
        elif name in named:
            raise InputError(
                f"{source}: {key} is a second {name} split", hint="save one of them in a file of its own"
            )
        else:
            named[name] = batches
    if not named:
        raise InputError(
            f"{source}: none of {', '.join(rows)} is named train, validation or test",
            hint="rename one to train",
        )
    for name, batches in named.items():
        if not any(batch.rows for batch in batches):
            raise InputError(f"{source}: its {name} split has no rows", hint="remove it or fill it")
    return {
        name: SplitFiles(
            name, tuple(files), TableFormat(format_name), [partial(iter, named[name])], whole=True
        )
        for name in SPLITS
        if name in named
    }


def _class_folders(
    source: str,
    files: Sequence[Path],
    labelled: Sequence[class_folders.LabelledFile],
    options: ReadOptions,
    progress: Progress,
) -> dict[str, SplitFiles]:
    labels = sort_labels(file.label for file in labelled)
    progress.say(f"{source}: the label of a text is the folder of its file: {first_names(labels, 20)}")
    used = {file.path for file in labelled}
    say_skipped(source, [file.name for file in files if file not in used], progress)
    format_options = replace(options.format_options, unit=options.unit or FILE)
    class_folders.check_filled(labelled, format_options)
    by_split = {name: [file for file in labelled if file.split == name] for name in SPLITS}
    return {
        name: SplitFiles(
            name,
            tuple(file.path for file in of_split),
            TableFormat("jsonl"),  # as which such rows are written: a file of texts has no labels
            [partial(class_folders.batches, of_split, format_options, progress)],
            known=True,
            whole=True,
        )
        for name, of_split in by_split.items()
        if of_split
    }


def _split_of_files(name: str, files: Sequence[Path], options: ReadOptions, progress: Progress) -> SplitFiles:
    read = options.format_options
    table_formats = [
        formats.recognize(
            path, options.sep, options.format, read.names, progress.say, read.encoding, options.quote
        )
        for path in files
    ]
    for path, table_format in zip(files, table_formats, strict=True):
        if table_format.name != table_formats[0].name:
            raise InputError(
                f"{path}: {table_format.name} next to {files[0].name}, both of the {name} split: "
                "which is meant?",
                hint=f"name the files of one format: '{path.parent}/*{formats.full_suffix(path)}'",
            )
    first = table_formats[0]
    _check_used(options, files[0], first.name)
    tables = [
        FileRows(path, table_format, read, path.stat().st_size)
        for path, table_format in zip(files, table_formats, strict=True)
    ]
    parts = [partial(table.batches, progress.say) for table in tables]
    is_known, is_whole = first.name in ("text", "conll", "fasttext"), first.name == "json"
    return SplitFiles(name, tuple(files), first, parts, is_known, is_whole, tables)


_TEXT_FORMATS = tuple(name for name in FORMATS if name not in ("parquet", "arrow"))


def _check_used(options: ReadOptions, path: Path, format_name: str) -> None:
    """Raises `UsageError` for an option that says something of another format than the file has."""
    for flag, value, names in (
        ("--unit", options.unit, ("text",)),
        ("--field", options.field, ("json", "jsonl")),
        ("--quote", options.quote, ("csv", "tsv")),
        ("--decimal", options.decimal, ("csv", "tsv")),
        ("--encoding", options.encoding, _TEXT_FORMATS),
    ):
        if value is not None and format_name not in names:
            raise UsageError(
                f"{flag} {value}: is for {' and '.join(names)} files, and {path} is read as {format_name}",
                hint=f"leave {flag} out, or say what the file is (--format)",
            )
