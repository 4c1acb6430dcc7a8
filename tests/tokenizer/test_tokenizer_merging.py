"""Merging by kernels and in plain Python, against the reference trainer and its image `bpe_oracle`."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import replace

import bpe_oracle
import numpy as np
import pytest
from bpe_corpora import Case, engine_learns, random_case, reference_learns, table_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizer_texts import cut

from tokkit.corpus.cutting import byte_of_character
from tokkit.errors import Interrupted
from tokkit.progress import SILENT, Silent, Stages
from tokkit.tokenizer.training import merge_kernels, merging, pair_scan
from tokkit.tokenizer.training.blueprint import resolve
from tokkit.tokenizer.training.learning import learn
from tokkit.tokenizer.training.lexicon import MergeOptions
from tokkit.tokenizer.training.train import merge_options
from tokkit.tokenizer.training.trainer_options import BpeOptions


def oracle_learns(case, initial=()):
    return bpe_oracle.learn(case.words, **case.settings(), initial=initial)


def assert_equal(learned, expected, case):
    """Tokens, and every merge in the order in which it was made."""
    assert (list(learned.tokens), learned.initial) == (expected.tokens, expected.initial), case
    assert list(learned.merges) == expected.merges_made, case
    assert learned.merges_of(case.vocab_size) == expected.merges, case


def check(seed, monkeypatch):
    """One random corpus through all three, with levels and steps that the seed chooses."""
    case = random_case(seed)
    draw = random.Random(seed)
    cut_up(
        monkeypatch, draw.choice((2, 3, 7, 50, 500_000)), draw.choice((1, 3, 20, 100)), draw.choice((2, 3, 8))
    )
    shuffled = list(case.words.items())
    draw.shuffle(shuffled)
    expected = oracle_learns(case)
    learned = engine_learns(replace(case, words=dict(shuffled)), threads=draw.randint(1, 4))
    assert_equal(learned, expected, case)
    check_smaller(learned, case, draw.randint(1, len(learned.tokens)))
    if not case.drops_by_chance:
        check_reference(case, expected.tokens[: expected.initial])


def check_smaller(learned, case, size):
    """What training for a smaller vocabulary alone gives."""
    expected = oracle_learns(case.with_size(size))
    assert list(learned.vocabulary(size)) == expected.tokens, (case, size)
    assert learned.merges_of(size) == expected.merges, (case, size)


def check_reference(case, initial):
    """Engine and oracle, started from the order of the initial tokens that this run of the reference took."""
    tokens, merges = reference_learns(case)
    own = tokens[: len(initial)]
    assert sorted(own) == sorted(initial), case
    if not (case.prefix or case.suffix):
        assert own == list(initial), case
    expected = oracle_learns(case, own)
    assert expected.open or (expected.tokens, expected.merges) == (tokens, merges), case
    assert_equal(engine_learns(case, own), expected, case)


def cut_up(monkeypatch, step, first=None, divisor=8):
    """Small steps; levels that start at ``first`` and fall by ``divisor``."""

    def next_level(run, pairs):
        return max(run.lowest, (run.level or first * divisor) // divisor)

    monkeypatch.setattr(merging, "_STEP", step)
    # few sums, so that rare pairs share them with frequent ones; one part of the words for each thread
    monkeypatch.setattr(pair_scan, "_SUMS", 16)
    monkeypatch.setattr(merging, "_SHARED", 0)
    if first:
        monkeypatch.setattr(merging, "_next_level", next_level)


@pytest.mark.parametrize("seed", range(80))
def test_merging_equals_oracle_and_reference(seed, monkeypatch):
    check(seed, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(1, 41))
def test_merging_equals_oracle_and_reference_on_thousands(hundred, monkeypatch):
    for seed in range(100 * hundred, 100 * hundred + 100):
        check(seed, monkeypatch)


words_of_few_letters = st.dictionaries(
    st.text("ab#", min_size=1, max_size=12), st.integers(1, 9), min_size=1, max_size=8
)


@given(
    *(words_of_few_letters, st.integers(1, 40), st.integers(0, 3)),
    *(st.sampled_from(["", "#", "##", "a"]), st.sampled_from(["", "</w>", "b"])),
    *(st.none() | st.integers(2, 6), st.integers(1, 12)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_merging_equals_the_oracle_at_any_level(
    monkeypatch, words, size, lowest, prefix, suffix, longest, level
):
    cut_up(monkeypatch, 5, level, 2)
    case = Case(dict(sorted(words.items())), size, lowest, prefix=prefix, suffix=suffix, longest=longest)
    assert_equal(engine_learns(case), oracle_learns(case), case)


RARE = {
    "a pair of one token with itself, that rises on both sides": Case({"aaaaa": 3}, 12, 2, suffix="a"),
    "a token of now more and now fewer characters": Case({"aaaaaaaaa": 2}, 12, 1, suffix="a", longest=5),
    "pairs that rise and fall by the same in one merge": Case(
        {"aaaaaaaaaaaaaa": 2, "bbabbaaab": 1, "bbabbabbabbabb": 1}, 30, suffix="a"
    ),
    "pairs that were never counted, and fall": Case(
        {"##b##b##b##b": 3, "b": 3, "b#bb#bb#bb#bb#": 3}, 30, 2, prefix="b", suffix="#", longest=5
    ),
    "two entries of one pair": Case(
        {
            **{"##############": 3, "######a#a#a#aa": 1, "a#a##a#a##a#a#": 1},
            **{"a#aa#aa#aa#aa#": 3, "aaa": 1, "aaaaaaaaaaaaaa": 2},
        },
        *(30, 1, ("a#", "#a#")),
        suffix="a",
        longest=5,
    ),
}
"""Corpora on which an earlier engine, or one without a part of this, differed."""


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize("level", [1, 2, 3, 30])
def test_merging_found_corpora(name, level, monkeypatch):
    cut_up(monkeypatch, 500_000, level, 2)
    assert_equal(engine_learns(RARE[name]), oracle_learns(RARE[name]), RARE[name])


@pytest.mark.parametrize("text", ["english", "korean"])
@pytest.mark.parametrize("marks", [("", ""), ("##", ""), ("", "</w>")], ids=str)
def test_merging_of_text_scans_again_and_again(text, marks, monkeypatch):
    """Words of natural text, at every level from far above any count down to 1."""
    prefix, suffix = marks
    counts = Counter((cut(text, 12_000) + "---- ------ ======= ..........\n" * 9).split())
    case = Case(dict(sorted(counts.items())), 4000, 1, prefix=prefix, suffix=suffix)
    scans = []
    start = merging._Merging._start_scan
    monkeypatch.setattr(merging._Merging, "_start_scan", lambda run: (start(run), scans.append(run.level)))
    cut_up(monkeypatch, 997, 300, 2)
    assert_equal(engine_learns(case), oracle_learns(case), case)
    assert len(scans) > 5


def test_merging_starts_again_where_a_reused_token_meets_pairs_that_are_not_recorded(monkeypatch):
    """`##` + `###` is `###`, which stands in a rare pair, (`a`, `###`), too."""
    started = []
    make = merging._Merging.__init__

    def counted(self, *arguments, **options):
        make(self, *arguments, **options)
        started.append(self.exact)

    monkeypatch.setattr(merging._Merging, "__init__", counted)
    cut_up(monkeypatch, 500_000, 20, 20)
    case = Case({"###": 40, "a#": 1, "b##a": 2}, 200, 1, prefix="##")
    expected = oracle_learns(case)
    assert expected.reused
    assert_equal(engine_learns(case), expected, case)
    assert started == [False, True]
    started.clear()
    case = replace(case, words={"###": 40})
    assert_equal(engine_learns(case), oracle_learns(case), case)
    assert started == [False]


def test_merging_grows_every_array(monkeypatch):
    """From arrays of a single place on: every reason to grow is met, and nothing changes."""
    make, grow, reasons = merging._Merging.__init__, merging._Merging._grow, Counter()

    def tiny(self, *arguments, **options):
        make(self, *arguments, **options)
        self.pairs = np.zeros((2, 2), np.int64)
        self.queue, self.entries = np.zeros((1, 3), np.int64), np.zeros((1, 2), np.int64)
        self.events, self.merges = np.empty((2, 1), np.uint32), np.zeros((1, 3), np.int32)
        self.text = self.text[: int(self.state[merge_kernels.TEXT]) + 1].copy()
        for part in self._scan._parts:
            part.counted = np.zeros((2, 4), np.int64)

    def tight(self, number):
        order = self.queue[: int(self.state[merge_kernels.QUEUED]), 2]
        lists = np.zeros(int(self.entries[order, 1].sum()) + number, np.uint32)
        self.state[merge_kernels.LISTED] = merge_kernels.repack(order, self.entries, self.lists, lists)
        self.lists = lists

    def noted(self, reason):
        reasons[reason] += 1
        grow(self, reason)

    monkeypatch.setattr(merging._Merging, "__init__", tiny)
    monkeypatch.setattr(merging._Merging, "reserve_lists", tight)
    monkeypatch.setattr(merging._Merging, "_grow", noted)
    for seed in range(200, 230):
        check(seed, monkeypatch)
    every = {
        merge_kernels.MORE_EVENTS,
        merge_kernels.MORE_LISTS,
        merge_kernels.MORE_ENTRIES,
        merge_kernels.MORE_PAIRS,
        merge_kernels.MORE_TEXT,
    }
    assert set(reasons) == every


@pytest.mark.parametrize("factor", [2**31 + 1, 2**32, 2**53 + 1, 2**56 + 1])
def test_merging_counts_are_64_bit(factor, monkeypatch):
    """Counts whose last bit decides, above what the reference (32 bit) and a float can hold."""
    cut_up(monkeypatch, 500_000, factor, 2)
    words = {"ab": factor, "cd": factor + 1, "abcd": 1, "cdcd": 2, "dcba": factor + 2}
    case = Case(words, 40, factor + 2)
    expected = oracle_learns(case)
    assert expected.merges_made
    assert_equal(engine_learns(case), expected, case)


def test_merging_of_bytes_equals_the_oracle_over_characters_of_bytes():
    character = {byte: character for character, byte in byte_of_character().items()}
    counts = Counter((cut("korean", 6_000) + "👩‍👩‍👧 e\u0301 \x85 naïve " * 5).split(" "))
    words = {
        "".join(character[b] for b in word.encode()): count for word, count in sorted(counts.items()) if word
    }
    case = Case(words, 1200, 2, special=("<|endoftext|>",), alphabet=tuple(byte_of_character()))
    expected = oracle_learns(case)
    assert_equal(engine_learns(case, raw=True), expected, case)
    assert reference_learns(case) == (expected.tokens, expected.merges)


@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize("longest", [2, 3, 5])
def test_merging_max_token_length_in_characters_or_as_the_reference_counts(longest, compat):
    bpe_options = BpeOptions(recipe="korean", max_token_length=longest, compat=compat)
    options = merge_options(bpe_options, resolve(bpe_options))
    assert options.longest == (longest - 1 if compat else longest)
    words = dict(sorted(Counter(cut("english", 8_000).split()).items()))
    case = Case(words, 1500, 2, longest=options.longest)
    tokens, _ = reference_learns(case)  # its max_token_length is one more than what it means
    assert list(engine_learns(case).tokens) == tokens
    assert max(map(len, tokens)) == max(options.longest, 2)


def test_merging_longest_token_may_be_longer_than_any_word():
    case = Case({"ab" * 40_000: 2}, 40, 1, longest=70_000)
    assert_equal(engine_learns(case), oracle_learns(case), case)


def test_merging_of_one_character_words_makes_no_merge():
    case = Case({"a": 3, "b": 1}, 10, special=("[UNK]",))
    assert engine_learns(case).tokens == ["[UNK]", "a", "b"]
    assert engine_learns(case).merges_of(10) == []


def test_merging_sizes_are_cut_at_the_merge_that_fills_them():
    """A vocabulary is full before the merges that make its tokens once more."""
    case = Case({"#" * n: 40 - n for n in range(1, 14)} | {"=#####": 2}, 1000, 1, prefix="##")
    learned = engine_learns(case)
    assert len(learned.merges) > len(learned.tokens) - learned.initial
    for size in range(1, len(learned.tokens) + 2):
        check_smaller(learned, case, size)


def test_merging_stops_when_the_progress_says_so():
    class Impatient(Silent):
        def cancelled(self):
            return True

    case = random_case(1)
    options = MergeOptions((), (), 10_000, 0)
    with pytest.raises(Interrupted):
        learn(options, table_of(case.words), Stages(Impatient()))


def test_merging_leaves_no_thread_behind():
    before = threading.active_count()
    learn(MergeOptions((), (), 100, 0), table_of({"abab": 3}), Stages(SILENT))
    assert threading.active_count() == before
