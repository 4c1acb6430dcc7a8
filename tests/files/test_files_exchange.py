"""Replacing folders in one step and in two, and repairing what a killed run left."""

from __future__ import annotations

from pathlib import Path

import pytest
from files_faults import content, names

from tokkit.files import publish
from tokkit.files.publish import repair, replace_folder

ASIDE = ".out.tokkit-0123456789abcdef"


def make(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "file").write_text(text)
    return path


def test_exchange_replaces(tmp_path, either_way):
    replace_folder(make(tmp_path / "new", "new"), make(tmp_path / "out", "old"))
    assert content(tmp_path) == {"out/file": "new"}


def test_exchange_puts_where_nothing_is(tmp_path, either_way):
    replace_folder(make(tmp_path / "new", "new"), tmp_path / "out")
    assert content(tmp_path) == {"out/file": "new"}


def test_exchange_raises_and_changes_nothing(tmp_path, either_way):
    make(tmp_path / "out", "old")
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "missing", tmp_path / "out")
    assert content(tmp_path) == {"out/file": "old"}


def test_exchange_moves_only_to_a_free_name(tmp_path):
    make(tmp_path / "new", "new")
    (tmp_path / "out").mkdir()
    try:
        moved = publish.move(tmp_path / "new", tmp_path / "out")
    except FileExistsError:
        moved = False
    assert not moved
    assert names(tmp_path) == ["new", "out"]


def test_repair_does_nothing_where_nothing_is_wrong(tmp_path):
    make(tmp_path / "out", "old")
    repair(tmp_path / "out")
    repair(tmp_path / "elsewhere")
    assert content(tmp_path) == {"out/file": "old"}


def test_repair_puts_the_old_folder_back(tmp_path):
    make(tmp_path / ASIDE, "old")
    (tmp_path / ".out.tokkit-journal").write_text(ASIDE + "\n")
    repair(tmp_path / "out")
    assert content(tmp_path) == {"out/file": "old"}


def test_repair_keeps_the_new_folder(tmp_path):
    make(tmp_path / "out", "new")
    make(tmp_path / ASIDE, "old")
    (tmp_path / ".out.tokkit-journal").write_text(ASIDE + "\n")
    repair(tmp_path / "out")
    assert names(tmp_path) == [ASIDE, "out"]
    assert content(tmp_path / "out") == {"file": "new"}


@pytest.mark.parametrize("journal", [b"", b".out.tokk", b"../secret", b"secret", b"\xff\xfe", b"\x00"])
def test_repair_moves_nothing_for_a_journal_cut_short_or_forged(tmp_path, journal):
    make(tmp_path / "secret", "not ours")
    (tmp_path / ".out.tokkit-journal").write_bytes(journal)
    repair(tmp_path / "out")
    assert content(tmp_path) == {"secret/file": "not ours"}
