"""A folder of ids that `encode` wrote, as a data set to train on: a row of ids in place of each text.

    tokkit.json      tokenizer, columns and options of `encode`
    train-00000...   `row_files`: input_ids, token_type_ids, length, label

Texts are needed to compare rows (leaks, copies in folds); here a hash of the ids is compared instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tokkit import files
from tokkit.data.dataset import INPUT_IDS, ONE, SEPARATOR, SEVERAL, TAGS, TOKEN_TYPE_IDS, Dataset, Split
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import dataset_of, read_dataset
from tokkit.data.loading.read import SplitFiles, find_splits
from tokkit.errors import InputError, UsageError
from tokkit.files import redacted
from tokkit.progress import Progress
from tokkit.sources.formats import Say
from tokkit.sources.paths import is_path
from tokkit.tokenizer.folder.load import LoadedTokenizer

# The columns of a frame of ids; of `row_files` the length is left out, which might be taken for a label.
_KEY, _LABEL = "ids_key", "label"
_HINT = "name a folder that encode wrote, or encode the data set again"


@dataclass(frozen=True)
class IdsFolder:
    """A folder of a row of ids for each row of a data set.

    tokenizer_sha256   of the ``tokenizer.json``
    columns            what of the data set each is: ``text``, ``pair``, ``label``
    label_kind         as `Dataset.label_kind`
    max_length         at which rows were truncated; None where none was
    """

    path: Path
    tokenizer_sha256: str
    columns: Mapping[str, str]
    label_kind: str
    max_length: int | None

    @classmethod
    def at(cls, source: str | Path | None) -> IdsFolder | None:
        """The folder, None for any other data set; raises `InputError` for packed sequences."""
        path = Path(source or "")
        if source is None or not is_path(path) or not (path / files.RECEIPT).is_file():
            return None
        receipt = files.receipt_fields(path, _HINT)
        if receipt.text("command") != "encode":
            return None
        result = receipt.fields("result")
        settings, columns = result.fields("settings"), result.fields("columns")
        if settings.integer("pack", default=None) is not None:
            raise InputError(
                f"{path}: has packed sequences, which are for language models; a classifier learns from rows "
                "with a label each",
                hint="encode the data set without --pack",
            )
        names = {what: columns.text(f"{what}_column", default=None) for what in ("text", "pair", "label")}
        return cls(
            path=path,
            tokenizer_sha256=result.text("tokenizer_sha256"),
            columns={what: name for what, name in names.items() if name is not None},
            label_kind=result.text("label_kind", default=ONE),
            max_length=settings.integer("max_length", least=1, default=None),
        )

    def check_tokenizer(self, tokenizer: LoadedTokenizer) -> None:
        """Raises `InputError` for another tokenizer than the one that encoded the rows."""
        if tokenizer.sha256 != self.tokenizer_sha256:
            raise InputError(
                f"{self.path}: was encoded with another tokenizer than {tokenizer.folder}: the sha256 of its "
                f"tokenizer.json begins with {self.tokenizer_sha256[:12]}",
                hint="name that tokenizer (--tokenizer), or encode the data set with this one",
            )

    def checked_length(self, max_length: int | None) -> int | None:
        """The maximum length to train with; raises `UsageError` for more than the rows may still have."""
        if self.max_length is None or max_length is None:
            return max_length or self.max_length
        if max_length > self.max_length:
            raise UsageError(
                f"--max-length {max_length}: {self.path} was encoded with --max-length {self.max_length}",
                hint=f"at most:\n--max-length {self.max_length}",
            )
        return max_length

    def read(self, options: DatasetOptions, progress: Progress) -> Dataset:
        """The rows; raises as `read_dataset`, `InputError` without labels and for tags of words."""
        source = redacted(str(self.path))
        if "label" not in self.columns:
            raise InputError(
                f"{source}: its rows have no labels, as the data set had none that encode found",
                hint="encode it with --label-column",
            )
        if self.label_kind == TAGS:
            raise InputError(
                f"{source}: its rows have a tag for each word, and ids do not say where words begin",
                hint="train on the data set itself",
            )
        for name in ("text_column", "pair_column"):
            if (column := getattr(options, name)) is not None:
                raise UsageError(f'--{name.replace("_", "-")} "{column}": {source} has ids and no texts')
        options = replace(
            options,
            text_column=_KEY,
            label_column=options.label_column or _LABEL,
            label_sep=SEPARATOR if self.label_kind == SEVERAL else options.label_sep,
        )
        splits = {
            name: _FilesOfIds(**{field.name: getattr(split, field.name) for field in fields(split)})
            for name, split in find_splits(str(self.path), options, progress).items()
        }
        dataset = dataset_of(source, splits, options, progress)
        if INPUT_IDS not in next(iter(dataset.splits.values())).frame.columns:
            raise UsageError(f"--select: leaves out the column {INPUT_IDS} of {source}")
        return replace(dataset, encoded_columns=self.columns)


def read_rows(source: str | Path, options: DatasetOptions, progress: Progress) -> Dataset:
    """The data set, of texts or of ids, as `read_dataset`."""
    ids = IdsFolder.at(source)
    return read_dataset(source, options, progress) if ids is None else ids.read(options, progress)


@dataclass(frozen=True)
class _FilesOfIds(SplitFiles):
    """The rows of one split, with ids as bytes, which no option and no guess takes for labels or texts."""

    def read(self, say: Say) -> Split:
        split = super().read(say)
        frame = split.frame
        if INPUT_IDS not in frame.columns:
            raise InputError(f"{split.where}: no column {INPUT_IDS}, which encode writes", hint=_HINT)
        ids = _as_bytes(frame[INPUT_IDS], np.int32, split.where)
        columns: list[Any] = [pl.Series(_KEY, list(map(_key, ids)), pl.String)]
        columns.append(pl.Series(INPUT_IDS, ids, pl.Binary))
        if TOKEN_TYPE_IDS in frame.columns:
            segments = _as_bytes(frame[TOKEN_TYPE_IDS], np.int8, split.where)
            columns.append(pl.Series(TOKEN_TYPE_IDS, segments, pl.Binary))
        frame = frame.with_columns(columns).drop("length", strict=False)
        return replace(split, frame=frame, original=frame, known=True)


def _as_bytes(rows: pl.Series, kind: Any, where: str) -> list[bytes | None]:
    """The numbers of each row as bytes; None where it has no list."""
    if not isinstance(rows.dtype, pl.List) or not rows.dtype.inner.is_integer():
        raise InputError(f"{where}: its column {rows.name} has no lists of whole numbers", hint=_HINT)
    content = rows.explode().drop_nulls().to_numpy().astype(kind).tobytes()
    ends = np.cumsum(rows.list.len().fill_null(0).to_numpy()).astype(np.int64) * np.dtype(kind).itemsize
    starts = np.concatenate([[0], ends[:-1]])
    present = rows.is_not_null().to_list()
    bounds = zip(starts.tolist(), ends.tolist(), present, strict=True)
    return [content[start:end] if known else None for start, end, known in bounds]


def _key(ids: bytes | None) -> str | None:
    return None if ids is None else hashlib.blake2b(ids, digest_size=16).hexdigest()
