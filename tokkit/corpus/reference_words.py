"""Words counted by `tokenizers` itself: small corpora, and rare text.

The trainer of WordLevel exposes the word counts that every trainer of `tokenizers` starts from. A small
corpus is counted by it in this process: that takes less time than loading the kernels, and nothing has to be
compiled. What may not be cut is counted by it however large it is (`uncut_words`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer, models, trainers

from tokkit.corpus.cutting import Pipeline
from tokkit.corpus.feed import CorpusFile, items, size_of
from tokkit.errors import InputError
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.runtime.kernel_cache import is_compiled

# Bytes of a corpus up to which it is counted here: where the kernels are compiled, and where they are not.
# Measured on English and Korean prose: loading compiled kernels takes 0.35 s, compiling them 10 s. The second
# is not the point where both take as long: whoever trains on 4 MB does so again, and compiles only once.
SMALL, SMALL_UNCOMPILED = 512 << 10, 5 << 18

_BATCH = 20_000


@dataclass(frozen=True)
class PlainWords:
    """`lexicon.Words` as a dict."""

    counts: Mapping[str, int]
    bytes: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def __len__(self) -> int:
        return len(self.counts)

    def texts(self, lowest: int = 1) -> list[tuple[str, int]]:
        return [(word, count) for word, count in self.counts.items() if count >= lowest]

    def count_at_rank(self, rank: int) -> int:
        return sorted(self.counts.values(), reverse=True)[rank - 1] if rank < len(self) else 1


def is_small(corpus: Sequence[CorpusFile], tokenizer: str) -> bool:
    """Whether `count_small` takes less time than the kernels; False for compressed files and tables."""
    size = size_of(corpus)
    most = SMALL if is_compiled("chunk_kernels") else SMALL_UNCOMPILED
    return size is not None and size <= most and Pipeline.of(tokenizer).cuts() is not None


def count_small(corpus: Sequence[CorpusFile], tokenizer: str, progress: Progress) -> PlainWords:
    """The words of a corpus under the blocks of ``tokenizer`` (JSON).

    Raises `InputError` for text that cannot be read, and for a corpus without words.
    """
    sizes: list[int] = []

    def on_bytes(amount: int) -> None:
        sizes.append(amount)
        progress.advance(amount)
        stop_if_cancelled(progress)

    counts = count_by_reference(Tokenizer.from_str(tokenizer), items(corpus, on_bytes))
    if not counts:
        raise no_words()
    return PlainWords(counts, sum(sizes))


def no_words() -> InputError:
    """The error about a corpus without words."""
    return InputError("the corpus holds no word that the pre-tokenizer lets through")


def count_by_reference(tokenizer: Tokenizer, texts: Iterable[str] | Iterator[list[str]]) -> dict[str, int]:
    """How often each word of the normalizer and pre-tokenizer occurs in the texts (or lists of texts)."""
    counter = Tokenizer(models.WordLevel())
    if tokenizer.normalizer is not None:
        counter.normalizer = tokenizer.normalizer
    if tokenizer.pre_tokenizer is not None:
        counter.pre_tokenizer = tokenizer.pre_tokenizer
    # a vocabulary of 0 tokens: only the counts are needed, not what the trainer would make of them
    trainer = trainers.WordLevelTrainer(vocab_size=0, show_progress=False, special_tokens=[])
    counter.train_from_iterator(texts, trainer)
    # the only way to the counts: a trainer exposes them in its pickled state alone
    words: dict[str, int] = json.loads(trainer.__getstate__())["WordLevelTrainer"]["words"]
    return words


def weighted_words(
    tokenizer: Tokenizer, texts: Sequence[str], counts: Sequence[int]
) -> Iterator[tuple[str, int]]:
    """Words of texts that occur ``counts`` times each; a word may be yielded several times.

    The trainer counts a text once. So it is fed the texts whose count has bit 0 set, then those with bit 1,
    ..., and the words found are worth 1, 2, ... each: few texts have many bits.

        "a b" x 5, "b" x 1  ->  bit 0: "a b", "b"  ->  a 1, b 2
                                bit 2: "a b"       ->  a 1, b 1, four times each
    """
    for start in range(0, len(texts), _BATCH):
        batch = list(zip(texts[start : start + _BATCH], counts[start : start + _BATCH], strict=True))
        for bit in range(max(count for _, count in batch).bit_length()):
            fed = [text for text, count in batch if count >> bit & 1]
            for word, number in count_by_reference(tokenizer, fed).items() if fed else ():
                yield word, number << bit
