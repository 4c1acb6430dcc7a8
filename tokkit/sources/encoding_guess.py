"""Which encodings text may be in that is not UTF-8: those that decode it, the likeliest first.

    b"f\xfcr"  ->  cp1252 "für"  (f ü, ü r: frequent in German),  cp1251 "fьr"  (no word of any language), ...

The score of a decoded text is the logarithm of its likelihood in the best of the languages written in that
encoding, by pairs of letters (`letter_pairs`); of a Chinese, Japanese or Korean character by how common the
national standard has it. Texts of one file are of equally many bytes, so that their scores compare.
"""

from __future__ import annotations

import codecs
import functools
import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from tokkit.sources.letter_pairs import PAIRS

# text of UTF-7 beyond ASCII, and bytes of it that are no chance
_UTF7 = re.compile(rb"\+[A-Za-z0-9+/]{3,}-?")
_LEAST_UTF7 = 16
# bytes of a file that the score is computed from
SAMPLE = 1 << 14
# encodings that are tried on all of a file at a time
_AT_ONCE = 4

# encoding -> the languages that are written in it; where scores are equal, the first is the likeliest
_LANGUAGES = {
    "cp1252": "de fr es pt it sv da fi ca nl is sq et",
    "cp1251": "ru uk bg sr mk be",
    "cp949": "ko",
    "cp932": "ja",
    "gb18030": "zh",
    "big5": "tw",
    "cp1250": "pl cs sk hu sl hr ro sq",
    "cp1254": "tr",
    "cp1253": "el",
    "cp1255": "he",
    "cp1256": "ar fa ur",
    "cp1257": "lt lv et",
    "cp1258": "vi",
    "cp874": "th",
    "iso8859-15": "fr fi de es pt it sv et",
    "iso8859-2": "pl cs sk hu sl hr ro",
    "koi8-r": "ru",
    "koi8-u": "uk",
    "big5hkscs": "tw",
    "euc_jp": "ja",
    "iso8859-5": "ru bg sr mk be",
    "iso8859-6": "ar",
    "iso8859-7": "el",
    "iso8859-8": "he",
    "iso8859-13": "lt lv",
    "mac_roman": "de fr es pt it sv da",
    "mac_cyrillic": "ru uk",
    "mac_latin2": "pl cs hu",
    "cp437": "de fr es it sv",
    "cp850": "de fr es pt it sv da",
    "cp852": "pl cs sk hu sl hr ro",
    "cp857": "tr",
    "cp866": "ru uk bg be",
    "cp775": "lt lv et",
}
# log-likelihoods of a pair that the table has not, with letters of the language and with others, of a sign of
# printed text and of any other
_RARE, _FOREIGN, _SIGN, _ODD = -9.0, -13.0, -12.0, -26.0
_SIGNS = frozenset("\u00a0“”‘’„«»–—…€£©®°§·•¿¡‚‹›²³½¼¾ºª´×™¥¬µ")
# those that a letter may follow, and that may follow a letter: within words, signs are letters misread
_BEFORE_LETTERS, _AFTER_LETTERS = frozenset("“‘’„«»–—…¿¡‚‹·"), frozenset("“”‘’«»–—…›·®™²³")
_WITHIN_WORD = -6.0
# of an encoding further down the list
_LESS_COMMON = -0.2
# score of a character below which text is none in that encoding, and the difference that leaves no doubt
_NONSENSE, CERTAIN = -22.0, 30.0

# language -> its standard, and the first bytes of the rows of characters in common use
_COMMON_ROWS = {
    "ko": ("euc_kr", range(0xB0, 0xC9)),
    "zh": ("gb2312", range(0xB0, 0xD8)),
    "tw": ("big5", range(0xA4, 0xC7)),
    "ja": ("shift_jis", range(0x88, 0x98)),
}
# the most frequent ones of each, by hand; they are about 40 % of a text
_FREQUENT = {
    "ko": "이다는의에을가고로한지하기사아도를은대어리정해자시인나서부그일보라장제주수전구상여안과들원동공",
    "zh": "的一是不了人在有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发",
    "tw": "的一是不了人在有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發",
    "ja": "",
}
_ALL = (*PAIRS, *_COMMON_ROWS)
_FULL_WIDTH_SIGNS = frozenset("、。，．「」『』・（）：；！？《》【】〜～ー％／\u3000")

