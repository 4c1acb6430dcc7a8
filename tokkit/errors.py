"""The error tree, and the exit code each branch ends a command with.

    TokkitError            message, hint (the command that fixes it), exit code
    ├── UsageError     2   an invalid option or argument
    ├── InputError     3   an invalid file, table, tokenizer or model
    ├── OutputError    4   an output that cannot be written, or must not be replaced
    └── Interrupted  130   the user stopped the work

Code below `cli` raises these and never exits; `cli.main` is the one place that turns them into
exit codes. Any other exception there is an internal error (exit 70).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

EXIT_FINDINGS = 1
EXIT_BUG = 70


class TokkitError(Exception):
    """An error the user can fix: what and where in the message, what to type in the hint."""

    exit_code = EXIT_BUG

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(TokkitError):
    """An invalid option or argument."""

    exit_code = 2


class InputError(TokkitError):
    """An invalid file, table, tokenizer or model."""

    exit_code = 3


class OutputError(TokkitError):
    """An output that cannot be written, or must not be replaced."""

    exit_code = 4


class Interrupted(TokkitError):
    """The user stopped the work."""

    exit_code = 130

    def __init__(self, message: str = "interrupted; nothing was written") -> None:
        super().__init__(message)


# Letters of a part of a mistyped word that say which choice was meant.
_PART = 4
_SINGULAR_VERBS = {"have": "has", "are": "is", "were": "was"}


def counted(number: int, noun: str, verb: str = "", style: str = "") -> str:
    """A number and a noun that agree, and a verb that agrees with them.

    >>> counted(1, "row", "have"), counted(2_000, "class", style=",")
    ('1 row has', '2,000 classes')
    """
    if number == 1:
        verb = _SINGULAR_VERBS.get(verb, f"{verb}s" if verb else "")
    else:
        noun += "es" if noun.endswith("s") else "s"
    return f"{number:{style}} {noun} {verb}".rstrip()


def in_units(number: int, unit: str) -> str:
    """A number and its unit, which is given in the plural.

    >>> in_units(1, "rows"), in_units(2_000, "rows")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {unit.removesuffix('s') if number == 1 else unit}"


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The nearest choice as a suffix of a message, or an empty string.

    >>> did_you_mean("lable", ["text", "label"])
    ' (did you mean "label"?)'
    """
    near = nearest(word, choices)
    return "" if near is None else f' (did you mean "{near}"?)'


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice nearest to a mistyped word; None where none is near.

    Hangul is compared letter by letter, not by syllable. Where no choice is near as a whole, it is the first
    that begins with a part of the word.

    >>> nearest("리부", ["감정", "리뷰"]), nearest("random-over", ["undersample", "oversample"])
    ('리뷰', 'oversample')
    """
    letters = {unicodedata.normalize("NFD", choice): choice for choice in choices}
    near = difflib.get_close_matches(unicodedata.normalize("NFD", word), letters, n=1)
    # as in another library: random-over is oversample
    parts = [part for part in re.split(r"[\W_]", word) if len(part) >= _PART]
    alike = (choice for choice in letters.values() if choice.startswith(tuple(parts)))
    return letters[near[0]] if near else next(alike, None)
