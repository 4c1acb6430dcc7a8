"""Examples of leaks, conflicts and duplicates: the texts that most rows hold, and where two of the rows are.

The texts are chosen among the distinct ones that were counted; which rows hold them is what a second look at
the data says, which ends with the last of these rows.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import BETWEEN_TAGS
from tokkit.data.loading.streaming import StreamedDataset
from tokkit.data.tag_schemes import TagScheme
from tokkit.data.tag_spans import spans_of
from tokkit.inspection.statistics import row_batches
from tokkit.inspection.statistics.distinct_kernels import SEVERAL
from tokkit.progress import Progress, stage, stop_if_cancelled
from tokkit.runtime.strings import Strings
from tokkit.sources.formats.batch import concatenate

LEAKS, CONFLICTS, DUPLICATES = KINDS = ("leaks", "conflicts", "duplicates")
MOST = 2  # texts of a kind, and rows of a text
_LONGEST = 1000  # characters of a text
_TAGGED = 5  # rows of a split whose entities are displayed

Chosen = dict[str, list[tuple[int, bytes]]]
"""Kind -> its texts, each after the number by which they are ordered; of pairs both texts, joined."""


def choose(
    rows: NDArray[np.int64], overall: NDArray[np.int32], strings: Strings, numbers: NDArray[np.int32]
) -> Chosen:
    """The best texts of a table of distinct ones.

    rows      (n, splits) of each string
    overall   (n,) its label in all splits
    numbers   (n,) that of each of the strings in the two above
    """
    rows, overall = rows[numbers], overall[numbers]
    masks = (np.count_nonzero(rows, axis=1) > 1, overall == SEVERAL, (rows > 1).any(axis=1))
    sizes = strings.ends - strings.starts
    # Texts of one kind alone first, since they show what it is; then most rows; then fewest bytes.
    ranks = (np.sum(masks, axis=0) << 60) - (rows.sum(axis=1) << 28) + sizes
    chosen: Chosen = {}
    for kind, mask in zip(KINDS, masks, strict=True):
        some = np.flatnonzero(mask)
        if len(some) > MOST:
            some = some[ranks[some] <= np.partition(ranks[some], MOST - 1)[MOST - 1]]
        contents = ((int(ranks[i]), strings.text(i).encode()) for i in some.tolist())
        chosen[kind] = heapq.nsmallest(MOST, contents)
    return chosen


def best(parts: Iterable[Chosen]) -> dict[str, list[bytes]]:
    """The best texts of all tables; no thread and no order of tables makes a difference."""
    merged: Chosen = defaultdict(list)
    for part in parts:
        for kind, texts in part.items():
            merged[kind] = heapq.nsmallest(MOST, [*merged[kind], *texts])
    return {kind: [text for _, text in merged[kind]] for kind in KINDS}


def located(
    source: StreamedDataset, texts: Mapping[str, list[bytes]], progress: Progress
) -> dict[str, list[dict[str, Any]]]:
    """Kind -> ``{text, rows}`` of each text; ``rows`` lists ``{split, row, label}``, with rows from 1.

    Of a leak a row in two splits, of a conflict rows with two labels, of a duplicate the first two.
    """
    examples: dict[str, dict[bytes, dict[str, Any]]] = {
        kind: {text: {"text": "", "rows": []} for text in texts[kind]} for kind in KINDS
    }
    waiting = {(kind, text) for kind, of_kind in examples.items() for text in of_kind}
    if not waiting:
        return {kind: [] for kind in KINDS}
    with stage(progress, "finding examples", source.size, source.unit):
        for position, content, displayed in _positions(source, {text for _, text in waiting}, progress):
            for kind in KINDS:
                if (kind, content) in waiting and _adds(kind, position, examples[kind][content]["rows"]):
                    example = examples[kind][content]
                    example["text"] = displayed
                    example["rows"].append(position)
                    if len(example["rows"]) == MOST:
                        waiting.remove((kind, content))
            if not waiting:
                break
    return {kind: list(of_kind.values()) for kind, of_kind in examples.items()}


def _adds(kind: str, position: Mapping[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Whether a row shows what the rows before it do not."""
    key = {LEAKS: "split", CONFLICTS: "label"}.get(kind)
    return key is None or (all(row[key] != position[key] for row in rows) and position[key] is not None)


def _positions(
    source: StreamedDataset, wanted: set[bytes], progress: Progress
) -> Iterator[tuple[dict[str, Any], bytes, str]]:
    """Split, row and label of every row that holds one of the texts, with the text as displayed."""
    names, lengths = list(source.splits), list(map(len, wanted))
    for batch in row_batches.batches(source):
        stop_if_cancelled(progress)
        texts, pairs = batch.texts, batch.pairs
        contents = texts if pairs is None else Strings.joined(texts, pairs)
        for i in np.flatnonzero(np.isin(contents.ends - contents.starts, lengths)).tolist():
            content = contents.text(i).encode()
            if content in wanted:
                label = batch.labels.text(i) or None if batch.labels is not None else None
                displayed = texts.text(i) if pairs is None else f"{texts.text(i)} | {pairs.text(i)}"
                position = {"split": names[batch.split], "row": batch.first + i + 1, "label": label}
                yield position, content, displayed[:_LONGEST]
        progress.advance(batch.amount)


def entities(source: StreamedDataset, tags: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """``entities``: ``{split, row, tokens, spans}`` of the first rows of each split that have entities.

    A span is ``{type, first, last}``: tokens ``first`` to ``last`` (exclusive). Without tags, no key.

    tags   all there are, which tell the scheme
    """
    if source.tokens_column is None or source.label_column is None:
        return {}
    scheme = TagScheme.of(tags)
    splits = source.splits if scheme.name != "none" else ()
    rows = [row for name in splits for row in islice(_tagged(source, name, scheme), _TAGGED)]
    return {"entities": rows}


def _tagged(source: StreamedDataset, name: str, scheme: TagScheme) -> Iterator[dict[str, Any]]:
    columns = [source.tokens_column, source.label_column]
    tables = (concatenate([batch]).select(columns) for batch in source.splits[name].batches())
    rows = chain.from_iterable(table.iter_rows() for table in tables)
    for number, (tokens, label) in enumerate(rows, 1):
        if spans := spans_of((label or "").split(BETWEEN_TAGS), scheme):
            yield {"split": name, "row": number, "tokens": tokens, "spans": list(map(asdict, spans))}
