"""The `tokenizers` trainer in a process of its own, where it can be killed: ``python -m`` this module.

It cannot be interrupted while it feeds or merges, so `engine` starts it as a child, hands it a job on
standard input and reads one JSON object a line from its standard output: ``{"bytes": n}`` while text is
fed, ``{"merging": true}`` once, then ``{"learned": {...}}`` or ``{"error": {...}}``.

The reference gives the ids of word pieces with a prefix or suffix, and ties at a limited alphabet, in
the order of a randomly seeded hash map. Where either is in play the words are counted first, the
alphabet is made in sorted order, and the trainer is given it as tokens that are already there: one of
the results the reference may give, and always the same one.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokkit.corpus.feed import CorpusFile, items
from tokkit.errors import EXIT_BUG, InputError, TokkitError
from tokkit.sources.tables import TableFormat

_REPORT_EVERY = 0.1


def main() -> None:
    """Reads a job, trains, answers; ends at once when the parent is gone."""
    asked = sys.stdin.readline()
    if not asked:
        return  # the parent was gone before it asked
    job = json.loads(asked)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _answer(learned=learn(job, _Reporter()))
    except TokkitError as error:
        _answer(error={"message": error.message, "hint": error.hint, "exit_code": error.exit_code})
    except BaseException as error:  # a panic of the library is no Exception
        told = f"the trainer failed: {type(error).__name__}: {error}"
        _answer(error={"message": told, "hint": None, "exit_code": EXIT_BUG})
    os._exit(0)  # the thread that waits for the parent's end holds standard input


def learn(
    job: Mapping[str, Any], on_bytes: Callable[[int], None], initial: Sequence[str] | None = None
) -> dict[str, Any]:
    """Vocabulary, merges and word counts of one job (`engine.Job.as_json`).

    ``initial`` are the tokens that are there before the first merge, where they are known.
    """
    from tokenizers import Tokenizer, models, trainers

    corpus = [CorpusFile(Path(f["path"]), TableFormat(*f["format"]), f["column"]) for f in job["corpus"]]
    tokenizer = Tokenizer.from_str(job["skeleton"])
    tokenizer.model = models.BPE()  # WordPiece learns its vocabulary the same way and drops the merges
    fed = _Counted(on_bytes)
    reserved: list[str] = job["reserved"]
    settings: dict[str, Any] = {"initial_alphabet": job["alphabet"]}
    if job["prefix"] or job["suffix"] or job["limit_alphabet"]:
        reserved = list(initial or _initial_tokens_of(job, _count_words(tokenizer, corpus, on_bytes)))
        settings = {"limit_alphabet": 0, "initial_alphabet": []}
    if job["max_token_length"]:
        settings["max_token_length"] = job["max_token_length"] + 1  # the reference compares with <
    marks = {"continuing_subword_prefix": job["prefix"], "end_of_word_suffix": job["suffix"]}
    trainer = trainers.BpeTrainer(
        vocab_size=job["vocab_size"],
        min_frequency=job["min_frequency"],
        special_tokens=reserved,
        show_progress=False,
        **{name: mark for name, mark in marks.items() if mark},
        **settings,
    )
    tokenizer.train_from_iterator(_fed(corpus, fed), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    counts = json.loads(trainer.__getstate__())["BpeTrainer"]["words"]
    if not counts:
        raise InputError("the corpus holds no word that the pre-tokenizer lets through")
    return {
        "vocabulary": model["vocab"],
        "merges": model["merges"],
        "words": sum(counts.values()),
        "distinct_words": len(counts),
        "bytes": fed.total,
    }


def _initial_tokens_of(job: Mapping[str, Any], words: Mapping[str, int]) -> list[str]:
    marks = job["prefix"] or "", job["suffix"] or ""
    return initial_tokens(words, job["reserved"], job["alphabet"], job["limit_alphabet"], *marks)


def initial_tokens(
    words: Mapping[str, int],
    reserved: Sequence[str],
    alphabet: Sequence[str],
    limit: int | None,
    prefix: str,
    suffix: str,
) -> list[str]:
    """The tokens that are there before the first merge, in the order of their ids.

    Reserved ones, the bare characters by code point, then the characters with prefix or suffix as they
    are met when the words are walked in sorted order (steps 3 and 4 of the reference trainer). Of a
    limited alphabet the rarest characters are dropped, the higher code point first among equals.

    >>> initial_tokens({"ab": 2, "b": 1}, ["[UNK]"], [], None, "##", "")
    ['[UNK]', 'a', 'b', '##b']
    """
    kept = set(alphabet).union(*words) if limit is None else _most_frequent(words, alphabet, limit)
    tokens = dict.fromkeys((*reserved, *sorted(kept)))
    for word in sorted(words):
        for position, character in enumerate(word):
            if character in tokens:
                before = prefix if position > 0 else ""
                after = suffix if position == len(word) - 1 else ""
                tokens.setdefault(before + character + after)
    return list(tokens)


def _most_frequent(words: Mapping[str, int], alphabet: Sequence[str], limit: int) -> list[str]:
    """The characters of a limited alphabet; those of ``alphabet`` go before all others."""
    counts: dict[str, float] = {}
    for word, count in words.items():
        for character in word:
            counts[character] = counts.get(character, 0) + count
    counts.update({character: float("inf") for character in alphabet})
    return sorted(counts, key=lambda character: (-counts[character], character))[:limit]


def _count_words(
    tokenizer: Any, corpus: Sequence[CorpusFile], on_bytes: Callable[[int], None]
) -> dict[str, int]:
    """How often each word stands in the corpus, as the reference itself counts."""
    from tokenizers import Tokenizer, models, trainers

    counter = Tokenizer(models.WordLevel())
    if tokenizer.normalizer is not None:
        counter.normalizer = tokenizer.normalizer
    if tokenizer.pre_tokenizer is not None:
        counter.pre_tokenizer = tokenizer.pre_tokenizer
    trainer = trainers.WordLevelTrainer(vocab_size=0, show_progress=False, special_tokens=[])
    counter.train_from_iterator(items(corpus, on_bytes), trainer)
    words: dict[str, int] = json.loads(trainer.__getstate__())["WordLevelTrainer"]["words"]
    return words


def _fed(corpus: Sequence[CorpusFile], on_bytes: Callable[[int], None]) -> Iterator[list[str]]:
    yield from items(corpus, on_bytes)
    _answer(merging=True)


class _Counted:
    """Passes amounts on, and keeps their sum."""

    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        self.total = 0
        self._on_bytes = on_bytes

    def __call__(self, amount: int) -> None:
        self.total += amount
        self._on_bytes(amount)


class _Reporter:
    """Tells the parent how many bytes were fed, ten times a second."""

    def __init__(self) -> None:
        self._waiting = 0
        self._reported = time.monotonic()

    def __call__(self, amount: int) -> None:
        self._waiting += amount
        if time.monotonic() - self._reported >= _REPORT_EVERY:
            _answer(bytes=self._waiting)
            self._waiting, self._reported = 0, time.monotonic()


def _answer(**message: Any) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # the parent is gone


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
