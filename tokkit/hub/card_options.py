"""The options of `card`: what no receipt can know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tokkit.errors import UsageError
from tokkit.options import Options, option

_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
# ISO 639 with a region or script, or one of the hub's own words.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*|code|multilingual")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+|[\w.-]+")


@dataclass(frozen=True)
class CardOptions(Options):
    """Metadata for the hub; what is left out stays as the card has it."""

    license: str | None = option(
        None, "license, as the hub names it: mit, apache-2.0, cc-by-4.0, other", metavar="NAME"
    )
    language: str | None = option(None, "languages of the texts, ISO 639: en,ko", metavar="CODE,...")
    trained_on: str | None = option(
        None,
        "data sets on the hub that it was trained on, where the receipt does not say so",
        metavar="OWNER/NAME,...",
    )
    base_model: str | None = option(
        None, "model on the hub that it was trained from, where the receipt does not say so", metavar="NAME"
    )
    name: str | None = option(None, "name of the model in the results of its evaluation", metavar="NAME")
    evaluation: str | None = option(
        None, "folder of `tokkit evaluate MODEL DATASET -o`, whose scores the card takes", metavar="DIR"
    )

    def check(self) -> None:
        """Raises `UsageError` for what the hub would refuse."""
        if self.license is not None and not _LICENSE.fullmatch(self.license.lower()):
            raise UsageError(
                f'--license: "{self.license}" is no name of a license on the hub', hint="--license apache-2.0"
            )
        for code in _split(self.language):
            if not _LANGUAGE.fullmatch(code):
                raise UsageError(f'--language: "{code}" is no code of ISO 639', hint="--language en,ko")
        for flag, names in (("--trained-on", self.trained_on), ("--base-model", self.base_model)):
            for name in _split(names):
                if not _REPOSITORY.fullmatch(name):
                    raise UsageError(f'{flag}: "{name}" is no name on the hub', hint="write it as OWNER/NAME")

    @property
    def metadata(self) -> dict[str, Any]:
        """The keys of the metadata that are set here."""
        given = {
            "language": _split(self.language),
            "license": self.license.lower() if self.license is not None else None,
            "datasets": _split(self.trained_on),
            "base_model": self.base_model,
        }
        return {key: value for key, value in given.items() if value}


def _split(names: str | None) -> list[str]:
    """The values of ``en,ko``; none where the option is not given."""
    return [] if names is None else [name.strip() for name in names.split(",")]
