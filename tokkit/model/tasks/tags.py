"""A tag for each token of a row: names, places, parts of speech.

A token is cut into sub-tokens; the first of them carries its tag, the others are neither trained nor asked
(Devlin et al. 2018, 5.3; `DataCollatorForTokenClassification` of transformers).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.data.dataset import Rows, sort_labels
from tokkit.data.loading.list_columns import BETWEEN_TAGS
from tokkit.model.metrics import classification, spans
from tokkit.model.metrics.classification import softmax
from tokkit.model.tasks.class_ids import check_known
from tokkit.model.tasks.tag_targets import TagTargets, places_of, row_starts, tags_at
from tokkit.model.tasks.task import UNLABELED, Task, in_unit
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.encoding.word_lists import encode_words

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.tokenizer.folder.load import LoadedTokenizer


class Tags(Task):
    name: ClassVar[str] = "tags"
    title: ClassVar[str] = "Token classifier"
    auto_class: ClassVar[str] = "AutoModelForTokenClassification"
    problem_type: ClassVar[str | None] = None
    by_row: ClassVar[bool] = False
    loss: ClassVar[str] = "ce"
    metric: ClassVar[str] = "span_f1"
    shown: ClassVar[tuple[str, ...]] = ("accuracy", "span_f1")
    excluding: ClassVar[bool] = False
    has_strata: ClassVar[bool] = False

    def names(self, written: str) -> list[str]:
        return written.split()

    def labels(self, rows: Rows) -> tuple[str, ...]:
        """O first, as is the custom, then the others in order.

        A type that no training span goes on with has its I- tag all the same: other rows may hold it.
        """
        found = set(super().labels(rows))
        if all(label == spans.OUTSIDE or label.startswith(("B-", "I-")) for label in found):
            found |= {f"I-{label.removeprefix('B-')}" for label in found if label.startswith("B-")}
        return tuple(sorted(sort_labels(found), key=lambda label: label != spans.OUTSIDE))

    def say_misfit(self, tokenizer: LoadedTokenizer, progress: Progress) -> None:
        """Says where words by themselves are cut into other tokens than within a text."""
        within = encode(["i i"], tokenizer, progress=SILENT).ids
        alone = encode_words([["i", "i"]], tokenizer).ids
        if within.tolist() != alone.tolist():
            progress.say(
                f"{tokenizer.folder}: its tokens hold the space before a word, which words alone lack: they "
                "are cut otherwise than in a text; WordPiece, or add_prefix_space, suits tags better"
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
        """Tokens with the right tag, and the tokens that have one."""
        return (logits.argmax(dim=-1) == targets).sum(), int((targets != UNLABELED).sum())

    def scores(
        self, logits: NDArray[np.float32], targets: TagTargets, labels: Sequence[str]
    ) -> dict[str, Any]:
        """By span as `spans.span_scores`, by token ``accuracy``, ``loss``, ``confusion`` and ``calibration``.

        A token behind the cut counts as O, so that what was not seen is not found either; loss and
        calibration are of the tokens that were seen.
        """
        predicted = targets.predicted(logits, labels)
        iob = spans.are_iob(labels)
        seen = targets.values != UNLABELED
        by_token = classification.single_label_scores(logits[seen], targets.values[seen], labels)
        flat = [
            (t, p)
            for true, row in zip(targets.tags, predicted, strict=True)
            for t, p in zip(true, row, strict=True)
        ]
        right = sum(true == tag for true, tag in flat)
        most = _most_frequent(targets)
        always = [[most] * len(row) for row in targets.tags]
        return {
            "rows": len(targets),
            "tokens": len(flat),
            "unseen_tokens": int((targets.places < 0).sum()),
            "loss": by_token["loss"],
            "accuracy": round(right / len(flat), 6),
            **spans.span_scores(targets.tags, predicted, iob),
            "majority": {
                "label": most,
                "accuracy": round(sum(true == most for true, _ in flat) / len(flat), 6),
                **{
                    name: score
                    for name, score in spans.span_scores(targets.tags, always, iob).items()
                    if name != "classes"
                },
            },
            "confusion": {
                "labels": list(labels),
                "matrix": _confusion(flat, labels),
            },
            "calibration": by_token["calibration"],
        }

    def shares(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """(sub-tokens, classes)."""
        return softmax(logits)

    def row_losses(self, logits: NDArray[np.float32], targets: TagTargets) -> NDArray[np.float64]:
        """(rows,) the mean over the tokens of a row that were seen; 0 where none was."""
        import numpy as np

        seen = np.flatnonzero(targets.places >= 0)
        places = targets.places[seen]
        losses = classification.cross_entropy(logits[places], targets.values[places])
        row = np.repeat(np.arange(len(targets)), np.diff(targets.starts))[seen]
        sums = np.bincount(row, weights=losses, minlength=len(targets))
        means: NDArray[np.float64] = sums / np.maximum(np.bincount(row, minlength=len(targets)), 1)
        return means

    def answers(self, logits: NDArray[np.float32], targets: TagTargets, labels: Sequence[str]) -> list[str]:
        return [BETWEEN_TAGS.join(row) for row in targets.predicted(logits, labels)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: NDArray[np.float32], labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``tokens`` and ``tags`` one for one, and ``spans``: ``{type, text, first, last, probability}``.

        A span's text is its tokens, ``first`` to ``last`` (not included), with spaces between; its
        probability the mean of those of their tags. ``label`` has the tags with spaces between.
        """
        starts = row_starts(rows.tokens)
        places = places_of(starts, encoded)
        sure = self.shares(logits).max(axis=1, initial=0.0)
        iob = spans.are_iob(labels)
        told = []
        for row, tags in enumerate(tags_at(logits, labels, places, starts)):
            tokens = rows.tokens[row]
            found = []
            for span in spans.spans_of(tags, iob):
                held = places[starts[row] + span.first : starts[row] + span.last]
                found.append(
                    {
                        "type": span.type,
                        "text": " ".join(tokens[span.first : span.last]),
                        "first": span.first,
                        "last": span.last,
                        "probability": in_unit(float(sure[held[held >= 0]].mean()), raw),
                    }
                )
            told.append(
                {"label": BETWEEN_TAGS.join(tags), "probabilities": None}
                | {"tokens": tokens, "tags": tags, "spans": found}
            )
        return told


def _confusion(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[list[int]]:
    """The confusion matrix of (true, predicted) tags, both among the labels.

    O is not, where tags are parts of speech: a token that was truncated away is no confusion then.
    """
    import numpy as np

    number = {label: i for i, label in enumerate(labels)}
    known = [(number[true], number[tag]) for true, tag in pairs if tag in number]
    ids = np.array(known, dtype=np.int64).reshape(-1, 2)
    return classification.confusion_matrix(ids[:, 0], ids[:, 1], len(labels)).tolist()


def _most_frequent(targets: TagTargets) -> str:
    counts = Counter(tag for row in targets.tags for tag in row)
    return max(sort_labels(counts), key=lambda tag: counts[tag])