_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_LINES = re.compile(rb"[^\n]*[\x80-\xff][^\n]*\n?")
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def telling_lines(block: bytes) -> bytes:
    """The lines of a block that are not ASCII: all others are the same in every encoding."""
    return b"".join(_LINES.findall(block))


def wide_encoding(start: bytes) -> str | None:
    """UTF-16 or UTF-32, where a file that begins so is in it: by its byte order mark, else by its NUL bytes.

    >>> wide_encoding("a,b\n".encode("utf-16-le"))
    'utf-16-le'
    """
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    if b"\0" not in start:
        return None
    # in the wrong order of bytes, spaces, commas and line ends are other characters; as bytes of UTF-8 with a
    # stray NUL, most of them are no characters at all
    readable: dict[str, int] = {}
    for name, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        try:
            text = start[: len(start) // width * width].decode(name, "strict")
        except UnicodeDecodeError as error:
            if error.end < len(start) - 4:  # else the last character is cut in two
                continue
            text = start[: error.start].decode(name)
        if "\0" not in text:
            readable[name] = sum(map(text.count, "\n ,"))
    best = max(readable, key=lambda name: readable[name], default=None)
    return best if best and 2 * readable[best] > sum(map(start.count, (b"\n", b" ", b","))) else None


def seven_bit_encoding(start: bytes) -> str | None:
    """ISO-2022 or UTF-7, where ASCII that a file begins with spells other letters in it.

    >>> seven_bit_encoding("좋은 날".encode("utf-7"))
    'utf-7'
    """
    if b"\x1b$" in start:
        for name in ("iso2022_jp", "iso2022_kr", "iso2022_jp_2", "iso2022_jp_ext"):
            with suppress(UnicodeDecodeError):
                if "\x1b" not in codecs.getincrementaldecoder(name)().decode(start):
                    return name
    runs = _UTF7.findall(start)
    with suppress(UnicodeDecodeError):
        # by chance, hardly a run is in whole characters, all of them letters
        if runs and all(run.decode("utf-7").isalpha() and not run.decode("utf-7").isascii() for run in runs):
            return "utf-7" if sum(map(len, runs)) >= _LEAST_UTF7 else None
    return None


def is_damaged_utf8(sample: bytes) -> bool:
    """Whether most bytes beyond ASCII are valid UTF-8, which those of other encodings are only by chance."""
    valid = sum(map(len, _UTF8.findall(sample)))
    return 2 * valid > len(_BEYOND_ASCII.findall(sample))


def likely_encodings(sample: bytes) -> dict[str, float]:
    """The encodings that decode the bytes, the likeliest first, each with its score.

    sample   begins at a character; its last one may be cut

    Of several that give one text only the first is there.
    """
    scores: dict[str, float] = {}
    texts: set[str] = set()
    for rank, (encoding, languages) in enumerate(_LANGUAGES.items()):
        try:
            text = _decoded(sample, encoding)
        except UnicodeDecodeError:
            continue
        if text not in texts:
            texts.add(text)
            score = max(_score(text, language) for language in languages.split())
            if score > _NONSENSE * sum(not c.isascii() for c in text):
                scores[encoding] = score + rank * _LESS_COMMON
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def likelier_encoding(sample: bytes, encoding: str) -> str | None:
    """An encoding that gives far more likely a text than ``encoding`` does, which decodes the bytes too."""
    if decoding_all(["utf-8"], [sample]):
        return "utf-8"
    best, *_ = *likely_encodings(sample), encoding
    text, own = _decoded(sample, best), _decoded(sample, encoding)
    if text == own:
        return None
    scores = [max(_score(text, language) for language in _ALL) for text in (text, own)]
    return best if scores[0] - scores[1] > CERTAIN else None


def _decoded(sample: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)().decode(sample)


def decoding_all(encodings: Sequence[str], blocks: Iterable[bytes]) -> list[str]:
    """Those of some encodings that decode every block of a file, in their order."""
    decoders = {name: codecs.getincrementaldecoder(name)() for name in encodings}
    for block in blocks:
        decoders = {name: decoder for name, decoder in decoders.items() if _decodes(decoder, block)}
        if not decoders:
            break
    return [name for name, decoder in decoders.items() if _decodes(decoder, b"", at_end=True)]


def batches_to_try(encodings: Iterable[str]) -> Iterator[Sequence[str]]:
    """The encodings, some at a time: a file is read once for each batch."""
    names = list(encodings)
    return (names[first : first + _AT_ONCE] for first in range(0, len(names), _AT_ONCE))


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, at_end: bool = False) -> bool:
    try:
        decoder.decode(block, at_end)
    except UnicodeDecodeError:
        return False
    return True


