"""The columns that a model was trained on, matches again in other rows, or computed again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from tokkit.data.dataset import Split
from tokkit.data.loading import list_columns
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.row_transforms import add_column, new_names
from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.sources import columns

_TEXTS = ("text", "pair")


@dataclass(frozen=True)
class TrainedColumns:
    """names   text, pair and label -> the column it was in; empty where unknown
    rename  ``--rename`` of the training
    add     ``--add`` of the training
    """

    names: Mapping[str, str] = field(default_factory=dict)
    rename: str | None = None
    add: Sequence[str] = ()

    def computed(self, split: Split, options: DatasetOptions) -> Split:
        """The split with the columns of the model that training renamed or added.

        >>> trained = TrainedColumns({"text": "both"}, add=["both=title + ' ' + body"])
        >>> trained.computed(split, options).frame.columns
        ['title', 'body', 'both']

        Raises `InputError` for a text that cannot be computed, where no other column is requested.
        """
        renamed = new_names("--rename", self.rename, str.partition) if self.rename else {}
        present = {old: new for old, new in renamed.items() if old in split.frame.columns}
        frame, mixed = split.frame, dict(split.mixed)
        frame = frame.with_columns(pl.col(old).alias(new) for old, new in _free(present, frame).items())
        mixed |= {new: mixed[old] for old, new in present.items() if old in mixed}
        had = ", ".join(split.frame.columns)
        reasons = {new: f'no column "{old}"; it has: {had}' for old, new in renamed.items()}
        for assignment in self.add:
            name = assignment.partition("=")[0].strip()
            if name not in frame.columns:
                try:
                    frame = add_column(frame, assignment)
                except UsageError as error:
                    reasons[name] = error.message
        for what in _TEXTS if options.text_column is None else ():
            self._check(what, split, frame, options, reasons)
        used = [*self.names.values(), options.text_column, options.pair_column, options.label_column]
        new = [name for name in frame.columns if name in used and name not in split.frame.columns]
        if not new:
            return split
        original = split.original.with_columns(frame[new])
        return replace(split, frame=split.frame.with_columns(frame[new]), original=original, mixed=mixed)

    def _check(
        self,
        what: str,
        split: Split,
        frame: pl.DataFrame,
        options: DatasetOptions,
        reasons: Mapping[str, str],
    ) -> None:
        name, text = self.names.get(what), self.names.get("text")
        if name is None or name in frame.columns or getattr(options, f"{what}_column"):
            return
        if name in reasons:
            problem = f'the model\'s column "{name}" cannot be computed: {reasons[name]}'
        elif what == "pair" and text in frame.columns:
            problem = f'no column "{name}", the second text of the model; it has: {", ".join(frame.columns)}'
        else:
            return
        others = split.frame.drop(text, strict=False) if text and what == "pair" else split.frame
        guess = columns.choose(others, split.where).text
        raise InputError(
            f"{split.where}: {problem}",
            hint=f"name another column: --{what}-column {shlex.quote(guess)}",
        )

    def requested(self, split: Split, options: DatasetOptions, progress: Progress) -> DatasetOptions:
        """The options with the columns of the training that the split has, where they name no others."""
        named = {what: getattr(options, f"{what}_column") for what in (*_TEXTS, "label")}
        matches = {
            what: name
            for what, name in self.names.items()
            if named[what] is None and name not in named.values() and _has(split, name)
        }
        if "text" not in matches:
            matches.pop("pair", None)  # two texts belong together
        if matches and not split.known:
            listed = ", ".join(f'{what} column "{name}" (--{what}-column)' for what, name in matches.items())
            progress.say(f"{split.where}: {listed}, as in training")
        requested: dict[str, Any] = {f"{what}_column": name for what, name in matches.items()}
        return replace(options, **requested)


def _free(names: Mapping[str, str], frame: pl.DataFrame) -> dict[str, str]:
    return {old: new for old, new in names.items() if new not in frame.columns}


def _has(split: Split, name: str) -> bool:
    several = list_columns.names_several(split, name) or [name]
    return all(columns.values(split.frame, part) is not None for part in several)


NO_COLUMNS = TrainedColumns()
