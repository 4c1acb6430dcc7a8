"""Work on an output that outlives a killed run, removed once the output stands."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from tokkit.errors import OutputError
from tokkit.files.locks import lock


def remove_work(work: Path, real: Path) -> None:
    """Removes the work of an output that is published; where another run has begun one, it is that run's."""
    with suppress(OutputError), lock(real):
        shutil.rmtree(work, ignore_errors=True)
