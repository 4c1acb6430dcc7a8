"""The progress bars of the library of the hub, which writes them to standard error itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "HF_HUB_DISABLE_PROGRESS_BARS"


@contextmanager
def hub_bars(*, enabled: bool) -> Iterator[None]:
    """Inside, downloads from the hub have bars only if enabled, also those of processes started there."""
    if enabled:
        yield
        return
    before = os.environ.get(_VARIABLE)
    # Read as the library is imported, by most commands later than here.
    os.environ[_VARIABLE] = "1"
    library = sys.modules.get("huggingface_hub.utils")
    disabled = library is None or library.are_progress_bars_disabled()
    if library is not None:
        library.disable_progress_bars()
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE)
        if before is not None:
            os.environ[_VARIABLE] = before
        if library is not None and not disabled:
            library.enable_progress_bars()
