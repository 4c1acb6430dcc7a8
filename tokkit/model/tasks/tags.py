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
import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import BETWEEN_TAGS, Rows, sort_labels
from tokkit.data.tag_schemes import OUTSIDE, TagScheme, is_outside
from tokkit.data.tag_spans import spans_of
from tokkit.errors import counted
from tokkit.model.metrics import spans
from tokkit.model.metrics.classification import (
    Logits,
    classifier_scores,
    confusion_matrix,
    cross_entropy,
    rounded,
    softmax,
)
from tokkit.model.tasks.task import UNLABELED, Task, class_ids, in_unit
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.encoding.word_lists import encode_words
from tokkit.tokenizer.folder.load import LoadedTokenizer

if TYPE_CHECKING:
    import torch

# Tokens that are named in a message.
_NAMED = 5
_SCHEMES = {
    **{"IOB": "IOB tags", "IO": "IO tags", "none": "tags without entities: every token by itself"},
    **{name: f"{name} tags: spans count if complete" for name in ("IOBES", "BILOU")},
}


class TokenPositions:
    """The sub-tokens that carry the tags of rows.

    starts     (rows + 1,) where the tokens of each row start when all follow one another
    positions  (tokens of all rows,) sub-token that carries the tag; -1 where the row was truncated before it,
               or the tokenizer drops the token
    """

    def __init__(self, rows: Sequence[Sequence[str]], encoded: Encoded) -> None:
        assert encoded.words is not None
        self.starts = np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64)))
        self.positions = np.full(int(self.starts[-1]), -1, dtype=np.int64)
        # `words` has the index of a token on its first sub-token, -1 on all others and on special tokens.
        first = np.flatnonzero(encoded.words >= 0)
        row = np.repeat(np.arange(len(encoded)), encoded.lengths)[first]
        self.positions[self.starts[row] + encoded.words[first]] = first

    def predicted(self, logits: Logits, labels: Sequence[str]) -> list[list[str]]:
        """The most probable tags of each row's tokens, O for a token without a position."""
        best = logits.argmax(axis=1) if len(logits) else np.zeros(0, dtype=np.int64)
        outside = next(filter(is_outside, labels), OUTSIDE)
        return [
            [labels[best[i]] if i >= 0 else outside for i in self.positions[start:end]]
            for start, end in itertools.pairwise(self.starts.tolist())
        ]


class TagTargets(TokenPositions):
    """The tags of every row, and the positions of the sub-tokens that carry them.

    tags    of each row, one per token
    ids     (tokens of all rows,) tag ids
    values  (sub-tokens,) tag ids, `UNLABELED` for sub-tokens that carry none
    """

    def __init__(self, tags: Sequence[Sequence[str]], ids: NDArray[np.int64], encoded: Encoded) -> None:
        super().__init__(tags, encoded)
        self.tags, self.ids = tags, ids
        self.values = np.full(len(encoded.ids), UNLABELED, dtype=np.int64)
        # Tokens that were truncated away have no sub-token to carry their tag.
        carried = self.positions >= 0
        self.values[self.positions[carried]] = ids[carried]
        self._offsets = encoded.offsets

    def __len__(self) -> int:
        return len(self.tags)

    def of(self, rows: NDArray[np.int64], width: int) -> NDArray[np.int64]:
        """(rows, width) tag ids."""
        padded = np.full((len(rows), width), UNLABELED, dtype=np.int64)
        for index, row in enumerate(rows):
            values = self.values[self._offsets[row] : self._offsets[row + 1]]
            padded[index, : len(values)] = values
        return padded


def tag_scores(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], labels: Sequence[str]
) -> dict[str, float]:
    """``accuracy`` by token and the scores of all spans, without those of each type."""
    pairs = zip(itertools.chain(*true), itertools.chain(*predicted), strict=True)
    correct = [tag == other for tag, other in pairs]
    scores = spans.span_scores(true, predicted, TagScheme.of(labels))
    del scores["classes"]
    return {"accuracy": rounded(np.mean(correct)), **scores}


