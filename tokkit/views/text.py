"""Texts as they are displayed: escaped, folded, shortened; and numbers in units."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from tokkit.errors import counted

# Characters of a message.
_LONGEST_MESSAGE = 3_000
# Without the zero-width joiners, a composed emoji falls apart and Persian letters join wrongly.
_JOINERS = "\u200c\u200d"
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def printable(text: str) -> str:
    r"""The text with control and format characters escaped, except the joiners emoji and scripts need.

    >>> printable("a\x1b[31m\tb")
    'a\\x1b[31m\\tb'
    """
    # Nearly every text is, and the loop below takes far longer than this call.
    if text.isprintable():
        return text
    # `isprintable` is false for every space but U+0020, also for U+00A0 and U+3000 of ordinary text.
    return "".join(
        c if c.isprintable() or c in _JOINERS or unicodedata.category(c) == "Zs" else escaped(c) for c in text
    )


def escaped(text: str) -> str:
    r"""The text with all but printable ASCII as escapes: ``\u00a0``."""
    return text.encode("unicode_escape").decode("ascii")


def in_message(text: str) -> str:
    """As `printable`; of a text with fields of megabytes its beginning and its end."""
    if len(text) > _LONGEST_MESSAGE:
        half = _LONGEST_MESSAGE // 2
        text = f"{text[:half]} … ({counted(len(text) - 2 * half, 'character', style=',')}) … {text[-half:]}"
    return printable(text)


def in_markdown(text: object) -> str:
    r"""The text as a value in Markdown: characters that Markdown or HTML reads as markup are escaped.

    >>> in_markdown("<b>|a_b")
    '\\<b\\>\\|a\\_b'
    """
    return re.sub(r"[\\`*_\[\]<>|&~#$]", r"\\\g<0>", printable(str(text)))


def folded(text: str, width: int) -> str:
    """The text in lines of at most ``width`` columns of a terminal, without breaking a word.

    >>> folded("a path/to/a/file, 한국어", 8)
    'a\npath/to/a/file,\n한국어'
    """
    from rich.cells import cell_len

    line, *words = text.split(" ")
    lines = []
    for word in words:
        if cell_len(line) + 1 + cell_len(word) > width:
            lines.append(line)
            line = word
        else:
            line += f" {word}"
    return "\n".join([*lines, line])


def shorten(text: str, longest: int) -> str:
    """At most this many characters of the text."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def in_bytes(amount: int) -> str:
    """An amount of bytes in kB, MB or GB.

    >>> in_bytes(390_000), in_bytes(1_234_567_890)
    ('390.0 kB', '1.2 GB')
    """
    unit, name = next((pair for pair in _UNITS if amount >= pair[0]), _UNITS[-1])
    return f"{amount / unit:.1f} {name}"


def with_interval(value: float | None, bounds: Sequence[float] | None, form: str = ".3f") -> str | None:
    """A value with its confidence interval: ``0.812 [0.790, 0.834]``."""
    if value is None:
        return None
    return f"{value:{form}}" + (f" [{bounds[0]:{form}}, {bounds[1]:{form}}]" if bounds else "")


def p_value(value: float | None, digits: int = 3) -> str | None:
    """A p-value with so many digits; smaller ones are displayed as the bound: ``< 0.001``."""
    if value is None:
        return None
    return f"{value:.{digits}f}" if value >= 10**-digits else f"< {10**-digits}"
