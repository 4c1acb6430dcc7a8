"""Sections that cards of all kinds have: how to write it again, what was read, which versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokkit.views.cards.markdown import code, listed, settings_list, table
from tokkit.views.text import in_bytes, in_markdown

# Findings are sentences of tokkit about the data, with labels and names in them.
FAULTS = "Known faults of the data"


@dataclass(frozen=True)
class Origin:
    """How an output was written.

    command    that writes it again; None where the receipt does not record it
    inputs     name and bytes of each file or folder that was read
    settings   options that differ from their defaults, or all of them
    """

    command: str | None = None
    inputs: Sequence[tuple[str, int]] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def how(self) -> str:
        """The command, the settings and the versions."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return joined(
            f"Repeat it:\n\n{code('sh', self.command)}" if self.command else "",
            settings_list(self.settings),
            f"Versions: {in_markdown(versions)}." if versions else "",
        )

    @property
    def read(self) -> str:
        """The files and folders that were read."""
        rows = [(in_markdown(name), in_bytes(size)) for name, size in self.inputs]
        return f"Read:\n\n{table(('file or folder', 'size'), rows)}" if rows else ""


def joined(*parts: str) -> str:
    """Paragraphs, lists and tables below each other, without empty ones."""
    return "\n\n".join(part for part in parts if part)


def faults(sentences: Sequence[str]) -> str:
    """What `stats` finds in data; says so where it is nothing."""
    if not sentences:
        return "`tokkit stats` finds none."
    return f"As `tokkit stats` finds them:\n\n{listed(map(in_markdown, sentences))}"
