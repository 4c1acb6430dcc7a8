"""Words of texts, counted by the reference itself: the oracle of the fast road, and its help for rare text.

The word counts of a trained `WordLevelTrainer` are those that every trainer of `tokenizers` starts from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_AT_ONCE = 20_000


def count_words(tokenizer: Any, texts: Iterable[str] | Iterator[list[str]]) -> dict[str, int]:
    """How often each word of the normalizer and pre-tokenizer stands in the texts (or lists of texts)."""
    from tokenizers import Tokenizer, models, trainers

    counter = Tokenizer(models.WordLevel())
    if tokenizer.normalizer is not None:
        counter.normalizer = tokenizer.normalizer
    if tokenizer.pre_tokenizer is not None:
        counter.pre_tokenizer = tokenizer.pre_tokenizer
    trainer = trainers.WordLevelTrainer(vocab_size=0, show_progress=False, special_tokens=[])
    counter.train_from_iterator(texts, trainer)
    words: dict[str, int] = json.loads(trainer.__getstate__())["WordLevelTrainer"]["words"]
    return words


def weighted_words(tokenizer: Any, texts: Sequence[str], counts: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Words of texts that each stand for ``counts`` occurrences; a word may come several times.

    The reference counts a text once. It is therefore fed the texts whose count has bit 0, bit 1, ... set,
    and what it finds is worth 1, 2, ... each: few texts have many bits.
    """
    for start in range(0, len(texts), _AT_ONCE):
        some = list(zip(texts[start : start + _AT_ONCE], counts[start : start + _AT_ONCE], strict=True))
        for bit in range(max(count for _, count in some).bit_length()):
            fed = [text for text, count in some if count >> bit & 1]
            for word, number in count_words(tokenizer, fed).items() if fed else ():
                yield word, number << bit
