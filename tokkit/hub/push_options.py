"""The options of `push`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tokkit.errors import UsageError
from tokkit.options import Options, option

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_BRANCH = re.compile(r"[\w][\w./-]*")
# Of the hub: longer names are refused by it.
_LONGEST = 96


@dataclass(frozen=True)
class PushOptions(Options):
    """Where it goes, and what goes with it."""

    private: bool = option(False, "create the repository for you, or your organization, alone")
    revision: str | None = option(
        None, "branch to commit to, created where there is none", metavar="BRANCH", default_text="main"
    )
    with_rows: bool = option(
        False, "send rows of yours too: data sets, predictions, worst rows, and paths in the receipt"
    )

    def check(self, repository: str) -> None:
        """Raises `UsageError` for names that the hub does not take."""
        if not _REPOSITORY.fullmatch(repository) or len(repository) > _LONGEST or ".." in repository:
            kind = repository.split("/")[0]
            named = kind in ("datasets", "models", "spaces") and repository.count("/") == 2
            hint = "write it as OWNER/NAME" + (
                "; whether it is a model or a data set follows from the folder" if named else ""
            )
            raise UsageError(f"{repository}: is no name of a repository on the hub", hint=hint)
        if self.revision is not None and not _BRANCH.fullmatch(self.revision):
            raise UsageError(f'--revision: "{self.revision}" is no name of a branch', hint="--revision main")
