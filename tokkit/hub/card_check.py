"""`card --check`: whether the card of a folder is valid, and says what its receipts say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import InputError
from tokkit.files import CARD
from tokkit.hub.card import completed, own_sections, read_card
from tokkit.hub.card_kinds import kind_of
from tokkit.hub.card_metadata import DERIVED, valid_metadata
from tokkit.hub.card_options import CardOptions
from tokkit.inspection.statistics.findings import ERROR, WARNING, Finding
from tokkit.progress import SILENT, Progress
from tokkit.views.cards.markdown import Card

_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class CardCheckResult:
    """kind      "model", "tokenizer" or "data set"
    findings  what is wrong, each with its rule, severity and fix
    """

    output: str
    kind: str
    findings: list[Finding]

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == ERROR for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check_card(folder: str | Path, *, progress: Progress = SILENT) -> CardCheckResult:
    """Compare the card of a folder with its receipts; nothing is written.

    Rules: ``missing-card``, ``metadata`` (as the hub's library reads it), ``outdated`` (other than the
    receipts say), ``pictures`` that are not in the folder, ``license`` and ``language`` that are not named.
    Raises `InputError` for a folder that can have no card.
    """
    path = Path(folder)
    kind = kind_of(path)
    write = f"write it:\ntokkit card {shlex.quote(str(path))}"
    try:
        card = read_card(path)
        if card is not None:
            valid_metadata(card.metadata, kind.repository, path / CARD)
    except InputError as error:
        return _result(path, kind.name, [Finding("metadata", ERROR, error.message, error.hint or write)])
    if card is None:
        message = f"{path}: has no {CARD}"
        return _result(path, kind.name, [Finding("missing-card", ERROR, message, write)])
    # What the card adds to the receipts, as language and sections of the user's own, is taken from itself.
    expected = completed(kind, kind.build(path, progress), card, CardOptions())
    findings = [
        *(Finding("outdated", ERROR, message, write) for message in _differences(card, expected)),
        *_pictures(path, card),
        *_unnamed(path, card),
    ]
    own = own_sections(kind, card)
    if own:
        progress.say(f"{path / CARD}: sections of its own, not checked: {', '.join(own)}")
    return _result(path, kind.name, findings)


def _result(path: Path, kind: str, findings: list[Finding]) -> CardCheckResult:
    return CardCheckResult(str(path / CARD), kind, findings)


def _differences(card: Card, expected: Card) -> Iterator[str]:
    """What a card says otherwise than its receipts."""
    # Keys of the user are compared with nothing.
    for key in DERIVED:
        if card.metadata.get(key) != expected.metadata.get(key):
            yield f'metadata "{key}" is not what the receipts say'
    if (card.title, card.lead) != (expected.title, expected.lead.strip()):
        yield "the title, or the text below it, is not what the receipts say"
    for heading in dict.fromkeys([*expected.sections, *card.sections]):
        if card.sections.get(heading, "") != expected.sections.get(heading, "").strip():
            yield f'section "{heading}" is not what the receipts say'


def _pictures(folder: Path, card: Card) -> Iterator[Finding]:
    for text in (card.lead, *card.sections.values()):
        for name in _PICTURE.findall(text):
            if "://" not in name and not (folder / name).is_file():
                fix = "put the picture into the folder, or remove the link"
                yield Finding("pictures", ERROR, f"{name}: is not in {folder}", fix)


def _unnamed(folder: Path, card: Card) -> Iterator[Finding]:
    quoted = shlex.quote(str(folder))
    for key, value in (("license", "apache-2.0"), ("language", "en")):
        if not card.metadata.get(key):
            fix = f"name it:\ntokkit card {quoted} --{key} {value}"
            yield Finding(key, WARNING, f"no {key} is named", fix)
