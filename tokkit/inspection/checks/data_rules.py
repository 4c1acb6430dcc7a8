"""Rules about a tokenizer and data: whether it understands the language, and how much is cut off."""

from __future__ import annotations

from collections.abc import Iterator

from tokkit.inspection.checks.inputs import Subject
from tokkit.inspection.checks.measure import Measured
from tokkit.inspection.checks.rule import DATA, Problem, rule
from tokkit.inspection.checks.tokenizer_rules import train_again
from tokkit.inspection.statistics.findings import TRUNCATED, UNKNOWN_RATE, WARNING
from tokkit.inspection.statistics.scripts import NO_SCRIPT, RECIPES_OF, WITHOUT_SPACES

# Share of unknown tokens above which a script counts as not understood at all. Measured on 12 MB of reviews:
# under 0.1 % of the tokens are unknown to a tokenizer trained on such text, and 80 % of those of Korean text
# to one trained on English.
FOREIGN_UNKNOWN_RATE = 0.10

# Tokens per word: above what a tokenizer trained on a language gives, at about a token a character. Measured
# with WordPiece and byte-level BPE, vocabularies of 4,000 and 30,000. Trained on such text: 1.3 to 1.6 tokens
# per English word, 1.8 to 3.6 per Korean word. Trained on the other language: 4.6 per English word (at
# 4,000), 11 per Korean word.
FOREIGN_FERTILITY = 4.0

FOREIGN_TOKENS_PER_CHARACTER = 1.2  # for scripts without spaces, where a token a character is common practice
SHARE_OF_SCRIPT = 0.01  # of the characters; below it are names, quotations and ornaments

_FOREIGN = "this tokenizer does not understand this language"


def _data(subject: Subject) -> Measured:
    """The figures; rules that need them are not run without."""
    if subject.data is None:
        raise ValueError("a rule about data was run without any")
    return subject.data


@rule(WARNING, DATA)
def unknown_rate(subject: Subject) -> Iterator[Problem]:
    """Many tokens of the data are unknown to the tokenizer."""
    data = _data(subject)
    rates = {name: data.by_script[name].unknown_rate for name in _scripts(data)}
    foreign = {name: rate for name, rate in rates.items() if rate > FOREIGN_UNKNOWN_RATE}
    for name, rate in foreign.items():
        yield Problem(f"{name}: {rate:.1%} of the tokens are unknown: {_FOREIGN}", _train_on(subject, name))
    by_class = {name: figures.unknown_rate for name, figures in data.by_class.items()}
    worst = max(by_class, key=lambda name: by_class[name], default="")
    class_rate = by_class.get(worst, 0)
    # A script that is not understood explains the rates of all rows and classes: it is reported once.
    if not foreign and max(data.overall.unknown_rate, class_rate) > UNKNOWN_RATE:
        message = f"{data.overall.unknown_rate:.1%} of the tokens are unknown to this tokenizer"
        if class_rate > UNKNOWN_RATE:
            message += f'; of class "{worst}" {class_rate:.1%}'
        yield Problem(message, _train_on(subject))


@rule(WARNING, DATA)
def fertility(subject: Subject) -> Iterator[Problem]:
    """Words fall into many more tokens than one trained on them gives.

    A finding for each script with too many tokens per word, or per character where no spaces are put.
    """
    data = _data(subject)
    for name in _scripts(data):
        figures = data.by_script[name]
        # A script whose tokens are mostly unknown has few tokens per word: `unknown_rate` reports it.
        value, unit, most = figures.fertility, "word", FOREIGN_FERTILITY
        if name in WITHOUT_SPACES:
            value, unit, most = figures.tokens_per_character, "character", FOREIGN_TOKENS_PER_CHARACTER
        if value > most:
            yield Problem(f"{name}: {value:.1f} tokens a {unit}: {_FOREIGN}", _train_on(subject, name))


@rule(WARNING, DATA)
def truncation(subject: Subject) -> Iterator[Problem]:
    """Many rows are longer than the limit."""
    data = _data(subject)
    groups = {"rows": data.overall, **{f'rows of class "{name}"': f for name, f in data.by_class.items()}}
    shares = {name: figures.truncated or 0.0 for name, figures in groups.items()}
    cut = max(shares, key=lambda name: shares[name])
    # A small class may be truncated while all rows are below the threshold: then it is named.
    named = "rows" if shares["rows"] > TRUNCATED else cut
    if shares[named] > TRUNCATED:
        worst = f"; of the {cut} {shares[cut]:.1%}" if cut != named else ""
        yield Problem(
            f"{shares[named]:.1%} of the {named} are longer than {data.limit} tokens{worst}",
            "cut long texts into parts, or use a model that takes more",
        )


@rule(WARNING, DATA)
def special_in_data(subject: Subject) -> Iterator[Problem]:
    """Texts hold special tokens literally, and become them."""
    if with_special := _data(subject).with_special_text:
        message = ", ".join(f'"{token}" in {rows}' for token, rows in with_special.items())
        yield Problem(
            f"rows whose text holds a special token literally, and becomes it: {message}",
            "take them out of the texts",
        )


def _scripts(data: Measured) -> list[str]:
    """The scripts that make up a noticeable part of the data."""
    least = SHARE_OF_SCRIPT * data.overall.characters
    scripts = data.by_script.items()
    return [name for name, figures in scripts if figures.characters > least and name != NO_SCRIPT]


def _train_on(subject: Subject, script: str = "") -> str:
    return train_again(subject, like=False, recipe=RECIPES_OF.get(script))
