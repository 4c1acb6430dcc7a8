"""Small random corpora that bring out what is rare in a BPE training, and what runs them through trainers."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bpe_oracle import kept_characters
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tokkit.corpus.cutting import byte_of_character
from tokkit.corpus.words import WordColumns
from tokkit.progress import SILENT, Stages
from tokkit.runtime.byte_table import ByteTable, StringCounts
from tokkit.tokenizer.training.learning import PlainLexicon, learn
from tokkit.tokenizer.training.lexicon import MergedVocabulary, MergeOptions

LETTERS = (
    "a",
    "ab",
    "a#",
    "abc",
    "abcd",
    "-=",
    "ab#",
    "##<",
    "</w>a",
    "가나다",
    "한국어 말",
    "e\u0301n\u0303",
    "😀👍a",
)
"""Few letters give many ties, overlaps (`aaaa`, `abab`) and strings that are made in two ways."""

MARKS = (("", ""), ("##", ""), ("", "</w>"), ("##", "</w>"), ("a", ""), ("", "b"), ("#", "#"), ("b", "ab"))
"""Prefix and suffix; where they are letters of the text, a token has now more and now fewer characters."""


@dataclass(frozen=True)
class Case:
    """Words with their counts and what is asked of the trainer; ``longest`` in characters."""

    words: Mapping[str, int]
    vocab_size: int
    min_frequency: int = 0
    special: tuple[str, ...] = ()
    alphabet: tuple[str, ...] = ()
    limit: int | None = None
    prefix: str = ""
    suffix: str = ""
    longest: int | None = None

    def settings(self) -> dict[str, Any]:
        """All but the words, as `bpe_oracle.learn` takes them."""
        return {name: value for name, value in vars(self).items() if name != "words"}

    def with_size(self, vocab_size: int) -> Case:
        return replace(self, vocab_size=vocab_size)

    @property
    def drops_by_chance(self) -> bool:
        """Whether the reference chooses at random among equally rare characters."""
        if self.limit is None:
            return False
        text = "".join(word * count for word, count in self.words.items())
        limited = kept_characters(self.words, self.alphabet, self.limit)
        left = {*text, *self.alphabet} - {*limited}
        often = {c: 1 << 62 if c in self.alphabet else text.count(c) for c in {*limited, *left}}
        return bool(left) and min(often[c] for c in limited) == max(often[c] for c in left)


def random_case(seed: int) -> Case:
    """1 to 40 words of up to 30 characters, and a size that leaves room for no merge, for some, or all."""
    draw = random.Random(seed)
    letters = draw.choice(LETTERS).replace(" ", "")
    words: dict[str, int] = {}
    for _ in range(draw.choice((1, 2, 4, 8, 16, 40))):
        word = random_word(draw, letters)
        words[word] = words.get(word, 0) + draw.choice((1, 1, 2, 3, draw.randint(1, 40)))
    prefix, suffix = draw.choice(MARKS) if draw.random() < 0.6 else ("", "")
    strings = tuple("".join(draw.choices(letters, k=length)) for length in (2, 3, 3, 4))
    initial = len({*"".join(words)}) * (4 if prefix or suffix else 1)
    return Case(
        dict(sorted(words.items())),
        vocab_size=max(1, initial + draw.choice((-1, 0, 1, 3, 8, 20, 1000))),
        min_frequency=draw.choice((0, 1, 2, 5)),
        special=draw.choice(((), ("[UNK]",), ("[UNK]", letters[0]), strings)),
        alphabet=draw.choice(((), (), ("a", "z"))),
        limit=draw.choice((None, None, None, 1, 2, 3)),
        prefix=prefix,
        suffix=suffix,
        longest=draw.choice((None, None, None, 2, 3, 4, 5, 8)),
    )


def random_word(draw: random.Random, letters: str) -> str:
    kind, length = draw.randrange(4), draw.randint(1, 30)
    if kind == 0:
        return "".join(draw.choices(letters, k=length))
    if kind == 1:
        return draw.choice(letters) * length
    units = ["".join(draw.choices(letters, k=draw.randint(1, 3))) for _ in range(2)]
    if kind == 2:
        return (units[0] * 30)[:length]
    return "".join(draw.choices(units, k=draw.randint(1, 6)))


def table_of(words: Mapping[str, int], raw: bool = False) -> WordColumns:
    """The words as a count of a corpus gives them; ``raw`` ones are in ByteLevel's characters."""
    table = ByteTable()
    byte = byte_of_character()
    encoded = [bytes(byte[c] for c in word) if raw else word.encode() for word in words]
    table.add(StringCounts.of(encoded, list(words.values())))
    return WordColumns.of_table(table, raw, 0)


def options_of(case: Case) -> MergeOptions:
    return MergeOptions(
        reserved=case.special,
        alphabet=case.alphabet,
        vocab_size=case.vocab_size,
        min_frequency=case.min_frequency,
        limit_alphabet=case.limit,
        prefix=case.prefix,
        suffix=case.suffix,
        longest=case.longest,
    )


def engine_learns(
    case: Case, initial: Sequence[str] = (), raw: bool = False, threads: int = 2
) -> MergedVocabulary:
    """By kernels; that plain Python learns the same is checked."""
    words = table_of(case.words, raw)
    learned = learn(options_of(case), words, Stages(SILENT), initial, threads)
    assert learn_plainly(case, initial) == learned, case
    return learned


def learn_plainly(case: Case, initial: Sequence[str] = ()) -> MergedVocabulary:
    """By plain Python, however many words there are."""
    options, lexicon = options_of(case), PlainLexicon(case.words)
    initial = list(initial) or lexicon.initial_tokens(options)
    if options.vocab_size <= len(initial):
        return MergedVocabulary(initial, len(initial), [])
    return lexicon.merge(initial, options, SILENT)


def reference_learns(case: Case) -> tuple[list[str], list[list[str]]]:
    """Tokens by id and merges by rank, from `tokenizers` itself."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    settings: dict[str, Any] = {
        "continuing_subword_prefix": case.prefix or None,
        "end_of_word_suffix": case.suffix or None,
        "limit_alphabet": case.limit,
        "max_token_length": case.longest and case.longest + 1,
    }
    trainer = trainers.BpeTrainer(
        vocab_size=case.vocab_size,
        min_frequency=case.min_frequency,
        special_tokens=list(case.special),
        initial_alphabet=list(case.alphabet),
        show_progress=False,
        **{name: value for name, value in settings.items() if value is not None},
    )
    tokenizer.train_from_iterator((" ".join([word] * count) for word, count in case.words.items()), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].__getitem__), model["merges"]
