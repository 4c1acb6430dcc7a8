"""A short hash of each row's text and label, so that a decision is applied to the row that it was made about.

["low lower", "joy"]                  -> 16 hex digits
["low lower", null]                      a row without a label
["low lower", ["joy", "love"]]           several labels; of tags, one per token
[["low lower", "newest"], "joy"]         a pair of texts
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from tokkit.data.dataset import BETWEEN_TAGS, ONE, SEPARATOR, SEVERAL, Dataset

DIGITS = 16

# A label as JSON has it: lists of several labels and of tags.
Label = str | list[str] | None


def row_hash(text: str | Sequence[str] | None, label: Label) -> str:
    """The first 16 hex digits of the SHA-256 of text and label as JSON without spaces, in UTF-8.

    >>> row_hash("low lower", "joy")
    '823cddb0af6ae6ba'
    """
    content = json.dumps([text, label], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def row_hashes(dataset: Dataset, split: str) -> list[str]:
    """(rows,) the hash of every row of a split, incomplete ones included."""
    texts, pairs = dataset.texts(split).to_list(), dataset.pairs(split)
    labels = row_labels(dataset, split)
    if pairs is None:
        return [row_hash(text, label) for text, label in zip(texts, labels, strict=True)]
    both = zip(texts, pairs.to_list(), strict=True)
    return [row_hash(pair, label) for pair, label in zip(both, labels, strict=True)]


def row_labels(dataset: Dataset, split: str) -> list[Label]:
    """(rows,) the label of every row of a split as JSON has it; all None without a column of labels."""
    if dataset.label_column is None:
        return [None] * len(dataset.texts(split))
    kind = dataset.label_kind
    return [label_value(written, kind) for written in dataset.labels(split).to_list()]


def label_value(written: str | None, kind: str) -> Label:
    """A label of a data set as JSON has it.

    >>> label_value("joy|love", SEVERAL), label_value("|", SEVERAL), label_value("joy|love", ONE)
    (['joy', 'love'], [], 'joy|love')
    """
    if written is None or kind == ONE:
        return written
    if kind == SEVERAL:
        return [name for part in written.split(SEPARATOR) if (name := part.strip())]
    return written.split(BETWEEN_TAGS) if written else []


def written_label(label: Label, kind: str) -> str | None:
    """The inverse of `label_value`; several labels in the order given.

    >>> written_label(["joy", "love"], SEVERAL), written_label([], SEVERAL)
    ('joy|love', '|')
    """
    if label is None or isinstance(label, str):
        return label
    return (SEPARATOR.join(label) or SEPARATOR) if kind == SEVERAL else BETWEEN_TAGS.join(label)
