"""Texts repaired by rules, each distinct text once, with the rows, examples and tokens of every rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tokkit.data.cleaning.repair_rules import repairs
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.tokenizer.folder.load import LoadedTokenizer

# Examples of each rule and each reason in the result.
EXAMPLES = 3

# Characters of an example, and those of them before the first difference.
_EXCERPT, _CONTEXT = 60, 20
# Texts between two checks for Ctrl-C.
_CANCEL_EVERY = 500


@dataclass(frozen=True)
class Change:
    """What one rule did to one distinct text of ``rows`` rows."""

    rule: str
    before: str
    after: str
    rows: int


@dataclass(frozen=True)
class Repairs:
    """What the rules changed.

    texts      distinct text -> the text repaired, only those that changed
    rows       rule -> rows it changed (of pairs, texts), 0 where it changed none
    examples   rule -> [{before, after}], excerpts
    changes    every change of every text in order, if recorded
    """

    texts: dict[str, str]
    rows: dict[str, int]
    examples: dict[str, list[dict[str, str]]]
    changes: list[Change]


def repair_texts(
    rows: Mapping[str, int], rules: Sequence[str], *, record_changes: bool, progress: Progress = SILENT
) -> Repairs:
    """Repairs every distinct text.

    rows             distinct text -> rows that have it
    rules            as `repair_rules.selected_rules` returns them
    record_changes   whether to record each change, which takes as much memory as the texts and more
    """
    texts: dict[str, str] = {}
    counts = dict.fromkeys(rules, 0)
    examples: dict[str, list[dict[str, str]]] = {}
    changes: list[Change] = []
    with stage(progress, "repairing", len(rows), "texts"):
        for number, (text, times) in enumerate(rows.items(), 1):
            changed_by: set[str] = set()
            for rule, before, after in repairs(text, rules):
                # the last change of a text wins, so the dict ends with its final form
                texts[text] = after
                if record_changes:
                    changes.append(Change(rule, before, after, times))
                if rule not in changed_by:
                    changed_by.add(rule)
                    counts[rule] += times
                    of_rule = examples.setdefault(rule, [])
                    if len(of_rule) < EXAMPLES:
                        of_rule.append(excerpts(before, after))
            if number % _CANCEL_EVERY == 0:
                stop_if_cancelled(progress)
                progress.advance(_CANCEL_EVERY)
    return Repairs(texts, counts, {rule: examples[rule] for rule in rules if rule in examples}, changes)


def excerpts(before: str, after: str) -> dict[str, str]:
    """Both texts around their first difference.

    >>> excerpts("good" * 9 + "<br>bad", "good" * 9 + " bad")
    {'before': '…goodgoodgoodgoodgood<br>bad', 'after': '…goodgoodgoodgoodgood bad'}
    """
    # where one text is the beginning of the other, they differ at the shorter one's end
    pairs = enumerate(zip(before, after, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(before), len(after)))
    start = max(0, at - _CONTEXT)
    return {"before": excerpt(before, start), "after": excerpt(after, start)}


def excerpt(text: str, start: int = 0) -> str:
    """At most 60 characters of a text, with an ellipsis where it is cut."""
    end = start + _EXCERPT
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


class TokenCosts:
    """Tokens and unknown tokens of texts, each distinct text encoded once; rows have special tokens too.

    pairs   whether a row is two texts
    """

    def __init__(
        self, texts: Iterable[str], tokenizer: LoadedTokenizer, progress: Progress, *, pairs: bool = False
    ) -> None:
        from tokkit.tokenizer.encoding.encode import token_counts  # loads NumPy

        # encoding is the slow part, so a text that many rows have is encoded once
        distinct = list(dict.fromkeys(texts))
        counted = token_counts(distinct, tokenizer, special=False, progress=progress)
        costs = zip(counted.tokens.tolist(), counted.unknown.tolist(), strict=True)
        self._costs = dict(zip(distinct, costs, strict=True))
        # special tokens of a row: an empty one with them, less one without them
        second = [""] if pairs else None
        with_special, without = (
            int(token_counts([""], tokenizer, pairs=second, special=special).tokens[0])
            for special in (True, False)
        )
        self._special = with_special - without

    def tokens(self, texts: Iterable[str]) -> int:
        """Tokens of one row, including special ones."""
        return self._special + sum(self._costs[text][0] for text in texts)

    def of(self, texts: Iterable[tuple[str, int]], rows: int = 0) -> dict[str, int]:
        """``{tokens, unknown}`` of texts, each the given number of times; a negative number subtracts.

        rows   that the texts are of, each of which adds its special tokens
        """
        cost = {"tokens": rows * self._special, "unknown": 0}
        for text, times in texts:
            for name, n in zip(cost, self._costs[text], strict=True):
                cost[name] += n * times
        return cost

    def saved(self, changes: Iterable[Change], rules: Sequence[str]) -> dict[str, dict[str, int]]:
        """What each rule saved; the sum is exactly what all texts cost less than before."""
        signed: dict[str, list[tuple[str, int]]] = {rule: [] for rule in rules}
        for change in changes:
            # before minus after: what a change saves may be negative
            signed[change.rule] += [(change.before, change.rows), (change.after, -change.rows)]
        return {rule: self.of(rows) for rule, rows in signed.items()}
