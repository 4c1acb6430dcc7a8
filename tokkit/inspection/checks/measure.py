"""How a tokenizer cuts data: unknown rate, fertility, truncation; overall, by split, class and script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Dataset, class_names, sort_labels
from tokkit.inspection.statistics import lengths
from tokkit.inspection.statistics.scripts import NO_SCRIPT, stretches
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import token_counts
from tokkit.tokenizer.folder.load import LoadedTokenizer


@dataclass(frozen=True)
class Figures:
    """Of some texts: how many, and what the tokenizer makes of them; special tokens are not counted.

    characters  code points that are no white space
    words       what white space separates
    truncated   share of the texts that are longer than the limit, special tokens included; None without one
    """

    texts: int
    characters: int
    words: int
    tokens: int
    unknown: int
    truncated: float | None

    @property
    def unknown_rate(self) -> float:
        """Share of unknown tokens."""
        return self.unknown / max(self.tokens, 1)

    @property
    def fertility(self) -> float:
        """Tokens per word."""
        return self.tokens / max(self.words, 1)

    @property
    def tokens_per_character(self) -> float:
        return self.tokens / max(self.characters, 1)

    def as_dict(self) -> dict[str, Any]:
        return {
            **{"texts": self.texts, "words": self.words, "tokens": self.tokens},
            "unknown_rate": round(self.unknown_rate, 6),
            "fertility": round(self.fertility, 4),
            "tokens_per_character": round(self.tokens_per_character, 4),
            "truncated": None if self.truncated is None else round(self.truncated, 6),
        }


@dataclass(frozen=True)
class Measured:
    """source           the data set, as the user named it
    limit               tokens a row may have; None where nothing limits it
    by_script           a text of several scripts counts in stretches of words of one (`scripts.stretches`)
    with_special_text   special token -> rows whose text holds it literally
    """

    source: str
    limit: int | None
    overall: Figures
    by_split: Mapping[str, Figures]
    by_class: Mapping[str, Figures]
    by_script: Mapping[str, Figures]
    with_special_text: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        groups = {"by_split": self.by_split, "by_class": self.by_class, "by_script": self.by_script}
        return {
            "dataset": self.source,
            "limit": self.limit,
            **self.overall.as_dict(),
            **{key: {name: part.as_dict() for name, part in group.items()} for key, group in groups.items()},
        }


def measure(
    dataset: Dataset,
    tokenizer: LoadedTokenizer,
    limit: int | None,
    special_texts: Iterable[str],
    progress: Progress,
) -> Measured:
    """What the tokenizer makes of every row that has a text, whatever its label.

    limit          tokens a row may have, special tokens included
    special_texts  special tokens that texts are searched for

    Raises `InputError` where the tokenizer fails on a text.
    """
    texts: list[str] = []
    splits: list[str] = []
    labels: list[list[str]] = []
    for split in dataset.splits:
        rows = dataset.split(split).frame.drop_nulls(dataset.text_column)
        texts += rows[dataset.text_column].to_list()
        splits += [split] * rows.height
        label_column = dataset.label_column
        of_rows = [None] * rows.height if label_column is None else rows[label_column].to_list()
        labels += [[] if label is None else class_names(label, dataset.label_kind) for label in of_rows]
    counts = _counts(texts, tokenizer, limit, progress)
    by_class = _grouped(counts, labels, limit)
    return Measured(
        source=dataset.source,
        limit=limit,
        overall=_figures(counts, limit),
        by_split=_grouped(counts, [[split] for split in splits], limit),
        by_class={label: by_class[label] for label in sort_labels(by_class)},
        by_script=_by_script(texts, tokenizer, progress),
        # A substring is enough: tokenizers find a special token anywhere in a text, also inside a word.
        with_special_text={
            token: count for token in special_texts if (count := sum(token in text for text in texts))
        },
    )


def _counts(
    texts: Sequence[str], tokenizer: LoadedTokenizer, limit: int | None, progress: Progress
) -> NDArray[np.int64]:
    """(texts, 5): characters, words, tokens, unknown tokens, and whether the text is too long."""
    counts = token_counts(texts, tokenizer, special=False, progress=progress)
    special = tokenizer.backend.num_special_tokens_to_add(False)
    dense = (sum(map(len, text.split())) for text in texts)
    characters = np.fromiter(dense, dtype=np.int64, count=len(texts))
    too_long = np.zeros(len(texts), np.bool_) if limit is None else counts.tokens + special > limit
    return np.stack([characters, lengths.words(texts), counts.tokens, counts.unknown, too_long], axis=1)


def _figures(counts: NDArray[np.int64], limit: int | None) -> Figures:
    characters, words, tokens, unknown, too_long = counts.sum(axis=0).tolist()
    truncated = None if limit is None else too_long / max(len(counts), 1)
    return Figures(len(counts), characters, words, tokens, unknown, truncated)


def _grouped(
    counts: NDArray[np.int64], keys: Sequence[Sequence[str]], limit: int | None
) -> dict[str, Figures]:
    """Key -> figures of its rows, in the order of the keys, (texts,) lists; a row is in all its groups."""
    rows: dict[str, list[int]] = {}
    for row, of_row in enumerate(keys):
        for key in of_row:
            rows.setdefault(key, []).append(row)
    return {key: _figures(counts[numbers], limit) for key, numbers in rows.items()}


def _by_script(texts: Sequence[str], tokenizer: LoadedTokenizer, progress: Progress) -> dict[str, Figures]:
    """Script -> figures of the texts in it, the most characters first."""
    parts: list[tuple[str | None, str]] = []
    for number, text in enumerate(texts):
        if not number % 1000:
            stop_if_cancelled(progress)
        parts += stretches(text)
    # A stretch is a part of a row, so that the limit of rows does not apply to it.
    counts = _counts([part for _, part in parts], tokenizer, None, progress)
    by_script = _grouped(counts, [[script or NO_SCRIPT] for script, _ in parts], None)
    return dict(sorted(by_script.items(), key=lambda item: -item[1].characters))
