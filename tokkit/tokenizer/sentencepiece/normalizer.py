"""A SentencePiece model's normalization, made of blocks of the `tokenizers` package.

SentencePiece replaces the longest text that its character map knows. The package's `Precompiled` reads the
same map otherwise: grapheme by grapheme, the whole one (if shorter than six bytes) by the *shortest* rule
that begins it, else character by character. So decomposed Hangul and kana stay decomposed, and Vietnamese
``e`` + dot + circumflex loses its circumflex. Here each grapheme is therefore taken apart first:

    Prepend             no text begins with a mark
    Replace             control characters, which marks cannot join, become what the map makes of them
    Precompiled, ours   puts a guard before each character that belongs to the one before it
    Precompiled         the model's: each character by itself
    Replace, NFC        guards of one kind go, and what they held apart is composed: the map's longer rules
    Replace             the other guards go: they held apart what the map does not compose

What stays different is a run of marks in no canonical order that begins no letter, as in ``U+0301 U+032D``,
and a mark that NFC composes with a letter it does not stand behind: in ``A U+0324 U+0301``, where another
mark is between them, and in ``U+2165 U+0301``, where the map makes two letters of the one.

The map's rules for several characters are those whose composition is one character, which NFC gives too.
Those few that it does not know (scripts newer than the package's tables) are replaced first, one by one.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from tokkit.tokenizer.sentencepiece.charsmap import packed, rules
from tokkit.tokenizer.sentencepiece.model_file import SPACE, SentencePieceModel

_COMPOSED, _APART = "\ufff0", "\ufff1"
"""Guards: code points that no text holds, and that begin and end a grapheme as control characters do."""

_FRONT, _DROPPED = "\ufdd1", "\ufdd0"
"""Stand before the text, and for a dropped control character: no text holds them, and marks can join them."""

_JAMO = "".join(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))
_HALF_WIDTH_MARKS = "ﾞﾟ"
_JOINERS = "\u200c\u200d" + "".join(map(chr, (*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080))))
"""Zero-width joiners, skin tones and tags: no marks, yet they belong to the character before them."""

_CONTROLS = ("Cc", "Cf", "Zl", "Zp")
_MOST_REPLACED = 100


def normalizer_of(model: SentencePieceModel) -> Any:
    """The normalizer of `tokenizers` that gives each text as the model's own does, spaces as ``▁``."""
    from tokenizers import Regex, normalizers

    prefix = SPACE if model.dummy_prefix else ""
    steps: list[Any] = [normalizers.Prepend(_FRONT)]
    if model.charsmap:
        steps += _mapped(model.charsmap)
    if model.remove_extra_whitespaces:
        steps += [
            normalizers.Replace(Regex(rf"\A{_FRONT} *"), prefix),
            normalizers.Replace(Regex(rf"[ {SPACE}]+\z"), ""),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    else:
        steps.append(normalizers.Replace(_FRONT, prefix))
    return normalizers.Sequence([*steps, normalizers.Replace(" ", SPACE)])


@functools.lru_cache(maxsize=1)  # most models hold the same map, and its steps take seconds to find
def _mapped(charsmap: bytes) -> tuple[Any, ...]:
    """The steps that do what the map does."""
    from tokenizers import Regex, normalizers

    known = rules(charsmap)
    longer = {key: text for key, text in known.items() if len(key) > 1}
    guards = _guards(known, {character for key in longer for character in key[1:]})
    marks = {character: text for character, text in guards.items() if _extends(character)}
    others = {character: text for character, text in guards.items() if character not in marks}
    steps = [
        *_controls(known),
        *(normalizers.Precompiled(packed(held)) for held in (marks, others) if held),
        normalizers.Precompiled(charsmap),
        normalizers.Replace(_COMPOSED, ""),
        normalizers.NFC(),
        normalizers.Replace(Regex(f"[{_APART}{_DROPPED}]"), ""),
    ]
    whole = normalizers.Sequence(steps)
    unknown = {key: text for key, text in longer.items() if whole.normalize_str(key) != text}
    first = sorted(unknown, key=lambda key: (-len(key), key))[:_MOST_REPLACED]
    return (*(normalizers.Replace(key, unknown[key]) for key in first), *steps)


def _controls(known: Mapping[str, str]) -> Iterator[Any]:
    """Control characters become spaces, or are dropped, as the map says."""
    from tokenizers import Regex, normalizers

    for text, instead in ((" ", " "), ("", _DROPPED)):
        found = [key for key in known if known[key] == text and unicodedata.category(key[0]) in _CONTROLS]
        if found:
            codes = "".join(
                f"\\x{{{ord(character):x}}}" for character in sorted(found) if len(character) == 1
            )
            yield normalizers.Replace(Regex(f"[{codes}]"), instead)


def _guards(known: Mapping[str, str], composing: set[str]) -> dict[str, str]:
    """Character -> the same between guards, for all that a grapheme can hold beside its first character.

    composing  those the map composes with the characters before them
    """
    guards = {character: _COMPOSED + character for character in composing}
    joining = (character for character in map(chr, range(0x300, 0x110000)) if _joins(character))
    for character in (*joining, *(key for key, text in known.items() if len(key) == 1 and _joins(text[:1]))):
        if character not in composing and known.get(character) != "":
            guards[character] = _APART + character + _APART
    return guards


def _joins(character: str) -> bool:
    """Whether it is of one grapheme with what stands before it, or NFC may move or compose it with that."""
    return character != "" and (
        unicodedata.category(character)[0] == "M" or character in _JAMO or character in _JOINERS
    )


def _extends(character: str) -> bool:
    """Whether it can stand in a grapheme only behind another character."""
    return (
        unicodedata.category(character)[0] == "M" or character in _HALF_WIDTH_MARKS or character in _JOINERS
    )
