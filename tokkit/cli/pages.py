"""``--html``: where a page may be written."""

from __future__ import annotations

from pathlib import Path

from tokkit import files
from tokkit.errors import UsageError


def page_path(page: str | None, force: bool) -> Path | None:
    """The path, checked before long work; raises `UsageError` where it does not end as a page."""
    if page is None:
        return None
    path = Path(page)
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--html: {page}: a page is .html", hint=f"--html {path.with_suffix('.html')}")
    files.check_output(path, force=force, kind="file")
    return path
