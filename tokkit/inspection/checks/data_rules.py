"""Rules about a tokenizer and data: whether it understands the language, and how much is cut off."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from tokkit.inspection.checks.inputs import Subject
from tokkit.inspection.checks.measure import NO_SCRIPT, Measured
from tokkit.inspection.checks.tokenizer_rules import train_again
from tokkit.inspection.statistics.findings import TRUNCATED, UNKNOWN_RATE, WARNING, Finding
from tokkit.inspection.statistics.scripts import WITHOUT_SPACES

# Measured on 12 MB of reviews: under 0.1 % of the tokens are unknown to a tokenizer trained on such text, and
# 80 % of those of Korean text to one trained on English.
FOREIGN_UNKNOWN_RATE = 0.10
"""Share of unknown tokens above which a script counts as not understood at all."""

# Measured with WordPiece and byte-level BPE, vocabularies of 4,000 and 30,000. Trained on such text: 1.3 to
# 1.6 tokens per English word, 1.8 to 3.6 per Korean word. Trained on the other language: 4.6 per English word
# (at 4,000), 11 per Korean word.
FOREIGN_FERTILITY = 4.0
"""Tokens per word: above what a tokenizer trained on a language gives, at about a token a character."""

FOREIGN_TOKENS_PER_CHARACTER = 1.2
"""The same for scripts without spaces, where a token a character is common practice."""

SHARE_OF_SCRIPT = 0.01
"""Share of the characters that a script must have; below it is names, quotations and ornaments."""

_FOREIGN = "this tokenizer does not understand this language"


def _data(subject: Subject) -> Measured:
    """The figures; rules that need them are not run without."""
    if subject.data is None:
        raise ValueError("a rule about data was run without any")
    return subject.data


def unknown_rate(subject: Subject) -> Iterator[Finding]:
    data = _data(subject)
    fix = f"train one on this text: {_train_on(subject)}"
    foreign = [name for name in _scripts(data) if data.by_script[name].unknown_rate > FOREIGN_UNKNOWN_RATE]
    for name in foreign:
        rate = data.by_script[name].unknown_rate
        yield Finding(
            "unknown-rate", WARNING, f"{name}: {rate:.1%} of the tokens are unknown: {_FOREIGN}", fix
        )
    classes = [name for name, each in data.by_class.items() if each.unknown_rate > UNKNOWN_RATE]
    # A script that is not understood explains the rates of all rows and classes: it is reported once.
    if not foreign and (data.overall.unknown_rate > UNKNOWN_RATE or classes):
        worst = max(classes, key=lambda name: data.by_class[name].unknown_rate, default=None)
        message = f"{data.overall.unknown_rate:.1%} of the tokens are unknown to this tokenizer"
        if worst is not None:
            message += f'; of class "{worst}" {data.by_class[worst].unknown_rate:.1%}'
        yield Finding("unknown-rate", WARNING, message, fix)


def fertility(subject: Subject) -> Iterator[Finding]:
    """A finding for each script with too many tokens per word, or per character where no spaces are put."""
    data = _data(subject)
    for name in _scripts(data):
        each = data.by_script[name]
        by_character = name in WITHOUT_SPACES
        # A script whose tokens are mostly unknown has few tokens per word: `unknown_rate` reports it.
        value, unit = (each.tokens_per_character, "character") if by_character else (each.fertility, "word")
        if value > (FOREIGN_TOKENS_PER_CHARACTER if by_character else FOREIGN_FERTILITY):
            yield Finding(
                "fertility",
                WARNING,
                f"{name}: {value:.1f} tokens a {unit}: {_FOREIGN}",
                f"train one on this text: {_train_on(subject)}",
            )


def truncation(subject: Subject) -> Iterator[Finding]:
    data = _data(subject)
    groups = {"rows": data.overall, **{f'rows of class "{name}"': f for name, f in data.by_class.items()}}
    shares = {name: figures.truncated or 0.0 for name, figures in groups.items()}
    cut = max(shares, key=lambda name: shares[name])
    # A small class may be truncated while all rows together are below the threshold: then it is named.
    named = "rows" if shares["rows"] > TRUNCATED else cut
    if shares[named] > TRUNCATED:
        worst = f"; of the {cut} {shares[cut]:.1%}" if cut != named else ""
        yield Finding(
            "truncation",
            WARNING,
            f"{shares[named]:.1%} of the {named} are longer than {data.limit} tokens{worst}",
            "cut long texts into parts, or use a model that takes more",
        )


def special_in_data(subject: Subject) -> Iterator[Finding]:
    data = _data(subject)
    if data.with_special_text:
        message = ", ".join(f'"{token}" in {rows}' for token, rows in data.with_special_text.items())
        yield Finding(
            "special-in-data",
            WARNING,
            f"rows whose text holds a special token literally, and becomes it: {message}",
            "take them out of the texts",
        )


def _scripts(data: Measured) -> list[str]:
    """The scripts that make up a noticeable part of the data."""
    least = SHARE_OF_SCRIPT * data.overall.characters
    return [name for name, each in data.by_script.items() if each.characters > least and name != NO_SCRIPT]


def _train_on(subject: Subject) -> str:
    source = shlex.quote(_data(subject).source)
    return train_again(subject.tokenizer, like=False).replace("CORPUS", source)
