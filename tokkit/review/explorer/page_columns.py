"""The columns of the page, and what describes them, from everything that is known of its rows."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import BETWEEN_TAGS, ONE, SEVERAL, TAGS, Dataset, class_names, sort_labels
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.row_hash import written_label
from tokkit.data.tag_schemes import TagScheme
from tokkit.data.tag_spans import spans_of
from tokkit.inspection.statistics import lengths
from tokkit.options import typed
from tokkit.review.explorer import rows as row_table
from tokkit.review.explorer.predictions import RowPredictions
from tokkit.review.explorer.rows import CONFLICT, EXACT, LEAK, NEAR, NORMALIZED
from tokkit.review.explorer.suspects import Suspect
from tokkit.review.explorer.text_map import TextMap
from tokkit.review.explorer.tokens import RowTokens
from tokkit.sources.formats import full_suffix
from tokkit.views.explorer.columns import coded, text_columns

# What may be found in a row, in the order of the bits of its column ``flags``.
TRUNCATED, UNKNOWN, NO_TEXT, NO_LABEL, DIFFERS = ("truncated", "unknown", "no-text", "no-label", "differs")
FLAGS = (EXACT, NORMALIZED, NEAR, LEAK, CONFLICT, TRUNCATED, UNKNOWN, NO_TEXT, NO_LABEL, DIFFERS)
# Steps between the edges of the map, which leave a point at its pixel.
_STEPS = 65_535
_FINGERPRINT = 16


def texts_of(dataset: Dataset, rows: pl.DataFrame) -> tuple[list[str | None], list[str | None] | None]:
    """The texts of the rows of a page, and where rows are pairs their second texts."""
    pairs = None if dataset.pair_column is None else rows[row_table.PAIR].to_list()
    return rows[row_table.TEXT].to_list(), pairs


@dataclass(frozen=True)
class ExploredRows:
    """Everything that the page says of its rows; ``total`` is the number of all rows."""

    dataset: Dataset
    read_options: DatasetOptions
    rows: pl.DataFrame
    total: int
    tokens: RowTokens | None
    predictions: RowPredictions | None
    text_map: TextMap | None
    suspects: Sequence[Suspect]

    @property
    def flags(self) -> dict[str, NDArray[np.bool_]]:
        """Finding -> which rows have it, (rows,); of those that were looked for."""
        flags: dict[str, NDArray[np.bool_]] = {
            name: self.rows[name].to_numpy() for name in (EXACT, NORMALIZED, NEAR, LEAK, CONFLICT)
        }
        if self.tokens is not None:
            flags |= {TRUNCATED: self.tokens.truncated, UNKNOWN: self.tokens.unknown > 0}
        flags[NO_TEXT] = self.rows[row_table.CONTENT].is_null().to_numpy()
        if self.dataset.label_column is not None:
            flags[NO_LABEL] = self.rows[row_table.LABEL].is_null().to_numpy()
        if self.predictions is not None:
            flags[DIFFERS] = self._differs(self.predictions)
        return flags

    def _differs(self, predictions: RowPredictions) -> NDArray[np.bool_]:
        """Whether the prediction is another than the label; of several labels, another set."""
        kind = self.dataset.label_kind
        pairs = zip(self.rows[row_table.LABEL].to_list(), predictions.predicted, strict=True)
        return np.array(
            [
                label is not None
                and predicted is not None
                and label != predicted
                and (kind != SEVERAL or set(class_names(label, kind)) != set(class_names(predicted, kind)))
                for label, predicted in pairs
            ],
            np.bool_,
        )

    @property
    def names(self) -> list[str]:
        """Every label that a row has, is predicted or suggested, as it is written."""
        labels = {*self.rows[row_table.LABEL].drop_nulls().unique(), *self._suggested()}
        if self.predictions is not None:
            labels |= {*self.predictions.predicted}
        return sort_labels(label for label in labels if label is not None)

    def _suggested(self) -> list[str | None]:
        kind = self.dataset.label_kind
        return [
            None if suspect.suggested is None else written_label(_as_label(suspect.suggested), kind)
            for suspect in self.suspects
        ]

    def summary(self, *, near: bool, audit: bool) -> dict[str, Any]:
        """What `explorer.js` reads besides the columns."""
        dataset, kind = self.dataset, self.dataset.label_kind
        names = self.names
        # Of single labels these are the names again, in the same order.
        classes = sort_labels(part for name in names for part in class_names(name, kind))
        number = {name: i for i, name in enumerate(classes)}
        searched = [name for name in FLAGS if name in self.flags and (name != NEAR or near)]
        tokens = self.tokens
        return {
            "source": dataset.source,
            "kind": kind,
            "total": self.total,
            "apply": self.apply_command(),
            "pairs": dataset.pair_column is not None,
            "ids": dataset.id_column is not None,
            "labeled": dataset.label_column is not None,
            "splits": [{"name": name, "where": split.where} for name, split in dataset.splits.items()],
            "labels": names,
            "classes": classes,
            "label_classes": None
            if kind == ONE
            else [[number[part] for part in class_names(name, kind)] for name in names],
            **_entities(names, classes, kind),
            "flags": list(FLAGS),
            "found": searched,
            "near": near,
            "audit": audit,
            "max_length": tokens.max_length if tokens else None,
            "tokenized": tokens is not None,
            "predictions": self.predictions.source if self.predictions else None,
            "map": self.text_map.source if self.text_map else None,
            "fingerprint": hashlib.sha256("".join(self.rows[row_table.HASH]).encode()).hexdigest()[
                :_FINGERPRINT
            ],
        }

    def apply_command(self) -> str:
        """The command that applies the decisions which are downloaded from the page."""
        source, path = self.dataset.source, Path(self.dataset.source)
        out = "cleaned/" if path.is_dir() else f"cleaned{full_suffix(path) or '.jsonl'}"
        read = f"{shlex.quote(source)}{typed(self.read_options)}"
        return f"tokkit clean {read} --apply decisions.jsonl -o {out}"

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of the page by name; those of some rows have a column of row numbers."""
        rows, names = self.rows, self.names
        texts, pairs = texts_of(self.dataset, rows)
        first = [text or "" for text in texts]
        displayed = first if pairs is None else [f"{a}\n{b or ''}" for a, b in zip(first, pairs, strict=True)]
        # `stats` adds the lengths of both texts of a pair.
        parts = [first] if pairs is None else [first, [pair or "" for pair in pairs]]
        columns: dict[str, NDArray[Any]] = {
            **text_columns("text", displayed),
            "split": coded(rows[row_table.SPLIT].to_list(), list(self.dataset.splits)) - 1,
            "row": rows[row_table.ROW].to_numpy(),
            "label": coded(rows[row_table.LABEL].to_list(), names),
            "hash": np.frombuffer(bytes.fromhex("".join(rows[row_table.HASH])), np.uint8),
            "group": rows["group"].to_numpy(),
            "copies": rows["copies"].to_numpy(),
            "characters": np.sum([lengths.characters(part) for part in parts], axis=0),
            "words": np.sum([lengths.words(part) for part in parts], axis=0),
            "flags": sum(
                (
                    self.flags[name].astype(np.int64) << bit
                    for bit, name in enumerate(FLAGS)
                    if name in self.flags
                ),
                np.zeros(rows.height, np.int64),
            ),
        }
        if pairs is not None:
            columns["first"] = text_columns("first", first)["first.units"]
        if self.dataset.id_column is not None:
            columns |= text_columns("id", rows[row_table.ID].to_list())
        if self.tokens is not None:
            columns |= {"length": self.tokens.lengths, "unknown": self.tokens.unknown}
        if self.predictions is not None:
            columns["predicted"] = coded(self.predictions.predicted, names)
            columns["confidence"] = self.predictions.confidence.round(4)
            columns["loss"] = self.predictions.loss.round(4)
        return columns | self._map_columns() | self._suspect_columns(names)

    def _map_columns(self) -> dict[str, NDArray[Any]]:
        if self.text_map is None:
            return {}
        points = self.text_map.points.astype(np.float64)
        low, high = points.min(axis=0), points.max(axis=0)
        # One scale for both axes keeps the distances of UMAP.
        scaled = (points - low) / max(float((high - low).max()), 1e-9) * _STEPS
        steps = np.clip(np.round(scaled), 0, _STEPS).astype(np.int64)
        return {
            "map.row": self.text_map.rows,
            "map.x": steps[:, 0],
            "map.y": steps[:, 1],
            "map.neighbors": self.text_map.neighbors.reshape(-1) + 1,
            "map.similarity": np.clip(np.round(self.text_map.similarity.reshape(-1) * 100), 0, 100).astype(
                np.int64
            ),
        }

    def _suspect_columns(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        if not self.suspects:
            return {}
        return {
            "suspect.row": np.array([suspect.row for suspect in self.suspects], np.int64),
            "suspect.suggested": coded(self._suggested(), names),
            "suspect.score": np.array([suspect.score for suspect in self.suspects]),
            **text_columns("suspect.reasons", ["\n".join(suspect.reasons) for suspect in self.suspects]),
        }


def _entities(names: Sequence[str], classes: Sequence[str], kind: str) -> dict[str, Any]:
    """``entity_types``, and ``entities`` ``[type, first, last]`` of the labels, tags of a row each.

    Types are numbers, and tokens ``first`` to ``last`` (exclusive) are one entity. Nothing where labels are
    no tags, or tags mark no entities, as parts of speech do not.
    """
    scheme = TagScheme.of(classes) if kind == TAGS else None
    if scheme is None or scheme.name == "none":
        return {}
    spans = [spans_of(name.split(BETWEEN_TAGS), scheme) for name in names]
    types = sort_labels({span.type for of_row in spans for span in of_row})
    number = {name: i for i, name in enumerate(types)}
    entities = [[[number[span.type], span.first, span.last] for span in of_row] for of_row in spans]
    return {"entity_types": types, "entities": entities}


def _as_label(value: Any) -> str | list[str]:
    """A label of a review file; numbers as text."""
    return [str(item) for item in value] if isinstance(value, list) else str(value)
