"""The text that comes with tokkit: prose in English and Korean, and sentences labelled with emotions."""

from __future__ import annotations

from pathlib import Path

import tokkit
from tokkit.errors import InputError

# the labelled sample among the corpora
SAMPLE = "emotions.txt"


def corpora_path() -> Path:
    """The folder of the corpora: inside the installed package, or next to it in a checkout."""
    package = Path(tokkit.__file__).parent
    for folder in (package / "_corpora", package.parent / "corpora"):
        if (folder / SAMPLE).exists():
            return folder
    raise InputError(
        "the corpora that come with tokkit are not there", hint="pip install --force-reinstall tokkit-nlp"
    )
