"""The rows that features are made of, and a features file's rows as a data set again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data.dataset import Dataset, Split
from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.sources.tables import TableFormat

if TYPE_CHECKING:
    import polars as pl

ID, TEXT, PAIR, LABEL, SPLIT = "id", "text", "pair", "label", "split"
ONE, SEVERAL, TAGS = "one", "several", "tags"
"""What a label is: one of a row, several with ``|`` between, or a tag for each token, spaces between."""


def labels_of(dataset: Dataset) -> str:
    """Which of these the labels of a data set are."""
    return TAGS if dataset.tokens_column is not None else SEVERAL if dataset.label_lists else ONE


def rows_of(dataset: Dataset, progress: Progress) -> tuple[pl.DataFrame, dict[str, int]]:
    """Every row that has a text, one split after another; and those left out, by reason, which is said.

    Columns: id (of the data set's column of ids, else the number of the row in its split), text, pair
    (where rows are pairs of texts), label (null where a row has none), split. Raises `InputError` where no
    row has a text.
    """
    import polars as pl

    parts = [_of_split(dataset, name) for name in dataset.splits]
    if len({part[ID].dtype for part in parts}) > 1:
        parts = [part.with_columns(pl.col(ID).cast(pl.String)) for part in parts]
    everything = pl.concat(parts)
    needed = {"no text": TEXT, **({"no second text": PAIR} if dataset.pair_column else {})}
    left_out: Counter[str] = Counter()
    rows = everything
    for reason, column in needed.items():
        left_out[reason] += rows[column].null_count()
        rows = rows.filter(pl.col(column).is_not_null())
    if not rows.height:
        raise InputError(f"{dataset.source}: no row has a text")
    for reason, n in left_out.items():
        if n:
            progress.say(f"{n} rows left out: {reason}")
    return rows, {reason: n for reason, n in left_out.items() if n}


def _of_split(dataset: Dataset, name: str) -> pl.DataFrame:
    import polars as pl

    texts, pairs = dataset.texts(name), dataset.pairs(name)
    numbers = pl.Series(range(texts.len()), dtype=pl.Int64)
    ids = dataset.split(name).frame[dataset.id_column] if dataset.id_column else numbers
    labels = (
        dataset.labels(name) if dataset.label_column else pl.Series([None] * texts.len(), dtype=pl.String)
    )
    return pl.DataFrame(
        {
            ID: ids,
            TEXT: texts,
            **({} if pairs is None else {PAIR: pairs}),
            LABEL: labels,
            SPLIT: pl.repeat(name, texts.len(), dtype=pl.String, eager=True),
        }
    )


def as_dataset(rows: pl.DataFrame, source: str, labels: str = ONE) -> Dataset:
    """The rows as a data set with their splits, labels and pairs; without labels where no row has one.

    labels  what they are, as `labels_of`
    """
    splits = {}
    for name in rows[SPLIT].unique(maintain_order=True).to_list():
        frame = rows.filter(rows[SPLIT] == name)
        splits[name] = Split(name, frame, (Path(source),), TableFormat("parquet"), frame, known=True)
    label = LABEL if rows[LABEL].null_count() < rows.height else None
    pair = PAIR if PAIR in rows.columns else None
    return Dataset(source, splits, TEXT, label, pair, label_lists=labels == SEVERAL)
