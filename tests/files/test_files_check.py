"""What may be written, and what is never replaced."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from files_faults import in_child, names

from tokkit.errors import OutputError
from tokkit.files import check_output, check_outside


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "corpus.txt"
    path.parent.mkdir()
    path.write_text("text\n")
    return path


def refused(match: str, out: Path, **options: object) -> None:
    with pytest.raises(OutputError, match=match) as caught:
        check_output(out, force=True, **options)
    assert str(out) in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 4


def test_check_gives_the_real_path_and_creates_nothing(tmp_path):
    (tmp_path / "link").symlink_to("a")
    assert check_output(tmp_path / "link" / "out", force=False) == tmp_path / "a" / "out"
    assert names(tmp_path) == ["link"]


def test_check_refuses_an_input(tmp_path, corpus):
    refused("is an input", corpus, inputs=[corpus])
    refused("is an input", corpus.parent / ".." / "data" / "corpus.txt", inputs=[corpus])


def test_check_refuses_an_input_by_relative_path(corpus, monkeypatch):
    monkeypatch.chdir(corpus.parent)
    refused("is an input", Path("corpus.txt"), inputs=[corpus])
    refused("is an input", corpus, inputs=[Path("../data/corpus.txt")])


def test_check_refuses_a_hard_link_of_an_input(tmp_path, corpus):
    os.link(corpus, tmp_path / "same.txt")
    refused("is an input", tmp_path / "same.txt", inputs=[corpus])


def test_check_refuses_a_link_to_an_input(tmp_path, corpus):
    (tmp_path / "link.txt").symlink_to(corpus)
    refused("is an input", tmp_path / "link.txt", inputs=[corpus])
    refused("is an input", corpus, inputs=[tmp_path / "link.txt"])


def test_check_refuses_a_folder_that_is_or_holds_an_input(tmp_path, corpus):
    (tmp_path / "tokkit.json").write_text("{}")
    (tmp_path / "door").symlink_to("data")
    refused("is an input", tmp_path / "data", inputs=[tmp_path / "data"])
    refused("contains the input", tmp_path / "data", inputs=[corpus])
    refused("contains the input", tmp_path, inputs=[corpus])
    refused("contains the input", tmp_path / "door", inputs=[corpus])
    refused("contains the input", tmp_path / "data", inputs=[tmp_path / "door" / "corpus.txt"])


def test_check_refuses_a_folder_that_holds_the_link_an_input_is_read_by(tmp_path, corpus):
    out = tmp_path / "out"
    out.mkdir()
    (out / "tokkit.json").write_text("{}")
    (out / "link.txt").symlink_to(corpus)
    refused("contains the input", out, inputs=[out / "link.txt"])


def test_check_passes_inputs_elsewhere_and_missing_ones(tmp_path, corpus):
    out = tmp_path / "out"
    out.mkdir()
    assert check_output(out, force=True, inputs=[corpus, tmp_path / "gone", Path("-")]) == out
    assert check_output(corpus.parent / "new", inputs=[corpus.parent]) == corpus.parent / "new"


def test_check_refuses_a_folder_of_others_even_with_force(tmp_path):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter1.tex").write_text("mine")
    refused("was not written by tokkit", out)
    (out / "tokkit.json").write_text("{}")
    assert check_output(out, force=True) == out


def test_check_refuses_the_folder_one_is_in(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "tokkit.json").write_text("{}")
    monkeypatch.chdir(tmp_path / "a" / "b")
    refused("the current folder", Path())
    refused("the current folder", Path(".."))
    refused("the current folder", tmp_path)
    refused("mount point", Path("/"))


def test_check_refuses_the_other_kind(tmp_path, corpus):
    refused("is a file, expected a folder", corpus, kind="folder")
    refused("is a folder, expected a file", corpus.parent, kind="file")
    assert check_output(corpus, force=True) == corpus


def test_check_refuses_devices(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused("neither a file nor a folder", tmp_path / "pipe", kind="file")
    refused("neither a file nor a folder", Path("/dev/null"), kind="file")


def test_check_refuses_a_parent_that_is_a_file(corpus):
    refused("is not a folder", corpus / "out")
    refused("is not a folder", corpus / "deeper" / "out")


def test_check_refuses_a_loop_of_links(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    refused("cannot be written", tmp_path / "loop")


def test_check_refuses_a_parent_without_permission():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "closed").mkdir(mode=0o555)
        folder.chmod(0o755)

        def work() -> None:
            if os.getuid() == 0:
                os.setuid(65534)
            with pytest.raises(OutputError, match="no permission to write"):
                check_output(folder / "closed" / "a" / "out", force=False)

        assert in_child(work) == 0


@pytest.mark.parametrize(
    "name", ["s3://bucket/out", "gs://bucket/", "https://key:secret@host/a.csv?sig=secret"]
)
def test_check_refuses_an_address(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for check in (check_output, check_outside):
        with pytest.raises(OutputError, match="is an address, and outputs are files and folders") as caught:
            check(Path(name))
        assert caught.value.message.startswith(name.partition("://")[0] + "://")
        assert "secret" not in caught.value.message
    assert names(tmp_path) == []


def test_check_takes_a_folder_that_is_called_like_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:").mkdir()
    assert check_output(Path("s3://bucket")) == tmp_path / "s3:" / "bucket"
