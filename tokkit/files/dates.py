"""The date that an output may have in its bytes."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from tokkit.errors import UsageError


def source_date() -> str | None:
    """The day of ``SOURCE_DATE_EPOCH`` (https://reproducible-builds.org), UTC; None where it is not set.

    Raises `UsageError` where that is no number of seconds.
    """
    if not (seconds := os.environ.get("SOURCE_DATE_EPOCH")):
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH: {seconds}: expected seconds since 1970") from error
