"""Unigram trained by the reference, in a process that can be killed: ``python -m`` this module.

It cannot be interrupted, so `train_unigram` starts it as a child; `child_process` describes the messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tokkit.errors import UsageError, counted
from tokkit.runtime.child_process import Reporter, serve

# Occurrences of a word that are fed as one text.
_BATCH = 1_000


def learn(job: Mapping[str, Any]) -> dict[str, Any]:
    """Tokens with their scores, learned from the words of a job and their counts."""
    words: Mapping[str, int] = job["words"]
    trainer = trainers.UnigramTrainer(**job["trainer"], show_progress=False)
    # words are words already: splitting at a character that occurs in none of them gives them back whole
    mark = _absent(words)
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(mark)
    try:
        tokenizer.train_from_iterator(_texts(words, mark, Reporter()), trainer)
    except Exception as error:
        size = job["trainer"]["vocab_size"]
        raise UsageError(
            f"--vocab-size: {counted(size, 'token', style=',')} cannot be learned from this corpus: {error}",
            hint="name a size with room for every character of the corpus",
        ) from error
    return {"tokens": json.loads(tokenizer.to_str())["model"]["vocab"]}


def _texts(words: Mapping[str, int], mark: str, report: Reporter) -> Iterator[str]:
    """Every word as often as it occurs in the corpus, up to a thousand times in one text."""
    for word, count in words.items():
        # no trainer takes counts (tokenizers issues 760 and 89), so a word is fed as often as it occurs
        for done in range(0, count, _BATCH):
            number = min(_BATCH, count - done)
            report(number)
            yield mark.join([word] * number)


def _absent(words: Mapping[str, int]) -> str:
    """A character that occurs in no word."""
    used: set[str] = set().union(*words)
    return next(mark for mark in map(chr, range(0xE000, 0x110000)) if mark not in used)


if __name__ == "__main__":
    serve("training Unigram", learn)
