"""The tokens that save most, each given those chosen before it.

Greedy: of all beginnings the one that saves most goes first, the words it changes are cut anew, and the rest
are judged by what they save then. A bound on each candidate is known beforehand (`candidates`), so that few
are ever looked at closely.

Most save less and less the more is chosen, so that a candidate is judged again when it comes first. Two kinds
may save more, and are judged again at once: longer beginnings of words that got worse, and shorter beginnings
of the chosen token, which no longer make its words worse (after `daa`, `d` takes nothing from `daa`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tokkit.inspection.suggestion.candidates import Candidates
from tokkit.inspection.suggestion.cut_words import Change, CutWords
from tokkit.inspection.suggestion.suggest_options import SuggestOptions
from tokkit.progress import Progress, stop_if_cancelled


@dataclass(frozen=True)
class Chosen:
    """A token that is worth adding.

    text            what a person would type
    forms           the pre-tokens it enters the vocabulary as
    count           words of the corpus that it begins and whose cut it changes
    words           distinct ones among them
    saved           tokens the corpus needs fewer
    unknown         unknown tokens it removes
    worse           words of the corpus that need more tokens with it
    examples        numbers of the changed words, those of most occurrences first
    """

    text: str
    forms: tuple[str, ...]
    count: int
    words: int
    saved: int
    unknown: int
    worse: int
    examples: tuple[int, ...]

    @property
    def worth(self) -> int:
        """What candidates are ranked by: an unknown token removed counts as one saved."""
        return self.saved + self.unknown


# Beginning, as the pre-tokenizer writes it -> text and pre-tokens of the token; None for what may not be one.
Allowed = Callable[[str], tuple[str, tuple[str, ...]] | None]


def select(
    cut: CutWords, candidates: Candidates, allowed: Allowed, options: SuggestOptions, progress: Progress
) -> list[Chosen]:
    """At most ``options.top`` tokens in the order they are chosen; ``cut`` ends as it is with all of them."""
    chosen: list[Chosen] = []
    chosen_texts: set[str] = set()
    forms: dict[str, tuple[str, ...]] = {}
    worth: dict[str, int] = {}
    judged_before: set[str] = set()
    heap: list[tuple[int, str]] = []
    following = 0

    def consider(beginning: str) -> None:
        judged_before.add(beginning)
        token = allowed(beginning)
        if token is not None and token[0] not in chosen_texts:
            text, forms[text] = token
            push(text)

    def push(text: str) -> None:
        judged = _judged(cut, text, forms[text], options)
        worth[text] = judged.worth if judged else 0
        if worth[text] > 0:
            heapq.heappush(heap, (-worth[text], text))

    while len(chosen) < options.top:
        stop_if_cancelled(progress)
        # In order of their bounds: a candidate is judged only while it might save more than the best judged.
        while following < len(candidates) and (not heap or candidates.bound[following] >= -heap[0][0]):
            number, length = candidates.word[following], candidates.length[following]
            consider(cut.words[number][:length])
            following += 1
        if not heap:
            break
        value, text = heapq.heappop(heap)
        # `heapq` cannot change an entry: a new one was pushed, and this one is out of date.
        if text in chosen_texts or -value != worth[text]:
            continue
        judged = _judged(cut, text, forms[text], options)
        # Tokens chosen since then changed its words: it goes back with what it is worth now.
        if judged is None or judged.worth != -value:
            push(text)
            continue
        chosen.append(judged)
        chosen_texts.add(text)
        for beginning in _apply(cut, forms[text]):
            consider(beginning)
        for shorter in {form[:end] for form in forms[text] for end in range(1, len(form))} & judged_before:
            consider(shorter)
        progress.advance(1)
    return chosen


def _judged(cut: CutWords, text: str, forms: Sequence[str], options: SuggestOptions) -> Chosen | None:
    """What a token does now; None for one that too few words would have, or that makes one unknown."""
    changes = [cut.change(form) for form in forms]
    words, cost, unknown = (
        np.concatenate([getattr(change, name) for change in changes]) for name in ("words", "cost", "unknown")
    )
    counts = cut.counts[words]
    # A beginning is a word of its own, or one of several words.
    if counts.sum() < options.min_count or (
        len(words) < options.min_words and _whole_words(cut, changes) < options.min_count
    ):
        return None
    # With the token first, WordPiece may not match the rest of a word, which then is unknown as a whole.
    if (unknown > cut.unknown[words]).any():
        return None
    saved = cut.cost[words] - cost
    return Chosen(
        text=text,
        forms=tuple(forms),
        count=int(counts.sum()),
        words=len(words),
        saved=int((counts * saved).sum()),
        unknown=int((counts * (cut.unknown[words] - unknown)).sum()),
        worse=int(counts[saved < 0].sum()),
        examples=tuple(words[np.argsort(-counts, kind="stable")[:_EXAMPLES]].tolist()),
    )


_EXAMPLES = 8


def _whole_words(cut: CutWords, changes: Sequence[Change]) -> int:
    """How often a new token is a whole word of the corpus."""
    whole = [n for change in changes for n in change.words.tolist() if len(cut.words[n]) == change.length]
    return int(cut.counts[whole].sum())


def _apply(cut: CutWords, forms: Sequence[str]) -> list[str]:
    """Puts the forms into the vocabulary; longer beginnings of words that got worse, which are worth more now
    than their bounds."""
    risen = []
    for form in forms:
        change = cut.change(form)
        worse = change.words[change.cost > cut.cost[change.words]]
        cut.apply(change)
        for number in worse.tolist():
            word, start = cut.words[number], cut.starts[number]
            risen += [word[:end] for end in range(len(form) + 1, len(word) + 1) if cut.rest[start + end] >= 0]
    return risen
