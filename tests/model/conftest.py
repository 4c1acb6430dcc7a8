"""A small labelled data set, a tokenizer for it and a trained classifier, made once for all tests here."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from matplotlib.figure import Figure

import tokkit

# A file of this kind has one pixel.
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
# Modules with tests of pictures, or whose processes draw them.
_DRAWN = ("test_model_curves", "test_model_features_probe", "test_model_several_processes")

_FEELINGS = {
    "joy": ["glad", "happy", "merry", "기쁘다", "신난다"],
    "sadness": ["sad", "gloomy", "blue", "슬프다", "우울하다"],
    "anger": ["angry", "furious", "cross", "화난다", "분하다"],
}
_SCENES = [
    "at home",
    "in town",
    "by the sea",
    "오늘",
    "어제 학교에서",
    "on the long way back from the market",
]


def sentences(rows: int, seed: int) -> list[tuple[str, str]]:
    """(text, label) rows; joy is four times as frequent as anger."""
    rng = random.Random(seed)
    labeled_texts = []
    for number in range(rows):
        label = rng.choices(list(_FEELINGS), weights=[4, 2, 1])[0]
        text = f"{rng.choice(_SCENES)} i feel {rng.choice(_FEELINGS[label])} {number} {rng.choice(_SCENES)}"
        labeled_texts.append((text, label))
    return labeled_texts


def write_csv(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def pictures_of_one_pixel(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drawing would take a fourth of a training as short as those here; `tests/views` looks at pictures."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.module.__name__.endswith(_DRAWN):
            patch.setattr(Figure, "savefig", _save_one_pixel)
        yield


def _save_one_pixel(figure: Figure, stream: IO[bytes], *, format: str, **_: Any) -> None:
    assert format == "png"
    stream.write(_PNG)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feelings")
    for name, rows, seed in (("train", 240, 1), ("validation", 60, 2), ("test", 60, 3)):
        write_csv(folder / f"{name}.csv", sentences(rows, seed))
    return folder


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory, dataset: Path) -> Path:
    out = tmp_path_factory.mktemp("tokenizer") / "out"
    tokkit.train_wordpiece(dataset / "train.csv", out, vocab_size=300, recipe="korean")
    return out


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, dataset: Path, tokenizer: Path) -> Path:
    out = tmp_path_factory.mktemp("model") / "model"
    settings = {"size": "tiny", "epochs": 10, "lr": 2e-3, "batch_size": 16, "seed": 1, "threads": 1}
    tokkit.finetune(dataset, tokenizer, out=out, **settings)
    return out


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, model: Path) -> tuple[Any, Path]:
    """What `export` returns of that classifier, and the folder."""
    out = tmp_path_factory.mktemp("exported") / "exported"
    return tokkit.export(model, out, threads=1), out
