"""From what a person types to the files to read."""

from __future__ import annotations

import io
import os
import threading
import unicodedata
from types import SimpleNamespace

import pytest

from tokkit.errors import InputError
from tokkit.sources import paths


def _names(paths):
    return [path.name for path in paths]


def test_paths_expand_gives_files_of_a_folder_without_hidden_ones_and_sidecars(write, tmp_path):
    for name in ("d/b.txt", "d/a.csv", "d/in/c.txt", "d/.hidden", "d/.git/x.txt", "d/tokkit.json"):
        write(name, "x")
    for name in ("d/weights.json", "d/a.csv.weights.json", "d/a.csv.tokkit.json", "d/a.csv.dropped.jsonl"):
        write(name, "x")
    write("d/class_weights.json", "x")
    assert _names(paths.expand([tmp_path / "d"])) == ["a.csv", "b.txt", "class_weights.json", "c.txt"]


def test_paths_expand_prefers_an_existing_path_to_a_glob(write, tmp_path):
    write("a[1].txt", "x")
    write("a1.txt", "x")
    assert _names(paths.expand([tmp_path / "a[1].txt"])) == ["a[1].txt"]


def test_paths_expand_sorts_a_glob_and_leaves_sidecars_out(write, tmp_path):
    for name in ("b.json", "a.json", "a.json.tokkit.json", "c.txt"):
        write(name, "x")
    assert _names(paths.expand([tmp_path / "*.json"])) == ["a.json", "b.json"]


def test_paths_expand_reads_a_file_named_twice_once(write, tmp_path, monkeypatch):
    path = write("a.txt", "x")
    monkeypatch.chdir(tmp_path)
    assert len(paths.expand(["a.txt", "./a.txt", "*.txt"])) == 1
    assert len(paths.expand([path, path])) == 1


def test_paths_expand_names_the_neighbour_of_a_missing_file(write, tmp_path):
    write("train.csv", "x")
    with pytest.raises(
        InputError, match=r'trian\.csv: no such file or folder \(did you mean "train\.csv"\?\)'
    ) as caught:
        paths.expand([tmp_path / "trian.csv"])
    assert caught.value.hint == f"look with:\nls {tmp_path}"


def test_paths_expand_names_a_file_whose_name_has_another_unicode_form(write, tmp_path):
    path = write(unicodedata.normalize("NFC", "리뷰 é.csv"), "x")
    with pytest.raises(InputError, match="one of the same name in another Unicode form exists") as caught:
        paths.expand([tmp_path / unicodedata.normalize("NFD", path.name)])
    assert caught.value.hint == f"name it:\n'{path}'"


def test_paths_expand_names_the_first_folder_that_is_missing(tmp_path):
    with pytest.raises(InputError, match=rf"{tmp_path}/a does not exist") as caught:
        paths.expand([tmp_path / "a" / "b" / "c.csv"])
    assert caught.value.hint == f"look with:\nls {tmp_path}"


def test_paths_expand_suggests_no_file_for_its_extension_alone(write, tmp_path):
    write("new.csv", "x")
    with pytest.raises(InputError, match=r"no such file or folder$"):
        paths.expand([tmp_path / "nothere.csv"])


@pytest.mark.parametrize("name", ["x" * 5000, "no/such/folder/a.csv", "", "a\0b"])
def test_paths_expand_refuses_what_is_no_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        paths.expand([name])


def test_paths_expand_refuses_a_glob_without_a_match_and_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match="no file matches"):
        paths.expand([tmp_path / "*.csv"])
    with pytest.raises(InputError, match="holds no files"):
        paths.expand([tmp_path])


def test_paths_standard_input_is_spooled_under_a_steady_name_and_removed(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"a\nb\n")))
    [path] = paths.expand(["-"])
    assert (path.name, path.read_bytes()) == ("standard-input", b"a\nb\n")
    assert paths.without_spool(f"{path}:3: no column") == "standard-input:3: no column"
    paths.remove_spooled()
    assert not path.parent.exists()


def test_paths_standard_input_may_not_be_empty(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(InputError, match="standard input: nothing came through it"):
        paths.expand(["-"])
    paths.remove_spooled()


def test_paths_a_pipe_is_spooled(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"through a pipe\n"))
    writer.start()
    [path] = paths.expand([pipe])
    writer.join()
    assert path.read_bytes() == b"through a pipe\n"
    paths.remove_spooled()
