"""Texts that are hard to cut, normalize or split, and the words that engine and reference count in them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import strategies as st

from tokkit.corpus.chunks import MEMORY, count_chunks
from tokkit.corpus.cutting import Pipeline, byte_of_character
from tokkit.corpus.reference_words import count_by_reference
from tokkit.corpus.words import Splitter
from tokkit.runtime.byte_table import ByteTable, StringCounts
from tokkit.runtime.strings import Strings

SPACES = (
    *(" ", "  ", "    ", "\t", "\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x85"),
    *("\xa0", "\u1680", *map(chr, range(0x2000, 0x200B)), "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"),
)
INVISIBLE = (
    *("\x01", "\x08", "\x0e", "\x1b", "\x7f", "\x80", "\x9f", "\xad", "\u034f", "\u061c", "\u115f", "\u1160"),
    *("\u17b4", "\u180e", "\u200b", "\u200c", "\u200d", "\u200e", "\u2060", "\u2066", "\u3164", "\ufe0f"),
    *("\ufeff", "\uffa0", "\ufffc", "\ufffd", "\U000e0041"),
)
MARKS = (
    *("\u0300", "\u0301", "\u0307", "\u0308", "\u030a", "\u0316", "\u0323", "\u0327", "\u0338", "\u0344"),
    *("\u0345", "\u0483", "\u0488", "\u05b0", "\u05c1", "\u064b", "\u0651", "\u0670", "\u093c", "\u093e"),
    *("\u094d", "\u09be", "\u09cb", "\u0e31", "\u0e38", "\u0f71", "\u0f72", "\u0f73", "\u0f81", "\u1039"),
    *("\u20dd", "\u20e3", "\u302e", "\u3099", "\u309a", "\U0001d165", "\U0001d16e", "\U00011127"),
)
JAMO = (
    "\u1100",
    "\u1112",
    "\u1161",
    "\u1175",
    "\u11a8",
    "\u11c2",
    "\ua960",
    "\ud7b0",
    "\ud7cb",
    "가",
    "각",
    "힣",
)
COMPATIBLE = (
    *(
        "ㄱ",
        "ㅏ",
        "ㄳ",
        "ㅎ",
        "\uffa1",
        "\uffc2",
        "㈀",
        "㉠",
        "㉮",
        "か",
        "カ",
        "ｶ",
        "ﾊ",
        "\uff9e",
        "\uff9f",
        "が",
    ),
    *(
        "\ufdfa",
        "ﬁ",
        "ﬃ",
        "ﷲ",
        "ﹰ",
        "\u00a8",
        "\u2017",
        "\u037a",
        "\u203e",
        "\u1fc1",
        "½",
        "²",
        "①",
        "㎏",
        "ĳ",
    ),
    *(
        "Ａ",
        "１",
        "！",
        "\u2126",
        "\u212b",
        "豈",
        "\U0002f800",
        "\U0001d15e",
        "\U0001d400",
        "\u0958",
        "\u0b94",
    ),
)
LETTERS = (
    *(
        "a",
        "abc",
        "the",
        "over",
        "naïve",
        "nai\u0308ve",
        "ạ̈",
        "Café",
        "CAFE\u0301",
        "İ",
        "I",
        "ı",
        "Σ",
        "ς",
        "ΑΣ",
    ),
    *(
        "ΟΔΟΣ",
        "ẞ",
        "ß",
        "ǅ",
        "Ω",
        "привет",
        "й",
        "и\u0306",
        "שָׁלוֹם",
        "مُحَمَّد",
        "ﻡ",
        "हिन्दी",
        "क्षि",
        "কো",
        "தொ",
        "ไทยน้ำ",
        "བོད",
    ),
    *("한국어", "中", "文字", "東京で", "𠀀", "𝔘", "ªº", "ʰ", "ˇ", "ﾟ", "Ａｂ", "\U00016d67", "\U00016d63"),
)
NUMBERS = ("0", "12", "1,234.5", "٣٤", "९", "๕", "Ⅷ", "四", "𝟗", "¼", "৴", "\u0bf0", "𐄇")
SIGNS = (
    *(
        "'",
        "'s",
        "'t",
        "'re",
        "'ve",
        "'m",
        "'ll",
        "'d",
        "'S",
        "’s",
        "!",
        "...",
        "-",
        "_",
        "__",
        "▁",
        "▁▁",
        "Ġ",
        "##",
    ),
    *(
        "$",
        "€",
        "+",
        "^",
        "`",
        "|",
        "~",
        "。",
        "、",
        "「",
        "¿",
        "·",
        "\u2581n",
        "<s>",
        "[UNK]",
        "\u30fb",
        "־",
        "।",
    ),
)
PICTURES = ("😀", "👩‍👩‍👧‍👦", "👍🏽", "🇰🇷", "🇩🇪🇫", "❤️", "1️⃣", "🏴\U000e0067\U000e007f", "☃", "⒈", "🄰")
RARE = (
    "\ue000",
    "\U0010fffd",
    "\ufdd0",
    "\ufffe",
    "\u0378",
    "\u1c80",
    "\U0001fae9",
    "\U000e0fff",
    "\U0010ffff",
)
NUL_TEXT = "\0"

KINDS = (SPACES, INVISIBLE, MARKS, JAMO, COMPATIBLE, LETTERS, NUMBERS, SIGNS, PICTURES, RARE)
TORTURE = tuple("".join(f"a{part}b {part} 1{part}{part} x\n{part}" for part in kind) for kind in KINDS)

_PART = st.one_of(
    *(st.sampled_from(kind) for kind in (SPACES, SPACES, LETTERS, *KINDS)),
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
)
texts = st.lists(_PART, max_size=14).map("".join)
"""Texts without NUL."""

rows = st.lists(st.one_of(_PART, st.just(NUL_TEXT)), max_size=14).map("".join)
"""Texts that may stand in the rows of a table."""


def lines_of(text: str) -> list[str]:
    """What the reference reads of a text file: lines with their newlines."""
    *whole, last = text.split("\n")
    return [*(line + "\n" for line in whole), *([last] if last else [])]


def reference(tokenizer: str, items: Sequence[str]) -> dict[str, int]:
    """The words of the items as the reference's trainers count them."""
    from tokenizers import Tokenizer

    return count_by_reference(Tokenizer.from_str(tokenizer), items)


