"""The corpora that come with tokkit."""

from __future__ import annotations

import pytest

import tokkit
from tokkit.errors import InputError
from tokkit.sources.corpora import SAMPLE, corpora_path


def test_corpora_path_holds_the_sample():
    assert (corpora_path() / SAMPLE).is_file()


def test_corpora_path_prefers_the_packed_ones_and_says_when_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(tokkit, "__file__", str(tmp_path / "tokkit" / "__init__.py"))
    with pytest.raises(InputError, match="not there"):
        corpora_path()
    for folder in (tmp_path / "corpora", tmp_path / "tokkit" / "_corpora"):
        folder.mkdir(parents=True)
        (folder / SAMPLE).write_text("text;label\n")
        assert corpora_path() == folder
