"""What is wrong with a call of `explore`, before anything is read or torch is loaded."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from tokkit import files
from tokkit.data.loading.read import is_hub
from tokkit.errors import UsageError
from tokkit.sources import paths

PAGES = (".html", ".htm")


def check_explore(out: str | Path, sources: Mapping[str, str | Path | None], *, force: bool) -> Path:
    """The path of the page; raises `UsageError` for another ending, `InputError` for a missing file,
    `OutputError` where it exists.

    sources   argument -> what is read
    """
    path = Path(out)
    if path.suffix.lower() not in PAGES:
        raise UsageError(
            f"-o {out}: a page is .html", hint=f"-o {shlex.quote(str(path.with_suffix(PAGES[0])))}"
        )
    dataset = sources["dataset"]
    if not is_hub(str(dataset)):
        paths.check(str(dataset))
    for name in ("features", "audit"):
        if (source := sources.get(name)) is not None and not paths.is_path(Path(source)):
            raise paths.missing(Path(source))
    files.check_outside(path, str(dataset))
    files.check_output(path, force=force, inputs=[*sources.values()], kind="file")
    return path
