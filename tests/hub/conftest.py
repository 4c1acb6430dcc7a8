"""A tokenizer, a trained classifier and a clean data set, written once; and a hub on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

import tokkit
from tests.hub.hub_server import TOKEN, Hub, serving
from tests.model.conftest import sentences, write_csv

FAST = {"epochs": 2, "lr": 2e-3, "batch_size": 16, "seed": 1, "threads": 1, "baseline": "none"}


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source ``reviews`` and what was written of it: ``tokenizer``, ``model``, ``data``."""
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "reviews").mkdir()
    for name, rows, seed in (("train", 160, 1), ("validation", 60, 2)):
        write_csv(folder / "reviews" / f"{name}.csv", sentences(rows, seed))
    tokkit.train_wordpiece(
        folder / "reviews" / "train.csv", folder / "tokenizer", vocab_size=300, recipe="korean"
    )
    tokkit.finetune(folder / "reviews", folder / "tokenizer", out=folder / "model", **FAST)
    tokkit.clean(folder / "reviews", folder / "data")
    return folder


Copied = Callable[[str], Path]


@pytest.fixture
def copied(outputs: Path, tmp_path: Path) -> Copied:
    """``copied("model")``: a copy of one of the outputs, to change."""

    def copy(name: str) -> Path:
        shutil.copytree(outputs / name, tmp_path / name)
        return tmp_path / name

    return copy


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub that the client uses, with a token that it knows, and no other cache or login."""
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        for name in ("HF_HUB_OFFLINE", "TOKKIT_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        # Read once, when the library is imported.
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        # Chunks of Xet go to a storage of its own, which no server of a test can be.
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-login"))
        yield server
