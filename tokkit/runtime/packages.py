"""Optional packages: whether they are installed, before any is loaded."""

from __future__ import annotations

import importlib.util

from tokkit.errors import UsageError


def require_packages(what: str, *names: str) -> None:
    """Raises `UsageError` for packages that are not installed, and names them all.

    what   the option or command that needs them
    """
    if missing := [name for name in names if importlib.util.find_spec(name) is None]:
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(
            f"{what}: {' and '.join(missing)} {verb} not installed", hint=f"pip install {' '.join(missing)}"
        )
