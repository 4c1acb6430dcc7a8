"""What tests of several rooms use: files written as they are, and a `Progress` that keeps what is said."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.command_server import CommandServer
from tokkit.progress import Silent

# Workers that run side by side have a core each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # as the command line does: torch on shared cores

# After torch, transformers and numba are imported, collections would take a seventh of the time.
gc.set_threshold(100_000, 20, 50)

Write = Callable[[str, "str | bytes"], Path]


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's own cache is neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def command_server() -> Iterator[CommandServer]:
    """Runs commands in children of one process that has imported all of tokkit, torch and transformers."""
    with CommandServer.running(modules=("tests.preloaded",), HF_HUB_OFFLINE="1") as server:
        yield server


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file below the temporary folder, text as UTF-8 with its line ends as they are."""

    def _write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


class Heard(Silent):
    """Keeps what is said; ``"part" in heard`` asks for a part of any sentence."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, message: str) -> None:
        self.sentences.append(message)

    def __contains__(self, part: str) -> bool:
        return any(part in sentence for sentence in self.sentences)


@pytest.fixture
def heard() -> Heard:
    return Heard()