class _Simple(dict[int, str]):
    """Characters as the table of pairs has them, for `str.translate`: small letters, all else a space."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_letter = character.isalpha() or unicodedata.category(character).startswith("M")
        self[code] = character.lower()[0] if is_letter else " "
        return self[code]


_SIMPLE = _Simple()


def _score(text: str, language: str) -> float:
    """The log-likelihood of the characters beyond ASCII, twice: a letter is in two pairs."""
    if language in _COMMON_ROWS:
        counts = Counter(text)
        return sum(2 * n * _of_character(c, language) for c, n in counts.items() if not c.isascii())
    return sum(n * _of_pair(pair, language) for pair, n in _pairs(text).items())


@functools.lru_cache(2)  # a text is scored for one language after the other
def _pairs(text: str) -> Counter[str]:
    framed = f" {text} "
    counts = Counter(map("".join, itertools.pairwise(framed)))
    return Counter({pair: n for pair, n in counts.items() if not pair.isascii()})


@functools.cache
def _of_pair(pair: str, language: str) -> float:
    table, letters = _table(language)
    simple = pair.translate(_SIMPLE)
    # a sign counts once, with the character before it
    score = 0.0
    if simple[1] == " " and not pair[1].isascii():
        score += _SIGN if pair[1] in _SIGNS else _ODD
        score += 0 if simple[0] == " " or pair[1] in _AFTER_LETTERS else _WITHIN_WORD
    if simple[0] == " " != simple[1] and not pair[0].isascii():
        score += 0 if pair[0] in _BEFORE_LETTERS else _WITHIN_WORD
    if not simple.isascii():
        unknown = _RARE if all(c.isascii() or c in letters for c in simple) else _FOREIGN
        score += table.get(simple, unknown)
    if pair[0].islower() and pair[1].isupper():
        score += _WITHIN_WORD
    return score


@functools.cache
def _table(language: str) -> tuple[dict[str, float], frozenset[str]]:
    """The log-likelihoods of the pairs of a language, and its letters beyond ASCII.

    >>> _table("it")[0]["è "]  # 1 in 2 ** 2
    -1.3862943611198906
    """
    levels = re.findall(r"(\d)(\D+)", PAIRS[language])
    table = {
        pairs[at : at + 2]: -int(level) * math.log(2)
        for level, pairs in levels
        for at in range(0, len(pairs), 2)
    }
    return table, frozenset(c for pair in table for c in pair if not c.isascii())


@functools.cache
def _of_character(character: str, language: str) -> float:
    standard, rows = _COMMON_ROWS[language]
    if character in _FREQUENT[language]:
        return math.log(0.4 / len(_FREQUENT[language]))
    if language == "ja" and "ぁ" <= character <= "ん":
        return math.log(0.5 / 60)
    if language == "ja" and "ァ" <= character <= "ー":
        return math.log(0.1 / 80)
    if character in _FULL_WIDTH_SIGNS:
        return _SIGN / 2
    if "！" <= character <= "ｚ":
        return _RARE
    encoded = character.encode(standard, "ignore")
    return math.log(0.4 / 3000) if len(encoded) == 2 and encoded[0] in rows else _FOREIGN
