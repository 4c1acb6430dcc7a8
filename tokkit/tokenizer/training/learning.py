"""From word counts to a vocabulary with merges: what `train-wordpiece` and `train-bpe` learn.

1. initial tokens: reserved ones, the characters by code point, then the characters with prefix or suffix
2. merges: the most frequent pair of neighboring tokens becomes a token, again and again

A small corpus is merged here in plain Python, which starts at once and needs nothing compiled; a larger one
by `merging`, with kernels. Both take the steps of the reference trainer (``BpeTrainer.do_train`` of
`tokenizers`) in the same order and give the same result to the last id.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from tokkit.corpus.reference_words import PlainWords
from tokkit.progress import SILENT, Progress, Stages, stop_if_cancelled
from tokkit.runtime.kernel_cache import is_compiled, say_if_compiling
from tokkit.runtime.threads import threads_to_use
from tokkit.tokenizer.training.lexicon import Lexicon, Merge, MergedVocabulary, MergeOptions, Words

Item = TypeVar("Item")

# Distinct words up to which plain Python merges in the time that loading compiled kernels takes.
_PLAIN_WORDS = 16_000

# Merges in plain Python between two reports of progress.
_REPORT_EVERY = 100

# Words in plain Python between two checks whether to stop: some milliseconds.
_CHECK_EVERY = 1000


def learn(
    options: MergeOptions,
    words: Words,
    stages: Stages,
    initial: Sequence[str] = (),
    threads: int | None = None,
) -> MergedVocabulary:
    """The vocabulary and merges of the words, equal to what the reference trainer may give.

    initial  the tokens before the first merge; empty: chosen here

    Ctrl-C, or a cancelled progress, ends it within a tenth of a second.
    """
    with stages.stage("alphabet") as progress:
        lexicon = lexicon_of(words, progress, threads_to_use(threads))
        initial = initial or lexicon.initial_tokens(options)
    count = options.vocab_size - len(initial)
    if count <= 0:
        return MergedVocabulary(initial, len(initial), [])
    with stages.stage("merging", count, "merges") as progress:
        return lexicon.merge(initial, options, progress)


def lexicon_of(words: Words, progress: Progress, threads: int = 1) -> Lexicon:
    """The words for plain Python where they are few, or the kernels are not compiled; else for kernels."""
    if isinstance(words, PlainWords) and (len(words) <= _PLAIN_WORDS or not is_compiled("merge_kernels")):
        return PlainLexicon(words.counts, progress)
    from tokkit.tokenizer.training.merging import KernelLexicon

    say_if_compiling("merge_kernels", progress)
    return KernelLexicon.of(words, progress, threads)


def _checking(items: Iterable[Item], progress: Progress) -> Iterator[Item]:
    """The items; checks before the first one, and after every thousand, whether to stop."""
    for number, item in enumerate(items):
        if number % _CHECK_EVERY == 0:
            stop_if_cancelled(progress)
        yield item


class PlainLexicon(Lexicon):
    """Words in plain Python."""

    def __init__(self, words: Mapping[str, int], progress: Progress = SILENT) -> None:
        # sorted: then the order in which marked characters are met, and with it every id, is reproducible
        self._words = sorted(words.items())
        counts: Counter[str] = Counter()
        for word, count in _checking(self._words, progress):
            for character in word:
                counts[character] += count
        self.counts = counts

    def marked_characters(self) -> Iterator[tuple[int, str]]:
        for word, _ in self._words:
            last = len(word) - 1
            for position, character in enumerate(word):
                yield (position > 0) + 2 * (position == last), character

    def merge(self, initial: Sequence[str], options: MergeOptions, progress: Progress) -> MergedVocabulary:
        tokens, merges = list(initial), []
        words = self._in_symbols(tokens, options, progress)
        for merge in _Merger(words, tokens, options, progress).merges():
            merges.append(merge)
            if len(merges) % _REPORT_EVERY == 0:
                progress.advance(_REPORT_EVERY)
        progress.advance(len(merges) % _REPORT_EVERY)
        return MergedVocabulary(tokens, len(initial), merges)

    def _in_symbols(
        self, initial: Sequence[str], options: MergeOptions, progress: Progress
    ) -> tuple[list[list[int]], list[int]]:
        """Words of two symbols or more as lists of initial tokens, and their counts.

        Characters without a token vanish, and their neighbors become adjacent.
        """
        ids = {token: number for number, token in enumerate(initial)}
        token_of = {
            (kind, character): ids[options.marked(kind, character)]
            for character in self.counts
            for kind in range(4)
            if character in ids and options.marked(kind, character) in ids
        }
        symbols, counts = [], []
        for word, count in _checking(self._words, progress):
            last = len(word) - 1
            keys = (((i > 0) + 2 * (i == last), character) for i, character in enumerate(word))
            written = [token_of[key] for key in keys if key in token_of]
            if len(written) > 1:
                symbols.append(written)
                counts.append(count)
        return symbols, counts


class _Merger:
    """The merge loop of the reference trainer.

    The queue holds (-count, pair, entry, words): the most frequent pair first, then the smaller one, then the
    older entry. A count in the queue may be out of date, since pairs lose occurrences when a neighbor is
    merged; it is corrected when the pair comes first. ``words`` are those in which the pair rose when the
    entry was added, so a pair may have several entries, each with words of its own.
    """

    def __init__(
        self,
        words: tuple[list[list[int]], list[int]],
        tokens: list[str],
        options: MergeOptions,
        progress: Progress,
    ) -> None:
        self._progress = progress
        self._symbols, self._weights = words
        self._tokens = tokens
        self._options = options
        # characters of every symbol: a token that is made in two ways may have now more and now fewer
        self._spans = [[1] * len(word) for word in self._symbols] if options.longest else []
        self._ids = {token: number for number, token in enumerate(tokens)}
        self._counts: defaultdict[tuple[int, int], int] = defaultdict(int)

    def merges(self) -> Iterator[Merge]:
        """One merge after the other; adds to ``tokens``."""
        counts, size, lowest = self._counts, self._options.vocab_size, max(1, self._options.min_frequency)
        holders: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for word, symbols in enumerate(_checking(self._symbols, self._progress)):
            for pair in pairwise(symbols):
                counts[pair] += self._weights[word]
                holders[pair].add(word)
        queue = [(-counts[pair], pair, entry, words) for entry, (pair, words) in enumerate(holders.items())]
        heapq.heapify(queue)
        entries, visited = len(queue), 0
        # The word `abab`, three times, with the tokens a = 0 and b = 1:
        #
        #     pairs             ab 6, ba 3            the queue starts with ab
        #     merge ab -> 2     2 ab                  (b, a) falls by 3, (2, a) rises by 3
        #                       2 2                   (2, a) falls by 3, (2, 2) rises by 3
        #     counts now        ab 6, ba 0, 2a 0, 22 3
        #                                             (2, a) is not queued: nothing is left of it;
        #                                             the count of ab stays, but its entry is gone
        #     merge 22 -> 3     3                     the token `abab`
        while queue and len(self._tokens) < size:
            negative, pair, entry, words = queue[0]
            count = counts[pair]
            if count != -negative:
                heapq.heapreplace(queue, (-count, pair, entry, words))
                continue
            if count < lowest:
                return
            heapq.heappop(queue)
            visited += len(words)
            if visited >= _CHECK_EVERY:
                stop_if_cancelled(self._progress)
                visited = 0
            token = self._token_of(*pair)
            for risen, holding in self._replace(words, *pair, token).items():
                # a pair may rise and fall in the same step: what counts is what is left after all words
                if counts[risen] > 0:
                    heapq.heappush(queue, (-counts[risen], risen, entries, holding))
                    entries += 1
            yield (*pair, token)

    def _token_of(self, left: int, right: int) -> int:
        """The token that a pair becomes: an older one where its string is a token already."""
        string = self._tokens[left] + self._tokens[right].removeprefix(self._options.prefix)
        token = self._ids.setdefault(string, len(self._tokens))
        if token == len(self._tokens):
            self._tokens.append(string)
        return token

    def _replace(
        self, words: Iterable[int], left: int, right: int, token: int
    ) -> dict[tuple[int, int], set[int]]:
        """Replace the pair in the words; update the counts; the pairs that rose, with their words."""
        counts, longest = self._counts, self._options.longest
        risen: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for number in words:
            symbols, weight, at = self._symbols[number], self._weights[number], 0
            spans = self._spans[number] if longest else []
            while at < len(symbols) - 1:
                try:
                    # a search in C; the last symbol is left out, since no pair starts there
                    at = symbols.index(left, at, -1)
                except ValueError:
                    break
                if symbols[at + 1] != right:
                    at += 1
                    continue
                symbols[at : at + 2] = [token]
                if longest:
                    spans[at : at + 2] = [spans[at] + spans[at + 1]]
                if at:
                    before = symbols[at - 1]
                    counts[before, left] -= weight
                    if not longest or spans[at - 1] + spans[at] <= longest:
                        counts[before, token] += weight
                        risen[before, token].add(number)
                if at + 1 < len(symbols):
                    after = symbols[at + 1]
                    counts[right, after] -= weight
                    if not longest or spans[at] + spans[at + 1] <= longest:
                        counts[token, after] += weight
                        risen[token, after].add(number)
                at += 1
        return risen
