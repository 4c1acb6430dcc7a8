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
from typing import TYPE_CHECKING

import numpy as np

from tokkit.inspection.suggestion.candidates import Candidates
from tokkit.inspection.suggestion.cut_words import Change, CutWords
from tokkit.progress import Progress, stop_if_cancelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


@dataclass(frozen=True)
class Wish:
    """What may be chosen.

    allowed     from a beginning, as the pre-tokenizer writes it, to the token's text and its pre-tokens; None
                where it may not be one
    top         tokens at most
    min_count   words of the corpus that a token must change
    min_words   distinct ones among them, unless it is a word itself
    """

    allowed: Callable[[str], tuple[str, tuple[str, ...]] | None]
    top: int
    min_count: int
    min_words: int


def select(cut: CutWords, found: Candidates, wish: Wish, progress: Progress) -> list[Chosen]:
    """At most ``wish.top`` tokens in the order they are chosen; ``cut`` is left as it is with all of them."""
    chosen: list[Chosen] = []
    taken: set[str] = set()
    forms: dict[str, tuple[str, ...]] = {}
    worth: dict[str, int] = {}
    judged_before: set[str] = set()
    heap: list[tuple[int, str]] = []
    following = 0

    def consider(beginning: str) -> None:
        judged_before.add(beginning)
        allowed = wish.allowed(beginning)
        if allowed is None or allowed[0] in taken:
            return
        text, forms[text] = allowed
        push(text)

    def push(text: str) -> None:
        judged = _judged(cut, text, forms[text], wish)
        worth[text] = judged.worth if judged else 0
        if worth[text] > 0:
            heapq.heappush(heap, (-worth[text], text))

    while len(chosen) < wish.top:
        stop_if_cancelled(progress)
        # In order of their bounds: a candidate is judged only while it might save more than the best judged.
        while following < len(found) and (not heap or found.bound[following] >= -heap[0][0]):
            number, length = found.word[following], found.length[following]
            consider(cut.words[number][:length])
            following += 1
        if not heap:
            break
        value, text = heapq.heappop(heap)
        # `heapq` cannot change an entry: a new one was pushed, and this one is out of date.
        if text in taken or -value != worth[text]:
            continue
        judged = _judged(cut, text, forms[text], wish)
        # Tokens chosen since then changed its words: it goes back with what it is worth now.
        if judged is None or judged.worth != -value:
            push(text)
            continue
        chosen.append(judged)
        taken.add(text)
        for beginning in _apply(cut, forms[text]):
            consider(beginning)
        for shorter in {form[:end] for form in forms[text] for end in range(1, len(form))} & judged_before:
            consider(shorter)
        progress.advance(1)
    return chosen


def _judged(cut: CutWords, text: str, forms: Sequence[str], wish: Wish) -> Chosen | None:
    """What a token does now; None for one that too few words would have, or that makes one unknown."""
    changes = [cut.change(form) for form in forms]
    words, cost, unknown = (
        np.concatenate([getattr(change, name) for change in changes]) for name in ("words", "cost", "unknown")
    )
    counts = cut.counts[words]
    if counts.sum() < wish.min_count or not _is_common(cut, words, changes, wish):
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


def _is_common(cut: CutWords, words: NDArray[np.int64], changes: Sequence[Change], wish: Wish) -> bool:
    """Whether a beginning is a word of its own, or one of several words."""
    if len(words) >= wish.min_words:
        return True
    whole = [n for change in changes for n in change.words.tolist() if len(cut.words[n]) == change.length]
    return sum(int(cut.counts[n]) for n in whole) >= wish.min_count


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