def in_lines(tokenizer: str, text: str) -> dict[str, int]:
    """The words that the engine counts in a text file."""
    return _counted(tokenizer, Strings.split(text.encode(), ord("\n"), keep_end=True))


def in_rows(tokenizer: str, items: Sequence[str]) -> dict[str, int]:
    """The words that the engine counts in the rows of a table."""
    return _counted(tokenizer, Strings.of_list(list(items)))


def _counted(tokenizer: str, texts: Strings) -> dict[str, int]:
    cuts = Pipeline.of(tokenizer).cuts()
    assert cuts is not None
    chunks, splitter = ByteTable(), splitter_of(tokenizer)
    count_chunks(texts, cuts, chunks, MEMORY, lambda table: pytest.fail("so little text is not flushed"))
    splitter.words = ByteTable()
    for batch in chunks.batches(1 << 10, 1 << 12):
        splitter.count(batch)
    return readable(splitter.words.columns(), splitter.raw)


splitter_of = functools.lru_cache(64)(Splitter)


def readable(pieces: StringCounts, raw: bool) -> dict[str, int]:
    """Words and counts as the reference writes them; that every word occurs once is checked."""
    names = {byte: character for character, byte in byte_of_character().items()}
    strings = pieces.to_bytes()
    words = ["".join(names[byte] for byte in s) for s in strings] if raw else [s.decode() for s in strings]
    counted = dict(zip(words, pieces.counts.tolist(), strict=True))
    assert len(counted) == len(words)
    return counted


def difference(counted: dict[str, int], wanted: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Words whose counts differ, with both counts: what a failing test should show."""
    both = Counter(counted) | Counter(wanted)
    return {w: (counted.get(w, 0), wanted.get(w, 0)) for w in both if counted.get(w) != wanted.get(w)}