def _same(predicted: Sequence[Sequence[str]], true: Sequence[Sequence[str]]) -> dict[str, str]:
    """``predicts_only``, as `classifier_scores` has it."""
    used = set(itertools.chain(*predicted))
    return {"predicts_only": used.pop()} if len(used) == 1 < len(set(itertools.chain(*true))) else {}


def _by_type(
    matrix: NDArray[np.int64], labels: Sequence[str], scheme: TagScheme
) -> dict[str, dict[str, list[Any]]]:
    """``type_confusion``: the confusion of tokens by entity type, whatever their marks; O comes first.

    Nothing where tags are no entities.
    """
    if scheme.name == "none":
        return {}
    types = [OUTSIDE if is_outside(label) else scheme.split(label)[1] for label in labels]
    names = sorted(set(types), key=lambda name: (name != OUTSIDE, types.index(name)))
    # (types, labels): 1 where a label is of the type
    members = np.array([[kind == name for kind in types] for name in names], dtype=np.int64)
    return {"type_confusion": {"labels": names, "matrix": (members @ matrix @ members.T).tolist()}}


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

        Every type has an I- tag even where no training span continues: other rows may.
        """
        names = super().labels(rows)
        complete = sort_labels(TagScheme.of(names).complete(names))
        return tuple(sorted(complete, key=lambda label: not is_outside(label)))

    def describe(self, labels: Sequence[str]) -> str:
        scheme = TagScheme.of(labels)
        odd = scheme.odd(labels)
        described = f"{super().describe(labels)} ({_SCHEMES[scheme.name]})"
        return described + (f", entity types of their own: {', '.join(odd)}" if odd else "")

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

    def warn_of_rows(
        self, rows: Rows, encoded: Encoded, tokenizer: LoadedTokenizer, where: str, progress: Progress
    ) -> None:
        """Warn of tokens of which the tokenizer leaves nothing."""
        positions = TokenPositions(rows.tokens, encoded).positions
        unseen = [token for token, at in zip(itertools.chain(*rows.tokens), positions, strict=True) if at < 0]
        distinct = list(dict.fromkeys(unseen))
        # Others have none only because their row is truncated before them.
        rows_alone = [[token] for token in distinct]
        alone = TokenPositions(rows_alone, encode_words(rows_alone, tokenizer)).positions
        dropped = {distinct[row] for row in np.flatnonzero(alone < 0)}
        if count := sum(token in dropped for token in unseen):
            named = ", ".join(map(json.dumps, sorted(dropped)[:_NAMED]))
            progress.say(
                f"{where}: {counted(count, 'token', 'are', style=',')} nothing to the tokenizer ({named}"
                f"{', ...' if len(dropped) > _NAMED else ''}): not trained, and always O"
            )

    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> TagTargets:
        tags = [self.names(written) for written in rows.labels]
        return TagTargets(tags, class_ids(list(itertools.chain(*tags)), labels, where), encoded)

    def sample_targets(self, labels: Sequence[str]) -> TagTargets:
        numbers = np.arange(len(labels), dtype=np.int32)
        row = Encoded(numbers, np.array([0, len(labels)]), truncated=0, words=numbers)
        return TagTargets([labels], numbers.astype(np.int64), row)

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Sub-tokens with the correct tag, and those that carry one."""
        return (logits.argmax(dim=-1) == targets).sum(), int((targets != UNLABELED).sum())

    def scores(self, logits: Logits, targets: TagTargets, labels: Sequence[str]) -> dict[str, Any]:
        """By span as `spans.span_scores`, by token ``accuracy``, ``loss``, ``confusion`` and ``calibration``.

        A token that was truncated away counts as O, so its span counts as missed; loss and calibration are of
        the other tokens.
        """
        # Tags of tokens, O for truncated ones, compared with all true tags of the row.
        predicted = targets.predicted(logits, labels)
        index = {label: i for i, label in enumerate(labels)}
        # O is no label where tags are parts of speech: -1, which equals no true tag.
        ids = np.array([index.get(tag, -1) for row in predicted for tag in row], dtype=np.int64)
        known = ids >= 0
        scheme = TagScheme.of(labels)
        carried = targets.values != UNLABELED
        by_token = classifier_scores(logits[carried], targets.values[carried], labels)
        # Usually O: accuracy alone says little about entities, hence the scores by span.
        counts = Counter(itertools.chain(*targets.tags))
        majority = max(sort_labels(counts), key=counts.__getitem__)
        matrix = confusion_matrix(targets.ids[known], ids[known], len(labels))
        return {
            "rows": len(targets),
            "tokens": len(ids),
            "unseen_tokens": int((targets.positions < 0).sum()),
            "loss": by_token["loss"],
            "accuracy": rounded((ids == targets.ids).mean()),
            "scheme": scheme.name,
            **spans.span_scores(targets.tags, predicted, scheme),
            "majority": {
                "label": majority,
                **tag_scores(targets.tags, [[majority] * len(row) for row in targets.tags], labels),
            },
            **_same(predicted, targets.tags),
            "confusion": {"labels": list(labels), "matrix": matrix.tolist()},
            **_by_type(matrix, labels, scheme),
            "calibration": by_token["calibration"],
        }

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        """(sub-tokens, classes)."""
        return softmax(logits)

    def row_losses(self, logits: Logits, targets: TagTargets) -> NDArray[np.float64]:
        """(rows,) mean over the tokens of a row that were not truncated; 0 for rows without such tokens."""
        tokens = np.flatnonzero(targets.positions >= 0)
        positions = targets.positions[tokens]
        losses = cross_entropy(logits[positions], targets.values[positions])
        row = np.repeat(np.arange(len(targets)), np.diff(targets.starts))[tokens]
        sums = np.bincount(row, weights=losses, minlength=len(targets))
        return sums / np.maximum(np.bincount(row, minlength=len(targets)), 1)

    def predicted_labels(self, logits: Logits, targets: TagTargets, labels: Sequence[str]) -> list[str]:
        return [BETWEEN_TAGS.join(row) for row in targets.predicted(logits, labels)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: Logits, labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``tokens`` and ``tags``, one per token, and ``spans``: ``{type, text, first, last, start, end,
        probability}``.

        A span has the tokens from ``first`` to ``last`` (exclusive), which are the characters from ``start``
        to ``end`` (exclusive) of the row's text; its probability is the mean of those of its tags. ``label``
        has the tags joined by spaces.
        """
        tokens_of = TokenPositions(rows.tokens, encoded)
        confidence = self.probabilities(logits).max(axis=1, initial=0.0)
        scheme = TagScheme.of(labels)
        predictions = []
        for row, tags in enumerate(tokens_of.predicted(logits, labels)):
            tokens, text = rows.tokens[row], rows.texts[row]
            characters = _characters(tokens, text)
            entities = []
            for span in spans_of(tags, scheme):
                start = tokens_of.starts[row]
                of_span = tokens_of.positions[start + span.first : start + span.last]
                begin, end = characters[span.first][0], characters[span.last - 1][1]
                entities.append(
                    {
                        "type": span.type,
                        "text": text[begin:end],
                        "first": span.first,
                        "last": span.last,
                        "start": begin,
                        "end": end,
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


def _characters(tokens: Sequence[str], text: str) -> list[tuple[int, int]]:
    """The first character of each token in the text that they follow one another in, and one past its last.

    >>> _characters(["in", "서울"], "in  서울!")
    [(0, 2), (4, 6)]
    """
    ends = itertools.accumulate(tokens, lambda end, token: text.index(token, end) + len(token), initial=0)
    return [
        (end - len(token), end) for token, end in zip(tokens, itertools.islice(ends, 1, None), strict=True)
    ]
