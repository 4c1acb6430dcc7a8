"""The branches for macOS and Windows, on a Linux whose system functions are replaced."""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import sys
from types import ModuleType, SimpleNamespace

import pytest
from files_faults import content

from tokkit.errors import OutputError
from tokkit.files import publish, staging


def loaded_on(platform: str, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A second copy of a module, loaded as on another system."""
    monkeypatch.setattr(sys, "platform", platform)
    module_spec = importlib.util.spec_from_file_location(f"{module.__name__}_on_{platform}", module.__file__)
    copy = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(copy)
    return copy


class Library:
    """A C library with one function, which records its calls and fails with ``error`` if that is not 0."""

    def __init__(self, name: str, error: int = 0) -> None:
        self.calls = []

        def function(*arguments):
            self.calls.append(arguments)
            ctypes.set_errno(error)
            return -1 if error else 0

        setattr(self, name, function)


@pytest.fixture
def with_library(monkeypatch):
    def use(library: object) -> None:
        monkeypatch.setattr(ctypes, "CDLL", lambda *arguments, **options: library)

    return use


def test_exchange_on_macos_swaps_with_renamex_np(tmp_path, monkeypatch, with_library):
    library = Library("renamex_np")
    with_library(library)
    copy = loaded_on("darwin", publish, monkeypatch)
    first, second = tmp_path / "a", tmp_path / "b"
    assert copy.exchange(first, second)
    assert copy.move(first, second)
    swap, exclusive = 2, 4  # RENAME_SWAP and RENAME_EXCL of macOS; Linux has other numbers
    names = os.fsencode(first), os.fsencode(second)
    assert library.calls == [(*names, swap), (*names, exclusive)]


@pytest.mark.parametrize("platform", ["win32", "freebsd14"])
def test_exchange_is_two_renames_on_systems_without_it(platform, tmp_path, monkeypatch):
    copy = loaded_on(platform, publish, monkeypatch)
    for name in ("new", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    assert not copy.exchange(tmp_path / "new", tmp_path / "out")
    copy.replace_folder(tmp_path / "new", tmp_path / "out")
    assert content(tmp_path) == {"out/file": "new"}


def test_exchange_does_without_a_c_library_that_lacks_it(tmp_path, monkeypatch, with_library):
    with_library(SimpleNamespace())  # musl before 1.2.6 and glibc before 2.28 have no renameat2
    copy = loaded_on("linux", publish, monkeypatch)
    assert not copy.exchange(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EINVAL, errno.ENOTSUP])
def test_exchange_does_without_a_file_system_that_cannot(error, tmp_path, monkeypatch, with_library):
    with_library(Library("renamex_np", error))
    copy = loaded_on("darwin", publish, monkeypatch)
    assert not copy.exchange(tmp_path / "a", tmp_path / "b")


class Msvcrt(ModuleType):
    """Windows' locks of byte ranges: one holder per open file."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.holders = {}

    def locking(self, descriptor, mode, size):
        assert (mode, size) == (self.LK_NBLCK, 1)
        inode = os.fstat(descriptor).st_ino
        holder = self.holders.setdefault(inode, descriptor)
        if holder != descriptor and _is_open(holder):
            raise OSError(errno.EACCES, "permission denied")
        self.holders[inode] = descriptor


def _is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_lock_on_windows_refuses_a_second_run_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt())
    copy = loaded_on("win32", staging, monkeypatch)
    with copy.lock(tmp_path / "out"):
        with pytest.raises(OutputError), copy.lock(tmp_path / "out"):
            pass
        assert [path.name for path in tmp_path.iterdir()] == [".out.tokkit-lock"]
    assert not list(tmp_path.iterdir())
    with copy.lock(tmp_path / "out"):
        pass


class Nt:
    """`os` as on Windows: a folder cannot be opened, and only a file open for writing is synced."""

    name = "nt"

    def __getattr__(self, name):
        return getattr(os, name)

    def open(self, path, flags):
        assert not path.is_dir()
        assert flags & os.O_RDWR
        return os.open(path, flags)


def test_sync_on_windows_opens_files_for_writing_and_no_folder(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("text")
    monkeypatch.setattr(publish, "os", Nt())
    publish.sync_tree(tmp_path)
    publish.sync_folder(tmp_path)


def test_paths_with_spaces_and_other_scripts_are_published(tmp_path):
    from tokkit import files

    out = tmp_path / "김 mira" / "out put"
    out.parent.mkdir()
    for text in ("first", "second"):
        with files.folder(out, force=True) as staging:
            (staging / "file").write_text(text)
            (staging / files.RECEIPT).write_text('{"schema": 1}')
    assert content(out)["file"] == "second"
