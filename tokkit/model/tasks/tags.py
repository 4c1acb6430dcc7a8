"""A tag per token of a row: named entities, places, parts of speech.

    tokens       Brussels        is
    tags         B-LOC           O
    sub-tokens   brus  ##sels    is
    targets      B-LOC   -100    O

A token is split into sub-tokens; the first of them carries its tag, the others are neither trained nor
predicted (Devlin et al. 2018, 5.3; `DataCollatorForTokenClassification` of transformers).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.data.dataset import Rows, sort_labels
from tokkit.data.loading.list_columns import BETWEEN_TAGS
from tokkit.model.metrics import classification, spans
from tokkit.model.tasks.task import UNLABELED, Task, check_known, in_unit
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.encoding.word_lists import encode_words
from tokkit.tokenizer.folder.load import LoadedTokenizer


class TagTargets:
    """The tags of every row, and the positions of the sub-tokens that carry them.

    tags       of each row, one per token
    starts     (rows + 1,) where the tokens of each row start when all follow one another
    positions  (tokens of all rows,) sub-token that carries the tag; -1 where the row was truncated before it,
               or the tokenizer drops the token
    values     (sub-tokens,) tag ids, `UNLABELED` for sub-tokens that carry none
    """

    def __init__(self, tags: Sequence[Sequence[str]], labels: Sequence[str], encoded: Encoded) -> None:
        number = {label: i for i, label in enumerate(labels)}
        ids = np.array([number[tag] for row in tags for tag in row], dtype=np.int64)
        self.tags = tags
        self.starts = row_starts(tags)
        self.positions = tag_positions(self.starts, encoded)
        self.values = np.full(len(encoded.ids), UNLABELED, dtype=np.int64)
        # Tokens that were truncated away have no sub-token to carry their tag.
        carried = self.positions >= 0
        self.values[self.positions[carried]] = ids[carried]
        self._offsets = encoded.offsets

    def __len__(self) -> int:
        return len(self.tags)

    def of(self, rows: NDArray[np.int64], width: int) -> torch.Tensor:
        """(rows, width) tag ids."""
        padded = np.full((len(rows), width), UNLABELED, dtype=np.int64)
        for index, row in enumerate(rows):
            values = self.values[self._offsets[row] : self._offsets[row + 1]]
            padded[index, : len(values)] = values
        return torch.from_numpy(padded)

    def predicted(self, logits: NDArray[np.float32], labels: Sequence[str]) -> list[list[str]]:
        """The most probable tag of every token, O for tokens without a position."""
        return list(predicted_tags(logits, labels, self.positions, self.starts))


class Tags(Task):
    name: ClassVar[str] = "tags"
    title: ClassVar[str] = "Token classifier"
    auto_class: ClassVar[str] = "AutoModelForTokenClassification"
    problem_type: ClassVar[str | None] = None
    by_row: ClassVar[bool] = False
    loss: ClassVar[str] = "ce"
    metric: ClassVar[str] = "span_f1"
    headline: ClassVar[tuple[str, ...]] = ("accuracy", "span_f1")
    exclusive: ClassVar[bool] = False
    has_strata: ClassVar[bool] = False

    def names(self, written: str) -> list[str]:
        return written.split()

    def labels(self, rows: Rows) -> tuple[str, ...]:
        """O first, as usual, then the others in order.

        With B- and I- tags, every type has an I- tag even where no training span continues: other rows may.
        """
        names = set(super().labels(rows))
        if all(label == spans.OUTSIDE or label.startswith(("B-", "I-")) for label in names):
            names |= {f"I-{label.removeprefix('B-')}" for label in names if label.startswith("B-")}
        return tuple(sorted(sort_labels(names), key=lambda label: label != spans.OUTSIDE))

    def warn_of_misfit(self, tokenizer: LoadedTokenizer, progress: Progress) -> None:
        """Warn where a word alone gets other ids than the same word within a text."""
        # The second "i" has a space before it in the text, and none in the list of words.
        within = encode(["i i"], tokenizer, progress=SILENT).ids
        alone = encode_words([["i", "i"]], tokenizer).ids
        if within.tolist() != alone.tolist():
            progress.say(
                f"{tokenizer.folder}: its tokens include the space before a word, which words alone lack, so "
                "they get other ids than in a text; WordPiece, or add_prefix_space, suits tags better"
            )

    def encode(
        self,
        rows: Rows,
        tokenizer: LoadedTokenizer,
        max_length: int | None,
        *,
        threads: int | None = None,
        progress: Progress = SILENT,
    ) -> Encoded:
        """The tokens of each row as ids, with `Encoded.words`."""
        return encode_words(rows.tokens, tokenizer, max_length, progress=progress)

    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> TagTargets:
        tags = [self.names(written) for written in rows.labels]
        check_known((tag for row in tags for tag in row), labels, where)
        return TagTargets(tags, labels, encoded)

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Sub-tokens with the correct tag, and those that carry one."""
        return (logits.argmax(dim=-1) == targets).sum(), int((targets != UNLABELED).sum())

    def scores(
        self, logits: NDArray[np.float32], targets: TagTargets, labels: Sequence[str]
    ) -> dict[str, Any]:
        """By span as `spans.span_scores`, by token ``accuracy``, ``loss``, ``confusion`` and ``calibration``.

        A token that was truncated away counts as O, so its span counts as missed; loss and calibration are of
        the other tokens.
        """
        # Tags of tokens, O for truncated ones, compared with all true tags of the row.
        predicted = targets.predicted(logits, labels)
        iob = spans.are_iob(labels)
        carried = targets.values != UNLABELED
        by_token = classification.single_label_scores(logits[carried], targets.values[carried], labels)
        pairs = [
            pair
            for true, row in zip(targets.tags, predicted, strict=True)
            for pair in zip(true, row, strict=True)
        ]
        # Usually O: accuracy alone says little about entities, hence the scores by span.
        majority = _most_frequent(targets)
        majority_spans = spans.span_scores(targets.tags, [[majority] * len(row) for row in targets.tags], iob)
        return {
            "rows": len(targets),
            "tokens": len(pairs),
            "unseen_tokens": int((targets.positions < 0).sum()),
            "loss": by_token["loss"],
            "accuracy": round(sum(true == tag for true, tag in pairs) / len(pairs), 6),
            **spans.span_scores(targets.tags, predicted, iob),
            "majority": {
                "label": majority,
                "accuracy": round(sum(true == majority for true, _ in pairs) / len(pairs), 6),
                **{name: score for name, score in majority_spans.items() if name != "classes"},
            },
            "confusion": {"labels": list(labels), "matrix": _confusion(pairs, labels)},
            "calibration": by_token["calibration"],
        }

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """(sub-tokens, classes)."""
        return classification.softmax(logits)

    def row_losses(self, logits: NDArray[np.float32], targets: TagTargets) -> NDArray[np.float64]:
        """(rows,) mean over the tokens of a row that were not truncated; 0 for rows without such tokens."""
        tokens = np.flatnonzero(targets.positions >= 0)
        positions = targets.positions[tokens]
        losses = classification.cross_entropy(logits[positions], targets.values[positions])
        row = np.repeat(np.arange(len(targets)), np.diff(targets.starts))[tokens]
        sums = np.bincount(row, weights=losses, minlength=len(targets))
        means: NDArray[np.float64] = sums / np.maximum(np.bincount(row, minlength=len(targets)), 1)
        return means

    def predicted_labels(
        self, logits: NDArray[np.float32], targets: TagTargets, labels: Sequence[str]
    ) -> list[str]:
        return [BETWEEN_TAGS.join(row) for row in targets.predicted(logits, labels)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: NDArray[np.float32], labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``tokens`` and ``tags``, one per token, and ``spans``: ``{type, text, first, last, probability}``.

        The text of a span is its tokens, ``first`` to ``last`` (exclusive), joined by spaces; its probability
        the mean of those of their tags. ``label`` has the tags joined by spaces.
        """
        starts = row_starts(rows.tokens)
        positions = tag_positions(starts, encoded)
        confidence = self.probabilities(logits).max(axis=1, initial=0.0)
        iob = spans.are_iob(labels)
        predictions = []
        for row, tags in enumerate(predicted_tags(logits, labels, positions, starts)):
            tokens = rows.tokens[row]
            entities = []
            for span in spans.spans_of(tags, iob):
                of_span = positions[starts[row] + span.first : starts[row] + span.last]
                entities.append(
                    {
                        "type": span.type,
                        "text": " ".join(tokens[span.first : span.last]),
                        "first": span.first,
                        "last": span.last,
                        "probability": in_unit(float(confidence[of_span[of_span >= 0]].mean()), raw),
                    }
                )
            predictions.append(
                {
                    "label": BETWEEN_TAGS.join(tags),
                    "probabilities": None,
                    "tokens": tokens,
                    "tags": tags,
                    "spans": entities,
                }
            )
        return predictions


def row_starts(rows: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    """(rows + 1,) where the items of each row start when all follow one another."""
    return np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64)))


def tag_positions(starts: NDArray[np.int64], encoded: Encoded) -> NDArray[np.int64]:
    """(tokens of all rows,) sub-token that carries the tag of each token, -1 where there is none.

    starts  (rows + 1,) where the tokens of each row start
    """
    assert encoded.words is not None
    positions = np.full(int(starts[-1]), -1, dtype=np.int64)
    # `words` has the number of a token on its first sub-token, and -1 on all others and on special tokens.
    first = np.flatnonzero(encoded.words >= 0)
    row = np.repeat(np.arange(len(encoded)), encoded.lengths)[first]
    positions[starts[row] + encoded.words[first]] = first
    return positions


def predicted_tags(
    logits: NDArray[np.float32],
    labels: Sequence[str],
    positions: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> Iterator[list[str]]:
    """The most probable tags of each row's tokens, O for a token without a position."""
    best = logits.argmax(axis=1) if len(logits) else np.zeros(0, dtype=np.int64)
    for start, end in itertools.pairwise(starts.tolist()):
        yield [labels[best[i]] if i >= 0 else spans.OUTSIDE for i in positions[start:end]]


def _confusion(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[list[int]]:
    """The confusion matrix of (true, predicted) tags, both among the labels."""
    number = {label: i for i, label in enumerate(labels)}
    # A truncated token counts as O, which is no label where tags are parts of speech.
    known = [(number[true], number[tag]) for true, tag in pairs if tag in number]
    ids = np.array(known, dtype=np.int64).reshape(-1, 2)
    return classification.confusion_matrix(ids[:, 0], ids[:, 1], len(labels)).tolist()


def _most_frequent(targets: TagTargets) -> str:
    counts = Counter(tag for row in targets.tags for tag in row)
    return max(sort_labels(counts), key=lambda tag: counts[tag])
