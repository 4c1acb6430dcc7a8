"""Fonts of pictures: one that draws Korean where there is one, and names for what none can draw."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from tokkit.views.text import escaped, printable, shorten

_FONTS = (
    *("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "NanumBarunGothic", "Malgun Gothic", "AppleGothic"),
    *("Apple SD Gothic Neo", "UnDotum", "Noto Sans CJK JP", "Droid Sans Fallback", "WenQuanYi Zen Hei"),
)
# The extra ``fonts`` and the font in it; importing it would change every picture of the process.
_CARRIER, _CARRIED = "koreanize_matplotlib", "fonts/NanumGothic.ttf"
# Characters of a label; a longer one would leave no room for the picture.
_LONGEST = 32


def families() -> list[str]:
    """DejaVu Sans and, where the system or the extra ``fonts`` has one, a font with Korean characters."""
    from matplotlib import font_manager

    installed = _installed()
    if installed.isdisjoint(_FONTS):
        _add_new_fonts()
        installed = _installed()
    if installed.isdisjoint(_FONTS) and (carried := _carried_font()) is not None:
        font_manager.fontManager.addfont(carried)
        installed.add(font_manager.get_font(carried).family_name)
    # Matplotlib looks a character up in these in order (since 3.6): Latin text stays in DejaVu Sans.
    return ["DejaVu Sans", *[name for name in _FONTS if name in installed][:1]]


def _installed() -> set[str]:
    from matplotlib import font_manager

    return {font.name for font in font_manager.fontManager.ttflist}


@functools.cache
def _add_new_fonts() -> None:
    """Add the fonts installed since matplotlib made its cache, which it never refreshes."""
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        # Matplotlib leaves out fonts that it cannot read, in whatever way they are broken.
        with contextlib.suppress(Exception):
            font_manager.fontManager.addfont(path)


def without_glyphs(labels: Sequence[str]) -> list[str]:
    """The labels with characters that no font here can draw."""
    covered = _covered()
    return [label for label in labels if any(ord(character) not in covered for character in label)]


def note_of_missing(labels: Sequence[str]) -> str | None:
    """What a user has to know of labels that are not drawn as they are."""
    missing = without_glyphs(labels)
    if not missing:
        return None
    return (
        f"no font on this system has the characters of {', '.join(missing[:3])}, which are romanized or "
        " written as codes; install one: pip install koreanize-matplotlib"
    )


def drawable(labels: Sequence[str], longest: int = _LONGEST) -> list[str]:
    r"""Unique labels that the fonts can draw, of at most this many characters, without boxes.

    A Hangul syllable that no font has becomes its romanized name, another character its code point.

    >>> drawable(["joy", "기쁨", "\U0010fffd"])  # where there is no Korean font
    ['joy', 'gibbeum', '\\U0010fffd']
    """
    covered = _covered()
    labels_to_draw: list[str] = []
    for label in labels:
        name = "".join(c if ord(c) in covered else _spelled(c) for c in shorten(printable(label), longest))
        # Labels that differ only in characters without a glyph would be ambiguous on an axis.
        number, unique = 2, name
        while unique in labels_to_draw:
            number, unique = number + 1, f"{name} ({number})"
        labels_to_draw.append(unique)
    return labels_to_draw


def _spelled(character: str) -> str:
    kind, _, syllable = unicodedata.name(character, "").rpartition(" ")
    # The Unicode name of 기 is HANGUL SYLLABLE GI.
    if kind == "HANGUL SYLLABLE":
        return syllable.lower()
    return escaped(character)


def _covered() -> set[int]:
    return set().union(*map(_characters, families()))


@functools.cache
def _characters(family: str) -> frozenset[int]:
    from matplotlib import font_manager, ft2font

    return frozenset(ft2font.FT2Font(font_manager.findfont(family)).get_charmap())


def _carried_font() -> Path | None:
    """The font that the extra brings, found without importing its package."""
    package = importlib.util.find_spec(_CARRIER)
    folders = package.submodule_search_locations if package is not None else None
    paths = [Path(folder) / _CARRIED for folder in folders or ()]
    return next((path for path in paths if path.is_file()), None)
