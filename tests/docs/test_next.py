"""``-m next``: the newest pre-release of tokenizers, in an environment of its own.

tokkit requires tokenizers below 1, because the first major release comes without trainers and offsets. This
run says what the next release breaks before it is out.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from packaging.version import Version

from tests.docs.pages import ROOT

pytestmark = pytest.mark.next

_USED = """
from tokenizers import Encoding, Tokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers
Tokenizer.train_from_iterator, Tokenizer.encode_batch_fast, Encoding.offsets, Encoding.word_ids
"""
_TESTS = (
    "tests/tokenizer/test_tokenizer_bpe.py",
    "tests/tokenizer/test_tokenizer_wordpiece.py",
    "tests/corpus",
)


@pytest.fixture(scope="module")
def next_python(tmp_path_factory) -> tuple[str, Version]:
    """Python of a fresh environment with the pre-release before everything else, and its version."""
    folder = tmp_path_factory.mktemp("next")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--pre",
        "--no-deps",
        "-d",
        str(folder),
        "tokenizers",
    ]
    if subprocess.run(pip, capture_output=True).returncode:
        pytest.skip("no package index can be reached")
    [wheel] = folder.glob("tokenizers-*")
    version = Version(wheel.name.split("-")[1].removesuffix(".tar.gz"))
    if version <= Version(importlib.metadata.version("tokenizers")):
        pytest.skip(f"the index has no version of tokenizers newer than the one installed: {version}")
    if wheel.suffix != ".whl":
        pytest.skip(f"the index has tokenizers {version} only as source")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    packages = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    (Path(packages) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return str(python), version


def test_the_next_tokenizers_gives_the_same(next_python):
    python, version = next_python
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    loaded = subprocess.run([python, "-c", _USED], env=environment, capture_output=True, text=True)
    if loaded.returncode:
        lacks = loaded.stderr.strip().splitlines()[-1]
        assert version.major > 0, (
            f"tokenizers {version}, which pyproject.toml allows, lacks what tokkit uses: {lacks}"
        )
        pytest.xfail(f"tokenizers {version}, which pyproject.toml excludes, lacks what tokkit uses: {lacks}")
    done = subprocess.run(
        [python, "-m", "pytest", "-x", "-p", "no:cacheprovider", *_TESTS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
