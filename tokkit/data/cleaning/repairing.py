"""Texts repaired by rules, each distinct text once, and what every rule did: rows, examples, tokens saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tokkit.data.cleaning.cleaning_rules import repairs
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import token_counts
from tokkit.tokenizer.folder.load import LoadedTokenizer

EXAMPLES = 3
"""Examples that are kept of each rule and each reason."""

_SHOWN = 60
_CONTEXT = 20
"""Characters of a text that an example shows, and those before the place where a repair begins."""
_LOOK_EVERY = 500


@dataclass(frozen=True)
class Change:
    """What one rule did to one distinct text that stands in ``rows`` rows."""

    rule: str
    before: str
    after: str
    rows: int


@dataclass(frozen=True)
class Repaired:
    """Texts after all rules.

    texts      distinct text -> the text repaired, those that changed
    rows       rule -> rows it changed (of pairs, texts), 0 where it changed none
    examples   rule -> [{before, after}], excerpts
    changes    every change of every text, one after another, where they were asked for
    """

    texts: dict[str, str]
    rows: dict[str, int]
    examples: dict[str, list[dict[str, str]]]
    changes: list[Change]


@dataclass(frozen=True)
class Cost:
    """Tokens of some rows, special ones included, and the unknown ones among them."""

    tokens: int
    unknown: int


def repair_all(
    rows: Mapping[str, int], rules: Sequence[str], *, keep_changes: bool, progress: Progress = SILENT
) -> Repaired:
    """Repairs every distinct text.

    rows           distinct text -> rows it stands in
    rules          as `cleaning_rules.chosen` gives them
    keep_changes   whether each single change is wanted, which takes as much memory as the texts and more
    """
    texts: dict[str, str] = {}
    counts = dict.fromkeys(rules, 0)
    examples: dict[str, list[dict[str, str]]] = {}
    changes: list[Change] = []
    with stage(progress, "repairing", len(rows), "texts"):
        for number, (text, times) in enumerate(rows.items(), 1):
            touched: set[str] = set()
            for rule, before, after in repairs(text, rules):
                texts[text] = after
                if keep_changes:
                    changes.append(Change(rule, before, after, times))
                if rule not in touched:
                    touched.add(rule)
                    counts[rule] += times
                    shown = examples.setdefault(rule, [])
                    if len(shown) < EXAMPLES:
                        shown.append(excerpts(before, after))
            if number % _LOOK_EVERY == 0:
                stop_if_cancelled(progress)
                progress.advance(_LOOK_EVERY)
    return Repaired(texts, counts, {rule: examples[rule] for rule in rules if rule in examples}, changes)


def excerpts(before: str, after: str) -> dict[str, str]:
    """Both texts around the first place where they differ.

    >>> excerpts("good" * 9 + "<br>bad", "good" * 9 + " bad")
    {'before': '…goodgoodgoodgoodgood<br>bad', 'after': '…goodgoodgoodgoodgood bad'}
    """
    pairs = enumerate(zip(before, after, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(before), len(after)))
    start = max(0, at - _CONTEXT)
    return {"before": excerpt(before, start), "after": excerpt(after, start)}


def excerpt(text: str, start: int = 0) -> str:
    """At most 60 characters of a text, with an ellipsis where something is left out."""
    end = start + _SHOWN
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


class Costs:
    """Tokens and unknown tokens of texts, each distinct text encoded once; rows have special tokens too.

    pairs   whether a row is two texts
    """

    def __init__(
        self, texts: Iterable[str], tokenizer: LoadedTokenizer, progress: Progress, *, pairs: bool = False
    ) -> None:
        distinct = list(dict.fromkeys(texts))
        counted = token_counts(distinct, tokenizer, special=False, progress=progress)
        costs = zip(counted.tokens.tolist(), counted.unknown.tolist(), strict=True)
        self._costs = dict(zip(distinct, costs, strict=True))
        second = [""] if pairs else None
        around, bare = (
            int(token_counts([""], tokenizer, pairs=second, special=special).tokens[0])
            for special in (True, False)
        )
        self._special = around - bare

    def tokens(self, texts: Iterable[str]) -> int:
        """Tokens of one row, special ones included."""
        return self._special + sum(self._costs[text][0] for text in texts)

    def of(self, texts: Iterable[tuple[str, int]], rows: int = 0) -> Cost:
        """What texts cost, each as many times as the number beside it says; negative ones are taken off.

        rows   that they are the texts of, each of which has its special tokens
        """
        tokens, unknown = rows * self._special, 0
        for text, times in texts:
            mine = self._costs[text]
            tokens, unknown = tokens + mine[0] * times, unknown + mine[1] * times
        return Cost(tokens, unknown)

    def saved(self, changes: Iterable[Change], rules: Sequence[str]) -> dict[str, Cost]:
        """What each rule saved; together exactly what all texts cost less than before."""
        signed: dict[str, list[tuple[str, int]]] = {rule: [] for rule in rules}
        for change in changes:
            signed[change.rule] += [(change.before, change.rows), (change.after, -change.rows)]
        return {rule: self.of(rows) for rule, rows in signed.items()}
