"""How a tokenizer cuts data: unknown rate, fertility, truncation; overall, by split, class and script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tokkit.data.dataset import Dataset, sort_labels
from tokkit.inspection.statistics import lengths
from tokkit.inspection.statistics.scripts import stretches
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import token_counts
from tokkit.tokenizer.folder.load import LoadedTokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_SCRIPT = "none"
"""Stands for texts without a single letter."""


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
            **{key: {name: each.as_dict() for name, each in group.items()} for key, group in groups.items()},
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
    rows = [
        (split, label, text)
        for split in dataset.splits
        for text, label in zip(dataset.texts(split), _labels(dataset, split), strict=True)
        if text is not None
    ]
    texts = [text for _, _, text in rows]
    counted = _Counted.of(texts, tokenizer, limit, progress)
    return Measured(
        source=dataset.source,
        limit=limit,
        overall=counted.figures(),
        by_split=counted.grouped([split for split, _, _ in rows], list(dataset.splits)),
        by_class=counted.grouped([label for _, label, _ in rows], _classes(label for _, label, _ in rows)),
        by_script=_by_script(texts, tokenizer, progress),
        # A substring is enough: tokenizers find a special token anywhere in a text, also inside a word.
        with_special_text={
            token: found for token in special_texts if (found := sum(token in text for text in texts))
        },
    )


@dataclass(frozen=True)
class _Counted:
    """Counts of every text, (texts,) each; ``cut`` says which are too long, None without a limit."""

    characters: NDArray[np.int64]
    words: NDArray[np.int64]
    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]
    cut: NDArray[np.bool_] | None

    @classmethod
    def of(
        cls, texts: Sequence[str], tokenizer: LoadedTokenizer, limit: int | None, progress: Progress
    ) -> _Counted:
        counts = token_counts(texts, tokenizer, special=False, progress=progress)
        special = tokenizer.backend.num_special_tokens_to_add(False)
        dense = (sum(map(len, text.split())) for text in texts)
        return cls(
            characters=np.fromiter(dense, dtype=np.int64, count=len(texts)),
            words=lengths.words(texts),
            tokens=counts.tokens,
            unknown=counts.unknown,
            cut=None if limit is None else counts.tokens + special > limit,
        )

    def figures(self, rows: Any = slice(None)) -> Figures:
        """Of the rows that an index picks, all where none is given."""
        columns = (self.characters, self.words, self.tokens, self.unknown)
        characters, words, tokens, unknown = (int(column[rows].sum()) for column in columns)
        texts = len(self.tokens[rows])
        truncated = None if self.cut is None else float(self.cut[rows].sum()) / max(texts, 1)
        return Figures(texts, characters, words, tokens, unknown, truncated)

    def grouped(self, keys: Sequence[str | None], order: Sequence[str]) -> dict[str, Figures]:
        """name -> figures of the rows that carry it, (texts,) keys; None belongs to no group."""
        rows: dict[str | None, list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        return {name: self.figures(np.array(rows[name])) for name in order if name in rows}


def _by_script(texts: Sequence[str], tokenizer: LoadedTokenizer, progress: Progress) -> dict[str, Figures]:
    """Script -> figures of the texts in it, the most characters first."""
    parts: list[tuple[str | None, str]] = []
    for number, text in enumerate(texts):
        if not number % 1000:
            stop_if_cancelled(progress)
        parts += stretches(text)
    # A stretch is a part of a row, so that the limit of rows does not apply to it.
    counted = _Counted.of([part for _, part in parts], tokenizer, None, progress)
    scripts = [script or NO_SCRIPT for script, _ in parts]
    found = counted.grouped(scripts, list(dict.fromkeys(scripts)))
    return dict(sorted(found.items(), key=lambda item: -item[1].characters))


def _labels(dataset: Dataset, split: str) -> Iterable[str | None]:
    if dataset.label_column is None:
        return [None] * len(dataset.texts(split))
    return dataset.labels(split)


def _classes(labels: Iterable[str | None]) -> list[str]:
    return sort_labels(label for label in labels if label is not None)
