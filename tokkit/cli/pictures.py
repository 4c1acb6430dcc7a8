"""``--plot`` and its like: where a picture may be written, and writing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tokkit import files
from tokkit.errors import UsageError
from tokkit.progress import Progress
from tokkit.views import fonts, plots


def picture_path(plot: str | None, force: bool, flag: str = "--plot") -> Path | None:
    """The path, checked before long work; raises `UsageError` where it does not end as a picture.

    flag  what it was named with
    """
    if plot is None:
        return None
    path = Path(plot)
    if path.suffix.lstrip(".").lower() not in plots.FORMATS:
        raise UsageError(
            f"{flag}: {plot}: a picture is .png or .svg", hint=f"{flag} {path.with_suffix('.png')}"
        )
    files.check_output(path, force=force, kind="file")
    return path


def write_picture(
    path: Path, labels: Sequence[str], draw: Callable[[str], bytes], force: bool, progress: Progress
) -> None:
    """Draws (``draw`` takes the format) and writes; says which of the labels no font has."""
    lacking = fonts.undrawable(labels)
    if lacking:
        progress.say(
            f"{path}: no font on this system draws {', '.join(lacking[:3])}, which is spelled out; "
            "install one: pip install koreanize-matplotlib"
        )
    files.write_file(path, draw(path.suffix.lstrip(".").lower()), force=force)
    progress.say(f"drawn: {path}")
