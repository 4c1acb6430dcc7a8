"""Near duplicates: against every pair compared in plain Python, in scripts with and without spaces."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tokkit.data.duplicates import near_duplicates, text_keys
from tokkit.data.duplicates.near_duplicates import BANDS, PERMUTATIONS, THRESHOLD, clusters
from tokkit.errors import Interrupted
from tokkit.progress import Silent
from tokkit.sources.corpora import corpora_path

UNSPACED = "ไทยลาวမြန်မာខ្មែរ中文字漢日本語ひらがなカタカナ々𠀀"


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """The oracle: what the module says a shingle is, with none of its code but the normalized text."""
    (key,) = text_keys.normalized(pl.Series([text])).to_list()
    words = "".join(f" {character} " if unspaced(character) else character for character in key).split()
    units = words if key and len(words) >= 5 else list(key)
    width = min(5, len(units))
    return (
        frozenset(tuple(units[i : i + width]) for i in range(len(units) - width + 1))
        if units
        else frozenset()
    )


def unspaced(character: str) -> bool:
    import unicodedata

    name = unicodedata.name(character, "")
    scripts = ("THAI", "LAO", "MYANMAR", "KHMER", "CJK UNIFIED", "CJK COMPATIBILITY", "HIRAGANA", "KATAKANA")
    return name.startswith((*scripts, "KATAKANA-HIRAGANA", "IDEOGRAPHIC ITERATION"))


def jaccard(first: frozenset, second: frozenset) -> float:
    return len(first & second) / len(first | second) if first | second else 1.0


def by_all_pairs(texts: list[str], threshold: float = THRESHOLD) -> list[int]:
    """Cluster of each text when every pair is compared."""
    sets = [shingles(text) for text in texts]
    cluster = list(range(len(texts)))
    for i, j in combinations(range(len(texts)), 2):
        if jaccard(sets[i], sets[j]) >= threshold and cluster[i] != cluster[j]:
            old, new = max(cluster[i], cluster[j]), min(cluster[i], cluster[j])
            cluster = [new if member == old else member for member in cluster]
    number = {member: i for i, member in enumerate(dict.fromkeys(cluster))}
    return [number[member] for member in cluster]


def edited(text: str, rng: random.Random, edits: int) -> str:
    """The text with some of its words replaced, dropped or doubled."""
    words = text.split()
    for _ in range(edits):
        at = rng.randrange(len(words))
        words[at : at + 1] = rng.choice([["anders"], [], [words[at], words[at]]])
        words = words or ["leer"]
    return " ".join(words)


def family(lines: list[str], seed: int) -> list[str]:
    """Texts, and versions of them from equal to unlike, shuffled."""
    rng = random.Random(seed)
    edited_lines = [edited(line, rng, edits) for line in lines for edits in (0, 0, 1, 1, 2, 4)]
    rng.shuffle(edited_lines)
    return edited_lines


@pytest.mark.parametrize("name", ["english.txt", "korean.txt"])
def test_near_duplicates_are_those_that_all_pairs_give(name):
    lines = (corpora_path() / name).read_text("utf-8").splitlines()
    texts = family([line for line in lines if line.strip()][:60], seed=7)
    result = clusters(texts)
    assert result.dtype == np.int64
    assert result.tolist() == by_all_pairs(texts)
    assert 60 < len(set(result.tolist())) < len(texts) - 60  # some are joined and some are not


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_near_duplicates_of_random_texts_are_never_joined_wrongly(data):
    words = st.sampled_from(["a", "b", "c", "가", "中文", "👩‍👩‍👧", "é", "ไทย", "!", "Ⅳ"])
    lists = st.lists(words, max_size=14)
    texts = [" ".join(words) for words in data.draw(st.lists(lists, max_size=14))]
    expected, result = by_all_pairs(texts), clusters(texts).tolist()
    for i, j in combinations(range(len(texts)), 2):
        if result[i] == result[j]:
            assert expected[i] == expected[j], (texts[i], texts[j])


@settings(max_examples=80, deadline=None)
@example(["", " ", "\u200b", "\x00", "a\nb c", "...", ". . . . . .", "\u3000"])
@given(st.lists(st.text(max_size=30), max_size=10))
def test_near_duplicates_hold_those_that_are_the_same_when_normalized(texts):
    result = clusters([*texts, *reversed(texts)]).tolist()
    assert result[: len(texts)] == result[len(texts) :][::-1]
    keys = text_keys.normalized(pl.Series(texts, dtype=pl.String)).to_list()
    for i, j in combinations(range(len(texts)), 2):
        if keys[i] == keys[j]:
            assert result[i] == result[j]
    assert list(dict.fromkeys(result)) == list(range(len(set(result))))  # numbered as they come


def test_near_duplicates_have_the_threshold_or_more():
    """Exactly: 7 of 10 shingles where one text is part of the other, 14 of 20 where both are as long."""
    words = [f"word{i}" for i in range(21)]
    pairs = (
        (words[:11], words[:14], 7 / 10),
        (words, [*words[:18], "x", "y", "z"], 14 / 20),
        ([*words[:11], "x"], words[:14], 7 / 11),
    )
    for first, second, similarity in pairs:
        texts = [" ".join(first), " ".join(second)]
        assert jaccard(*map(shingles, texts)) == similarity
        assert clusters(texts).tolist() == [0, int(similarity < THRESHOLD)]


def test_near_duplicates_in_scripts_without_spaces_need_no_spaces():
    text = "昨日友達と一緒に新しい映画を見に行きましたがとても面白かったのでまた見たいと思います"
    assert clusters([text, text.replace("面白", "楽し"), text[:20]]).tolist() == [0, 0, 1]
    assert all(unspaced(character) for character in UNSPACED)
    sentence = " ".join(UNSPACED)  # as many words as characters, with or without spaces
    assert clusters([UNSPACED, sentence]).tolist() == [0, 0]


def test_near_duplicates_of_short_texts_are_compared_by_their_characters():
    texts = [
        "정말 재미있는 영화였어요",
        "정말 재미있는 영화였어요 ㅎ",
        "정말 지루한 영화였어요",
        "굿",
        "굿!!",
        "별로",
    ]
    assert clusters(texts).tolist() == [0, 0, 1, 2, 2, 3]


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, [0, 0]), (5 / 7, [0, 0]), (0.72, [0, 1])])
def test_near_duplicates_reach_the_threshold_or_do_not(threshold, expected):
    """Six shingles each, of which five are shared: 5 / 7."""
    texts = ["a b c d e f g h i j", "a b c d e f g h i k"]
    assert jaccard(*map(shingles, texts)) == 5 / 7
    assert clusters(texts, threshold).tolist() == expected


def test_near_duplicates_that_are_missed_are_as_few_as_stated():
    """4,000 pairs of similarity 0.7 exactly, 14 of 20 shingles; 0.0002 of them may be missed."""
    texts = []
    for pair in range(4000):
        shared = " ".join(f"s{pair}w{i}" for i in range(18))
        texts += [f"{shared} x{pair} y{pair} z{pair}", f"{shared} u{pair} v{pair} t{pair}"]
    assert jaccard(shingles(texts[0]), shingles(texts[1])) == 14 / 20
    result = clusters(texts).reshape(-1, 2)
    missed = int((result[:, 0] != result[:, 1]).sum())
    chance = (1 - 0.7 ** (PERMUTATIONS / BANDS)) ** BANDS
    assert chance < 0.0002
    assert missed <= 4
    assert len(np.unique(result)) == 4000 + missed


def test_near_duplicates_are_the_same_at_any_number_of_threads(monkeypatch):
    texts = family((corpora_path() / "english.txt").read_text("utf-8").splitlines()[:300], seed=3)
    expected = clusters(texts)
    monkeypatch.setattr(near_duplicates, "_BLOCK", 500)
    monkeypatch.setattr(near_duplicates, "_BUDGET", 1)
    for threads in (1, 5):
        monkeypatch.setattr(near_duplicates.threads, "threads_to_use", lambda requested, n=threads: n)
        np.testing.assert_array_equal(clusters(texts), expected)


def test_near_duplicates_can_be_stopped():
    class Stopped(Silent):
        def cancelled(self):
            return True

    with pytest.raises(Interrupted):
        clusters(["a b c"] * 10, progress=Stopped())


def test_near_duplicates_of_no_texts():
    assert clusters([]).tolist() == []
