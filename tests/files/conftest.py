from __future__ import annotations

from pathlib import Path

import pytest
from files_faults import NO_EXCHANGE

from tokkit.files import publish


@pytest.fixture(params=["exchange", NO_EXCHANGE])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Once with the system's exchange in one call, once as on a system that has none."""
    if request.param == NO_EXCHANGE:
        monkeypatch.setattr(publish, "_system_call", lambda: None)
    else:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        if not publish.exchange(tmp_path / "a", tmp_path / "b"):
            pytest.skip("this file system cannot exchange")
        (tmp_path / "a").rmdir()
        (tmp_path / "b").rmdir()
    return str(request.param)
