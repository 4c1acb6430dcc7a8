"""`card`: write the card of a model, a tokenizer or a data set from its receipts, or check the one it has.

receipts, metrics        -> `CardKind.build`      what is derived, and the same wherever it is built
the card that is there   -> `completed`           license, language and sections of the user's own, kept
options                  -> metadata, scores of a test
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import InputError, OutputError
from tokkit.files import CARD
from tokkit.hub.card_kinds import CardKind, kind_of
from tokkit.hub.card_metadata import kept_metadata, parsed_metadata, valid_metadata
from tokkit.hub.card_options import CardOptions
from tokkit.hub.other_scores import add_test_scores
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress
from tokkit.views.cards.markdown import Card, parts_of
from tokkit.views.cards.sections import FAULTS, faults

_OURS = "tokkit"


@dataclass(frozen=True)
class CardResult:
    """kind      "model", "tokenizer" or "data set"
    sections  headings of the card, in order
    own       those that are the user's own
    files     what was written: path in the folder, and bytes
    """

    output: str
    kind: str
    sections: list[str]
    own: list[str]
    files: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def card(
    folder: str | Path,
    options: CardOptions | None = None,
    *,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> CardResult:
    """Write ``README.md`` of a folder that tokkit wrote: what it is, its data, training, scores and limits.

    License, language and sections that the card there has and this one does not write are kept; a card of
    another author is replaced only with ``force``. With ``evaluation``, a folder that `evaluate` wrote for
    this model, its scores and pictures go into the folder too.

    ``settings`` are fields of `CardOptions`. Raises `InputError` for a folder without a receipt or with
    damaged ones, and for an evaluation of another model; `OutputError` for a card of another author.
    """
    options = apply_settings(CardOptions, options, settings)
    # Before anything is read: examining rows may take a minute.
    options.check()
    path = Path(folder)
    kind = kind_of(path)
    old = read_card(path, repair=force)
    if old is not None and _OURS not in _tags(old) and not force:
        raise OutputError(
            f"{path / CARD}: was not written by tokkit", hint="replace it, but for its own sections:\n--force"
        )
    # Scores first: the card is built of the files of the folder, and these are among them.
    written = []
    if options.evaluation is not None:
        if kind.name != "model":
            raise InputError(
                f"--evaluation: {path} is a {kind.name}, and has no scores", hint="leave --evaluation out"
            )
        written += add_test_scores(path, Path(options.evaluation))
    sentences = kind.faults(path, progress) if kind.faults is not None else None
    built = completed(kind, kind.build(path, progress), old, options, sentences)
    valid_metadata(built.metadata, kind.repository, path / CARD)
    files.write_file(path / CARD, built.text.encode(), force=True)
    written.append(path / CARD)
    return CardResult(
        output=str(path / CARD),
        kind=kind.name,
        sections=[heading for heading, text in built.sections.items() if text],
        own=own_sections(kind, old),
        files=[{"path": file.name, "size": file.stat().st_size} for file in written],
    )


def read_card(folder: Path, *, repair: bool = False) -> Card | None:
    """The card in a folder; None where there is none.

    Raises `InputError` for metadata that is no YAML, which ``repair`` drops.
    """
    path = folder / CARD
    if not path.exists():
        return None
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    metadata, parts = parts_of(text)
    try:
        return parts.with_metadata(parsed_metadata(metadata, path))
    except InputError:
        if not repair:
            raise
        return parts


def completed(
    kind: CardKind,
    built: Card,
    old: Card | None,
    options: CardOptions,
    sentences: list[str] | None = None,
) -> Card:
    """The card with what the old one and the options add to what was derived.

    sentences   faults of the data; where they are not known, what the old card says of them stays
    """
    named = {**(old.metadata if old is not None else {}), **options.metadata}
    metadata: dict[str, Any] = kept_metadata(named, built.metadata)
    if "model-index" in metadata:
        [entry] = metadata["model-index"]
        name = options.name or _old_name(old) or entry["name"]
        metadata["model-index"] = [{**entry, "name": name}]
    sections = dict(built.sections)
    # Only cards of models have this section empty: the rows of a data set are examined when it is built.
    if sentences is not None and FAULTS in sections:
        sections[FAULTS] = faults(sentences)
    elif old is not None and not sections.get(FAULTS) and FAULTS in old.sections and FAULTS in sections:
        sections[FAULTS] = old.sections[FAULTS]
    if old is not None:
        sections |= {heading: old.sections[heading] for heading in own_sections(kind, old)}
    return Card(metadata, built.title, built.lead, sections)


def own_sections(kind: CardKind, old: Card | None) -> list[str]:
    """Headings of a card that no card of this kind has: the user's own."""
    return [] if old is None else [heading for heading in old.sections if heading not in kind.headings]


def _old_name(old: Card | None) -> str | None:
    """The name that the user gave the model in its results."""
    index = old.metadata.get("model-index") if old is not None else None
    entry = index[0] if isinstance(index, list) and index else None
    name = entry.get("name") if isinstance(entry, Mapping) else None
    # The derived one is the title, which says what the folder is now.
    return name if isinstance(name, str) and old is not None and name != old.title else None


def _tags(old: Card) -> list[Any]:
    tags = old.metadata.get("tags")
    return tags if isinstance(tags, list) else []
