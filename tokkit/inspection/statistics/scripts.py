"""The script of a text, from the Unicode names of its letters.

Python knows no Script property. The name of a letter begins with its script ("HANGUL SYLLABLE GA"), which
`unicodedata` gives; a test compares it with the property.

Japanese mixes three scripts within a word: kana are called Japanese, and so is Han in a text that has kana.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter

# Scripts that put no space between words: there a token is compared with characters, not with words.
WITHOUT_SPACES = frozenset({"Han", "Japanese", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"})
# the recipe of WordPiece for a script, whose letters the default one strips or decomposes
RECIPES_OF = {"Hangul": "korean"}
NO_SCRIPT = "none"  # what texts without letters are counted as

_NAMED = {
    **{"Cjk": "Han", "Kangxi": "Han", "Ideographic": "Han"},
    **{"Hiragana": "Japanese", "Katakana": "Japanese", "Hentaigana": "Japanese"},
}
# Words that stand before the script in the name of a letter's variant.
_FORMS = frozenset({"FULLWIDTH", "HALFWIDTH", "SUPERSCRIPT", "SUBSCRIPT"})
_QUALIFIERS = frozenset({"OLD", "NEW", "TAI"})  # of scripts of two words: Old Italic, New Tai (Lue), Tai Le

# Letters and marks that several scripts use, and letters as symbols.
_SHARED = frozenset(
    {"COMBINING", "VARIATION", "MODIFIER", "MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER"}
)


@functools.lru_cache(maxsize=1 << 16)
def script_of(character: str) -> str | None:
    """The script of a letter or mark: ``Latin``, ``Hangul``, ``Old Italic``; None for all else.

    >>> [script_of(character) for character in "a가漢か1"]
    ['Latin', 'Hangul', 'Han', 'Japanese', None]
    """
    if not unicodedata.category(character).startswith(("L", "M")):
        return None
    words = [word for word in unicodedata.name(character, "").split() if word not in _FORMS]
    if not words or words[0] in _SHARED:
        return None
    name = " ".join(words[: 2 if words[0] in _QUALIFIERS else 1]).split("-")[0].title()
    return _NAMED.get(name, name)


def main_script(text: str) -> str | None:
    """The script that most letters of the text have, the first of equals; None without letters."""
    counts = Counter(script for script in map(script_of, text) if script is not None)
    if "Japanese" in counts:
        counts["Japanese"] += counts.pop("Han", 0)
    return max(counts, key=lambda script: counts[script]) if counts else None


def stretches(text: str) -> list[tuple[str | None, str]]:
    """The text in stretches of words of one script; a text of one script is one stretch, unchanged.

    A word counts as its letters' main script, and one without letters goes with the word before it.

    >>> stretches("see 서울 and 부산")
    [('Latin', 'see'), ('Hangul', '서울'), ('Latin', 'and'), ('Hangul', '부산')]
    """
    # Many Japanese words are written in Han alone: kana anywhere in the text decides for all of them.
    kana = any(script_of(character) == "Japanese" for character in text)
    scripts: list[str | None] = []
    words: list[list[str]] = []
    for word in text.split():
        script = main_script(word)
        script = "Japanese" if kana and script == "Han" else script
        if scripts and (script is None or scripts[-1] in (script, None)):
            scripts[-1] = scripts[-1] or script
            words[-1].append(word)
        else:
            scripts.append(script)
            words.append([word])
    if len(scripts) < 2:
        return [(scripts[0] if scripts else None, text)]
    return list(zip(scripts, map(" ".join, words), strict=True))
