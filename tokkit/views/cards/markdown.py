"""A card: metadata as YAML between two lines of dashes, a title, a lead, and sections under headings.

Labels, names and settings are data: characters that Markdown reads as markup are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from huggingface_hub.utils import yaml_dump

from tokkit.views.text import in_markdown, printable

_FENCE = "---\n"
_HEADING = "## "
# What stands for the folder, or the repository, in the code of a card.
THIS_FOLDER = "THIS_FOLDER"


@dataclass(frozen=True)
class Card:
    """metadata   keys of the YAML in their order
    title      and ``lead``, the text below it
    sections   heading -> text, in their order
    """

    metadata: Mapping[str, Any]
    title: str
    lead: str
    sections: Mapping[str, str] = field(default_factory=dict)

    def with_metadata(self, metadata: Mapping[str, Any]) -> Card:
        """The card with these keys set; None removes one."""
        merged = {**self.metadata, **metadata}
        return replace(self, metadata={key: value for key, value in merged.items() if value is not None})

    def with_sections(self, sections: Mapping[str, str]) -> Card:
        """The card with further sections behind its own."""
        return replace(self, sections={**self.sections, **sections})

    @property
    def text(self) -> str:
        """The content of README.md."""
        parts = [f"# {self.title}", self.lead.strip()]
        parts += [
            f"{_HEADING}{heading}\n\n{text.strip()}"
            for heading, text in self.sections.items()
            if text.strip()
        ]
        metadata = yaml_dump(dict(self.metadata), sort_keys=False)
        return f"{_FENCE}{metadata}{_FENCE}\n" + "\n\n".join(part for part in parts if part) + "\n"


def parts_of(text: str) -> tuple[str, Card]:
    """The YAML of a card, and the card without metadata; the inverse of `Card.text`.

    The YAML is empty where there is none. A heading within a block of code is none.
    """
    text = text.replace("\r\n", "\n")
    metadata, body = "", text
    if text.startswith(_FENCE) and (end := text.find(f"\n{_FENCE}", len(_FENCE) - 1)) >= 0:
        metadata, body = text[len(_FENCE) : end + 1], text[end + 1 + len(_FENCE) :]
    title, heading, in_code = "", "", False
    lines: dict[str, list[str]] = {"": []}
    for line in body.split("\n"):
        in_code ^= line.startswith("```")
        if not in_code and line.startswith(_HEADING):
            heading = line.removeprefix(_HEADING).strip()
            lines.setdefault(heading, [])
        elif not in_code and not title and not heading and line.startswith("# "):
            title = line[2:].strip()
        else:
            lines[heading].append(line)
    texts = {name: "\n".join(of_section).strip() for name, of_section in lines.items()}
    lead = texts.pop("")
    return metadata, Card({}, title, lead, texts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """A table of cells that are Markdown already; empty without rows."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(heads), "|" + "---|" * len(heads), *lines]) if lines else ""


def _line(cells: Sequence[str | None]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def listed(items: Iterable[str]) -> str:
    """A list of lines that are Markdown already."""
    return "\n".join(f"- {item}" for item in items)


def code(language: str, *lines: str) -> str:
    """A block of code."""
    # No text of the user may end the block: a run of backticks in it would.
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *map(printable, lines), fence])


def settings_list(settings: Mapping[str, Any]) -> str:
    """Options by name, without those that have no value."""
    return listed(
        f"{name}: {in_markdown(_plain(value))}"
        for name, value in sorted(settings.items())
        if value is not None and value not in ((), [], "")
    )


def pictures(names: Mapping[str, str]) -> str:
    """Links to pictures in the folder: file -> what it displays."""
    return "\n".join(f"![{title}]({name})" for name, title in names.items())


def _plain(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
