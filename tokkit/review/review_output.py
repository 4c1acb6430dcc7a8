"""The review file that a command writes, with its receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.review_file import ReviewRow, review_lines
from tokkit.errors import UsageError
from tokkit.options import Options
from tokkit.sources import formats

_FORMAT = "jsonl"


def check_review_output(out: str | Path | None, inputs: Sequence[str | Path | None], *, force: bool) -> None:
    """Raises `UsageError` for a name of another format than JSON lines, and as `files.check_output`."""
    if out is None:
        return
    path = Path(out)
    if formats.format_of(path) not in (None, _FORMAT):
        raise UsageError(
            f"-o {path}: a review file is JSON lines", hint=f"-o {path.with_suffix(f'.{_FORMAT}')}"
        )
    for source in inputs:
        if source is not None:
            files.check_outside(path, source)
    files.check_output(path, force=force, inputs=inputs, kind="file")


def write_review(
    out: Path,
    rows: Sequence[ReviewRow],
    *,
    command: str,
    options: Options,
    read_options: Options,
    inputs: Sequence[Path],
    sources: Mapping[str, Any],
    packages: Sequence[str],
    result: Mapping[str, Any],
    force: bool,
) -> None:
    """Write the rows, all undecided, and the receipt next to them; all or nothing.

    sources   argument of the command -> what it names; an option that names a file is recorded by its name
    """
    named = {name: Path(str(value)).name for name, value in sources.items() if value is not None}
    settings = {**asdict(options), **asdict(read_options)}
    # Folders of this machine are not part of what gives the same result again.
    settings |= {name: value for name, value in named.items() if name in settings}
    with files.files(out, f".{files.RECEIPT}", force=force, inputs=inputs) as staging:
        (staging / out.name).write_bytes(review_lines(rows))
        files.write_receipt(
            staging / out.name,
            command=command,
            settings=settings,
            inputs=inputs,
            packages=packages,
            sources=sources,
            result=result,
            run={"output": str(out)},
        )
