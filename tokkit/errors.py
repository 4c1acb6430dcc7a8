"""The error tree, and the exit code each branch ends a command with.

    TokkitError            message, hint (the command that mends it), exit code
    ├── UsageError     2   an option or argument that cannot mean anything
    ├── InputError     3   a file, table, tokenizer or model that is not what it should be
    ├── OutputError    4   what was to be written cannot be, or must not be
    └── Interrupted  130   the user stopped the work

Code below `cli` raises these and never exits; `cli.main` is the one place that turns them into
exit codes. Anything else that arrives there is a bug of ours (exit 70).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_FINDINGS = 1
EXIT_BUG = 70


class TokkitError(Exception):
    """Something a person can mend: what and where in the message, what to type in the hint."""

    exit_code = EXIT_BUG

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TokkitError):
    """An option or argument that cannot mean anything."""

    exit_code = 2


class InputError(TokkitError):
    """A file, table, tokenizer or model that is not what it should be."""

    exit_code = 3


class OutputError(TokkitError):
    """What was to be written cannot be, or must not be."""

    exit_code = 4


class Interrupted(TokkitError):
    """The user stopped the work."""

    exit_code = 130

    def __init__(self, message: str = "interrupted; nothing was written") -> None:
        super().__init__(message)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A half-sentence naming the nearest choice, or nothing.

    >>> did_you_mean("lable", ["text", "label"])
    ' (did you mean "label"?)'
    """
    near = nearest(word, choices)
    return "" if near is None else f' (did you mean "{near}"?)'


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that a mistyped word nearly is; None where none is near."""
    return next(iter(difflib.get_close_matches(word, list(choices), n=1)), None)
