"""The normalization of a SentencePiece model, rebuilt from blocks of the `tokenizers` package.

SentencePiece replaces the longest text that its character map knows. `Precompiled` of `tokenizers` reads the
same map differently: grapheme by grapheme, a whole one (if shorter than six bytes) by the *shortest* rule
that begins it, else character by character. So decomposed Hangul and kana stay decomposed, and Vietnamese
``e`` + dot + circumflex loses its circumflex. Here each grapheme is therefore taken apart first:

    Prepend             no text begins with a mark
    Replace             control characters, which marks cannot join, become what the map says
    Precompiled, ours   puts a guard before each character that belongs to the one before it
    Precompiled         the model's: each character by itself
    Replace, NFC        guards of one kind are removed, and what they separated is composed: the longer rules
    Replace             the other guards are removed: they separated what the map does not compose

Known differences: a run of marks in no canonical order that begins no letter, as in ``U+0301 U+032D``, and a
mark that NFC composes with a letter that is not its neighbor: in ``A U+0324 U+0301``, where another mark is
between them, and in ``U+2165 U+0301``, where the map turns one character into two letters.

The map's rules for several characters are those whose composition is one character, which NFC gives too.
The few that NFC does not know (scripts newer than the tables of `tokenizers`) are replaced first, one by one.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from tokenizers import Regex, normalizers

from tokkit.tokenizer.blocks.charsmap import charsmap_rules, pack_charsmap
from tokkit.tokenizer.sentencepiece.model_file import SPACE, SentencePieceModel

# Guards: code points that no text holds, and that begin and end a grapheme as control characters do.
_COMPOSED_GUARD, _APART_GUARD = "\ufff0", "\ufff1"

# The start of a text, and a dropped control character: code points that no text holds and marks can join.
_START, _DROPPED = "\ufdd1", "\ufdd0"

_JAMO = "".join(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))
_HALF_WIDTH_MARKS = "ﾞﾟ"

# Zero-width joiners, skin tones and tags: not marks, yet they belong to the character before them.
_JOINERS = "\u200c\u200d" + "".join(map(chr, (*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080))))

_CONTROL_CATEGORIES = ("Cc", "Cf", "Zl", "Zp")
_MAX_REPLACED_RULES = 100


def normalizer_of(model: SentencePieceModel) -> normalizers.Sequence:
    """A normalizer that gives each text as the model's own does, spaces as ``▁``."""
    prefix = SPACE if model.dummy_prefix else ""
    steps: list[Any] = [normalizers.Prepend(_START)]
    if model.charsmap:
        steps += _charsmap_steps(model.charsmap)
    if model.remove_extra_whitespaces:
        steps += [
            normalizers.Replace(Regex(rf"\A{_START} *"), prefix),
            normalizers.Replace(Regex(rf"[ {SPACE}]+\z"), ""),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    else:
        steps.append(normalizers.Replace(_START, prefix))
    return normalizers.Sequence([*steps, normalizers.Replace(" ", SPACE)])


@functools.lru_cache(maxsize=1)  # most models have the same map, and finding its steps takes seconds
def _charsmap_steps(charsmap: bytes) -> tuple[Any, ...]:
    """The steps that together do what the map does."""
    rules = charsmap_rules(charsmap)
    longer = {key: text for key, text in rules.items() if len(key) > 1}
    guards = _guards(rules, {character for key in longer for character in key[1:]})
    # Marks first: `Precompiled` replaces a whole grapheme by the rule of its first character, never a mark
    marks = {character: text for character, text in guards.items() if _is_extender(character)}
    others = {character: text for character, text in guards.items() if character not in marks}
    steps = [
        *_control_steps(rules),
        *(normalizers.Precompiled(pack_charsmap(guarded)) for guarded in (marks, others) if guarded),
        normalizers.Precompiled(charsmap),
        normalizers.Replace(_COMPOSED_GUARD, ""),
        normalizers.NFC(),
        normalizers.Replace(Regex(f"[{_APART_GUARD}{_DROPPED}]"), ""),
    ]
    # Try every longer rule; those that the steps do not reproduce become a `Replace` each
    combined = normalizers.Sequence(steps)
    missing = {key: text for key, text in longer.items() if combined.normalize_str(key) != text}
    replaced = sorted(missing, key=lambda key: (-len(key), key))[:_MAX_REPLACED_RULES]
    return (*(normalizers.Replace(key, missing[key]) for key in replaced), *steps)


def _control_steps(rules: Mapping[str, str]) -> Iterator[normalizers.Replace]:
    """Control characters become spaces or are dropped, as the map says."""
    for text, replacement in ((" ", " "), ("", _DROPPED)):
        keys = [
            key for key in rules if rules[key] == text and unicodedata.category(key[0]) in _CONTROL_CATEGORIES
        ]
        if keys:
            codes = "".join(f"\\x{{{ord(key):x}}}" for key in sorted(keys) if len(key) == 1)
            yield normalizers.Replace(Regex(f"[{codes}]"), replacement)


def _guards(rules: Mapping[str, str], composing: set[str]) -> dict[str, str]:
    """Character -> the same with guards, for all that a grapheme can hold after its first character.

    composing  characters that the map composes with those before them
    """
    guards = {character: _COMPOSED_GUARD + character for character in composing}
    mapped = (key for key, text in rules.items() if len(key) == 1 and _joins_previous(text[:1]))
    for character in (*_joining(), *mapped):
        if character not in composing and rules.get(character) != "":
            guards[character] = _APART_GUARD + character + _APART_GUARD
    return guards


@functools.cache
def _joining() -> tuple[str, ...]:
    # As `_joins_previous`, without calling it a million times.
    category = unicodedata.category
    marks = [c for c in map(chr, range(0x300, 0x110000)) if category(c)[0] == "M"]
    return tuple(sorted({*marks, *_JAMO, *_JOINERS}))


def _joins_previous(character: str) -> bool:
    """Whether it is in one grapheme with the character before it, or NFC may move or compose it with that."""
    return character != "" and (character in _JAMO or _is_mark(character))


def _is_extender(character: str) -> bool:
    """Whether it can be in a grapheme only after another character."""
    return character in _HALF_WIDTH_MARKS or _is_mark(character)


def _is_mark(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character)[0] == "M"
