"""The rows that a command writes: one file, a folder of files, or a folder of `datasets`; and its receipt."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import polars as pl

from tokkit import files
from tokkit.data import save
from tokkit.data.dataset import Dataset, Split
from tokkit.data.output_options import DATASETS, OutputOptions
from tokkit.errors import UsageError
from tokkit.options import Options
from tokkit.progress import Progress
from tokkit.sources import formats
from tokkit.sources.formats import refused


def check_output(
    out: str | Path | None,
    options: OutputOptions,
    *,
    force: bool,
    dry_run: bool = False,
    kind: Literal["folder", "file"] | None = None,
    source: str | Path = "",
) -> None:
    """Raises `UsageError` without an output or for a name of another format, and as `files.check_output`.

    source  the data set, in which no output may be (`files.check_outside`)

    A dry run needs no output.
    """
    if dry_run:
        return
    if out is None:
        folder = "name a folder for it:\n-o parts"
        look = "name it (-o), or look first:\n--dry-run"
        raise UsageError("no output is named", hint=folder if kind == "folder" else look)
    out = Path(out)
    refused.check_output(out)
    named, requested = formats.format_of(out), options.output_format
    if not save.is_written(named):
        raise UsageError(
            f"-o {out}: {named} files are not written",
            hint=f"-o {shlex.quote(str(out.with_suffix('.jsonl')))}",
        )
    fits = named in (None, requested) or (named == "text" and requested in ("csv", "tsv"))
    if requested is not None and not fits:
        name = out.name.removesuffix(formats.full_suffix(out))
        ending = "/" if requested == DATASETS else save.ending_of(requested)
        raise UsageError(
            f"--output-format {requested}: the name {out.name} says {named}",
            hint=f"-o {shlex.quote(f'{out.with_name(name)}{ending}')}",
        )
    files.check_outside(out, source)
    files.check_output(out, force=force, inputs=[source], kind=kind)


def publish(
    frames: Mapping[str, pl.DataFrame],
    out: Path,
    dataset: Dataset,
    options: OutputOptions,
    *,
    command: str,
    read_options: Options,
    result: Mapping[str, Any],
    packages: Sequence[str],
    force: bool,
    progress: Progress,
    other_inputs: Sequence[Path] = (),
    settings: Mapping[str, Any] | None = None,
    sources: Mapping[str, Any],
    sidecars: Mapping[str, Callable[[Path], object] | None] | None = None,
    as_folder: bool = False,
) -> None:
    """Writes splits, what belongs to them and the receipt, all or nothing; ``out`` has its name at the end.

    frames     split, or ``fold-1/train``, -> its rows
    dataset    the source: a file of one split gives a file, unless `DATASETS` or ``as_folder`` is requested
    result     of the command; the receipt has all of it but paths, and texts of the data set
    other_inputs   files read that are not the data set's
    settings   of the receipt, over those of both options
    sources    argument -> what it names
    sidecars   ``weights.json``, say -> what writes it, None to write none; of one file it is OUT.weights.json
    """
    sidecars = sidecars or {}
    inputs = list(dict.fromkeys([*dataset.files, *other_inputs]))
    one_file = len(frames) == 1 and not Path(dataset.source).is_dir() and options.output_format != DATASETS
    if one_file and not as_folder:
        # all sidecars are named, also those not written: an old one is replaced or removed
        siblings = (*(f".{sidecar}" for sidecar in sidecars), f".{files.RECEIPT}")
        publishing, name = files.files(out, *siblings, force=force, inputs=inputs), out.name
    else:
        publishing, name = files.folder(out, force=force, inputs=inputs), ""
    with publishing as staging:
        if name:
            ((split, frame),) = frames.items()
            like = _format(dataset.splits[split], options)
            mixed = dataset.splits[split].mixed
            save.write(frame, staging / name, save.format_for(staging / name, like), mixed)
        else:
            _write_splits(frames, staging, dataset, options)
        for sidecar, write in sidecars.items():
            if write is not None:
                write(staging / (f"{name}.{sidecar}" if name else sidecar))
        files.write_receipt(
            staging / name,
            command=command,
            settings={**asdict(options), **asdict(read_options), **(settings or {})},
            inputs=inputs,
            packages=packages,
            sources=sources,
            result={key: value for key, value in result.items() if key not in ("output", "examples")},
            run={"output": str(out)},
        )
    if encoding := asdict(read_options).get("encoding"):
        progress.say(f"{out}: written in UTF-8, not in {encoding}")


def _write_splits(
    frames: Mapping[str, pl.DataFrame], folder: Path, dataset: Dataset, options: OutputOptions
) -> None:
    """Writes the splits of a data set into a folder: ``train.csv``, or of folds ``fold-1/train.csv``.

    Of `DATASETS`, every folder of splits is what ``DatasetDict.save_to_disk`` writes; so is that of a test
    split next to folds.
    """
    if options.output_format == DATASETS:
        from tokkit.data.hf_datasets import write_saved

        for subfolder, splits in _by_folder(frames).items():
            write_saved(splits, folder / subfolder, dataset.label_column)
        return
    for name, frame in frames.items():
        # folds and new splits have no counterpart in the source: any of its splits shows the format
        like = dataset.splits.get(name) or next(iter(dataset.splits.values()))
        table_format = _format(like, options)
        converted = table_format.name != like.format.name
        path = folder / f"{name}{save.suffix_for(like.files[0], table_format, converted=converted)}"
        path.parent.mkdir(exist_ok=True)
        save.write(frame, path, table_format, like.mixed)


def _format(like: Split, options: OutputOptions) -> formats.TableFormat:
    name = options.output_format
    own = save.writable(like.format)
    return own if name is None or name == own.name else save.plain_format(name)


def _by_folder(frames: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, pl.DataFrame]]:
    """Folder -> its splits; the root is "", and is empty where there are other folders."""
    # a test split next to folds needs a folder of its own: `datasets` saves folders, not files
    folds = any("/" in name for name in frames)
    by_folder: dict[str, dict[str, pl.DataFrame]] = {}
    for name, frame in frames.items():
        folder, _, split = name.rpartition("/")
        by_folder.setdefault(split if folds and not folder else folder, {})[split] = frame
    return by_folder
