"""Addresses of fsspec file systems: one state of what they name, never half, and one sentence for errors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import polars as pl
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import tokkit
from tokkit import files
from tokkit.corpus import feed
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, Interrupted, OutputError
from tokkit.model.requests.checks import is_source
from tokkit.progress import SILENT, Silent
from tokkit.sources import downloads, filesystems, paths, remote

ROWS = b"text,label\n" + b"".join(b"row %d,%s\n" % (i, [b"joy", b"love"][i % 2]) for i in range(2_000))
SECRET = "hunter2"


class Store(MemoryFileSystem):
    """A file system of the test, with what happens on a network.

    cuts     bytes after which the connection breaks, one for each file that is opened
    opened   paths and positions at which they were read
    errors   path -> what looking at it raises
    on_read  called before each block
    """

    protocol = "store"
    store: dict = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    cuts: list[int]
    opened: list[tuple[str, int]]
    errors: dict[str, Exception]

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.removeprefix("store://"))

    @classmethod
    def reset(cls):
        cls.store.clear()
        cls.pseudo_dirs[:] = [""]
        cls.cuts, cls.opened, cls.errors = [], [], {}
        cls.on_read = staticmethod(lambda: None)
        cls.sizes = True

    @classmethod
    def put(cls, path, content):
        cls().pipe_file(path, content)

    def info(self, path, **options):
        if (error := self.errors.get(path)) is not None:
            raise error
        info = super().info(path, **options)
        return info if self.sizes else {**info, "size": None}

    def _open(self, path, mode="rb", **options):
        stream = super()._open(path, mode, **options)
        return stream if mode != "rb" else _Stream(stream.getvalue(), path, type(self))


class _Stream:
    def __init__(self, content, path, store):
        self._content, self._path, self._store = content, path, store
        self._end = store.cuts.pop(0) if store.cuts else None

    def seek(self, position):
        self._position = position
        self._store.opened.append((self._path, position))

    def read(self, size):
        self._store.on_read()
        if self._end is not None and self._position >= self._end:
            raise ConnectionResetError("the peer has gone")
        end = min(self._position + size, self._end or len(self._content))
        block, self._position = self._content[self._position : end], end
        return block

    def close(self): ...


@pytest.fixture
def store(tmp_path, monkeypatch):
    for name in ("TOKKIT_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remote, "_PAUSE", 0)
    monkeypatch.setattr(filesystems, "_BLOCK", 1000)
    fsspec.register_implementation("store", Store, clobber=True)
    Store.reset()
    return Store


@pytest.fixture
def memory():
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield memory
    memory.store.clear()


def _fetch(address, progress=SILENT, largest=downloads.LARGEST):
    return remote.fetch(address, downloads.cache_folder(), largest, progress)


def _refusal(address, **options):
    with pytest.raises(InputError) as caught:
        _fetch(address, **options)
    assert caught.value.hint
    assert caught.value.exit_code == 3
    return caught.value.message.removeprefix(f"{address}: ")


def _cached(pattern="*"):
    return [path for path in downloads.cache_folder().rglob(pattern) if path.is_file()]


def test_remote_a_file_in_memory_is_read_as_one_on_disk(memory, heard):
    memory.pipe_file("/data/test.csv", ROWS)
    dataset = read_dataset("memory://data/test.csv", progress=heard)
    assert dataset.texts("test").len() == 2_000
    # files of this process use no network, and are in no cache of others
    assert "network" not in heard
    assert paths.displayed(f"{dataset.files[0]}: is read") == "test.csv: is read"


def test_remote_a_folder_gives_its_splits_and_hidden_files_are_none_of_it(memory, heard):
    for name in ("train.csv", "test.csv", ".hidden/train.csv", "train.csv.tokkit.json", "notes.md"):
        memory.pipe_file(f"/data/{name}", ROWS)
    result = tokkit.stats("memory://data", progress=heard).as_dict()
    assert {name: split["rows"] for name, split in result["splits"].items()} == {
        "train": 2_000,
        "test": 2_000,
    }
    assert "memory://data: skipped: notes.md" in heard


def test_remote_folders_of_classes_label_their_texts(memory):
    for name in ("joy/1.txt", "joy/2.txt", "anger/1.txt"):
        memory.pipe_file(f"/texts/{name}", b"a text\n")
    dataset = read_dataset("memory://texts/")
    assert sorted(dataset.labels("train")) == ["anger", "joy", "joy"]


def test_remote_a_folder_that_datasets_saved_is_one(memory, tmp_path):
    import datasets

    datasets.DatasetDict({"test": datasets.Dataset.from_dict({"text": ["a b"]})}).save_to_disk(str(tmp_path))
    for path in tmp_path.rglob("*.*"):
        memory.pipe_file(f"/saved/{path.relative_to(tmp_path).as_posix()}", path.read_bytes())
    assert read_dataset("memory://saved").texts("test").to_list() == ["a b"]


@pytest.mark.parametrize("address", ["memory://corpus", "memory://corpus/**/part-?.txt"])
def test_remote_a_corpus_is_counted_to_the_same_bytes(memory, tmp_path, address, write):
    for number, text in enumerate(("low lower\n", "newest\n")):
        memory.pipe_file(f"/corpus/{number}/part-{number}.txt", text.encode())
        path = tmp_path / "local" / str(number) / f"part-{number}.txt"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    tokkit.count(str(tmp_path / "local"), tmp_path / "a")
    tokkit.count(address, tmp_path / "b")
    a, b = (pl.read_parquet(tmp_path / name / "*.parquet") for name in "ab")
    assert a.equals(b)
    inputs = [files.read_receipt(tmp_path / name)["result"]["inputs"] for name in "ab"]
    assert inputs[0] == inputs[1]


def test_remote_arrow_and_compressed_files(memory, tmp_path):
    pl.DataFrame({"text": ["a b", "c"]}).write_parquet(tmp_path / "a.parquet")
    memory.pipe_file("/a.parquet", (tmp_path / "a.parquet").read_bytes())
    assert read_dataset("memory://a.parquet").texts("train").to_list() == ["a b", "c"]


def test_remote_addresses_of_files_are_paths(tmp_path, write):
    path = write("test.csv", ROWS.decode())
    dataset = read_dataset(f"file://{path}")
    assert dataset.files == (path,) or list(dataset.files) == [path]
    with pytest.raises(InputError, match="no such file or folder"):
        paths.expand([f"file://{tmp_path}/none.csv"])
    assert paths.expand([f"file://{tmp_path}/*.csv"]) == [path]


def test_remote_an_existing_path_wins(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "store:" / "a.csv"
    path.parent.mkdir()
    path.write_bytes(ROWS)
    assert paths.expand(["store://a.csv"]) == [Path("store://a.csv")]


def test_remote_the_network_is_said_and_what_is_unchanged_is_not_sent_again(store, heard):
    store.put("/data/a.csv", ROWS)
    first = _fetch("store://data/a.csv", heard)
    assert first.files[0].read_bytes() == ROWS
    assert "store://data/a.csv: requested over the network" in heard
    assert f"1 file, {len(ROWS):,} bytes downloaded" in heard
    assert _fetch("store://data/a.csv", heard) == first
    assert _fetch("store://data/*.csv", heard).files == first.files
    assert _fetch("store://data", heard).files[0].samefile(first.files[0])
    assert "1 file, unchanged; taken from the cache" in heard
    assert [position for _, position in store.opened] == [0]


def test_remote_a_later_state_leaves_the_earlier_one_to_who_reads_it(store):
    store.put("/data/train.csv", ROWS)
    first = _fetch("store://data")
    store.put("/data/train.csv", ROWS[::-1])
    second = _fetch("store://data")
    assert first.files[0].read_bytes() == ROWS
    assert second.files[0].read_bytes() == ROWS[::-1]
    assert first.files[0].name == second.files[0].name == "train.csv"


def test_remote_states_that_nobody_used_for_long_are_removed(store):
    store.put("/a.csv", ROWS)
    first = _fetch("store://a.csv")
    os.utime(first.files[0].parent, (0, 0))
    store.put("/a.csv", b"text\na\n")
    _fetch("store://a.csv")
    assert not first.files[0].exists()


def test_remote_what_was_damaged_in_the_cache_is_sent_again(store):
    store.put("/data/a.csv", ROWS)
    _fetch("store://data").files[0].write_bytes(b"te")
    assert _fetch("store://data").files[0].read_bytes() == ROWS


def test_remote_a_download_that_is_cut_off_goes_on_where_it_stopped(store):
    store.put("/a.csv", ROWS)
    store.cuts = [3_000, 5_000]
    assert _fetch("store://a.csv").files[0].read_bytes() == ROWS
    assert [position for _, position in store.opened] == [0, 3_000, 5_000]


def test_remote_a_download_goes_on_in_the_next_run(store):
    store.put("/a.csv", ROWS)
    store.cuts = [2_000] * 4
    message = _refusal("store://a.csv")
    assert message == "the connection was cut off 4 times, the last time after 2,000 bytes: the peer has gone"
    assert [path.name for path in _cached()] == [".partial"]
    assert _fetch("store://a.csv").files[0].read_bytes() == ROWS
    assert store.opened[-1] == ("/a.csv", 2_000)
    assert _cached(".partial") == []


def test_remote_what_changes_meanwhile_is_refused_and_never_half(store):
    store.put("/data/a.csv", ROWS)
    store.put("/data/b.csv", ROWS)
    changes = [lambda: store.put("/data/b.csv", ROWS[::-1])]
    store.on_read = lambda: changes and changes.pop()()
    assert _refusal("store://data") == "store://data/b.csv: changed while it was downloaded"
    assert not _cached("*.csv")
    assert [path.read_bytes() for path in _fetch("store://data").files] == [ROWS, ROWS[::-1]]
    # the file that had not changed is not sent again
    assert [path for path, _ in store.opened].count("/data/a.csv") == 1


@pytest.mark.parametrize("change", ["removed", "added", "shortened", "grown"])
def test_remote_a_folder_whose_files_change_meanwhile_is_refused(store, change):
    store.put("/data/a.csv", ROWS)

    def change_once():
        store.on_read = lambda: None
        if change == "removed":
            store().rm("/data/a.csv")
        elif change == "added":
            store.put("/data/b.csv", ROWS)
        else:
            store.put("/data/a.csv", ROWS[:-7] if change == "shortened" else ROWS + b"row,joy\n")

    store.on_read = change_once
    assert "changed while it was downloaded" in _refusal("store://data")
    assert not _cached("*.csv")


def test_remote_an_empty_file_is_one(store):
    store.put("/data/a.csv", ROWS)
    store.put("/data/b.csv", b"")
    assert [path.stat().st_size for path in _fetch("store://data").files] == [len(ROWS), 0]
    with pytest.raises(InputError, match="is empty"):
        read_dataset("store://data/b.csv")


def test_remote_sizes_and_versions_that_nobody_knows(store, monkeypatch):
    monkeypatch.setattr(filesystems, "_VERSIONS", ())
    store.sizes = False
    store.put("/a.csv", ROWS)
    for _ in range(2):
        assert _fetch("store://a.csv").files[0].read_bytes() == ROWS
    assert len(store.opened) == 2
    store.put("/b.csv", ROWS)
    assert "more than 5,000 bytes" in _refusal("store://b.csv", largest=5_000)


def test_remote_more_than_is_allowed_is_refused(store):
    for name in "ab":
        store.put(f"/data/{name}.csv", ROWS)
    assert "more than" in _refusal("store://data", largest=len(ROWS) + 1)
    assert store.opened == []
    with pytest.raises(InputError, match="more than 1,024 bytes") as caught:
        feed.files_named("store://data", options=feed.ReadingOptions(max_download="1kB"))
    assert "--max-download" in caught.value.hint


def test_remote_more_than_the_disk_has_room_for_is_refused(store, monkeypatch):
    store.put("/a.csv", ROWS)
    usage = type("Usage", (), {"free": 1_000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match="no space left for store://") as caught:
        _fetch("store://a.csv")
    assert "TOKKIT_CACHE" in caught.value.hint


@pytest.mark.parametrize("variable", ["TOKKIT_OFFLINE", "HF_HUB_OFFLINE"])
def test_remote_offline_the_last_state_is_what_there_is(store, monkeypatch, heard, variable):
    store.put("/data/train.csv", ROWS)
    named = ("store://data", "store://data/train.csv", "store://data/*.csv")
    fetched = [_fetch(address) for address in named]
    monkeypatch.setenv(variable, "1")
    store.reset()
    assert [_fetch(address, heard) for address in named] == fetched
    assert f"{variable} forbids the network; taken from the cache" in heard
    assert f"not in the cache, and {variable} forbids the network" in _refusal("store://data/b.csv")
    fetched[1].files[0].unlink()
    assert "not in the cache" in _refusal("store://data/train.csv")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("store://data/tran.csv", 'no such file or folder (did you mean "train.csv"?)'),
        ("store://none/train.csv", 'no bucket or folder "none"'),
        ("store://data/*.json", "no file matches"),
        ("store://none/*.json", "no such file or folder"),
        ("s4://bucket/a.csv", 'unknown protocol "s4" (did you mean "s3"?)'),
        ("stor://a.csv", 'unknown protocol "stor" (did you mean "store"?)'),
        ("qwertz://a.csv", 'unknown protocol "qwertz"'),
        ("simplecache::store://data", "addresses within addresses are not read"),
        ("zip://a.csv::store://data/a.zip", "addresses within addresses are not read"),
        ("sftp://host/a.csv", "sftp:// addresses are read with paramiko, which is not installed"),
        ("oci://bucket/a.csv", "oci:// addresses are read with ocifs, which is not installed"),
    ],
)
def test_remote_what_is_not_there_is_named(store, address, message):
    store.put("/data/train.csv", ROWS)
    assert _refusal(address) == message
    assert _cached() == []


def test_remote_a_missing_library_is_the_one_to_install(store):
    with pytest.raises(InputError) as caught:
        paths.check("oci://bucket/a.csv")
    assert caught.value.hint == "pip install ocifs"


def _error(name, *bases):
    return type(name, bases or (Exception,), {})(f"no store://me:{SECRET}@data\nand more")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError("403"), "no permission to read it"),
        (_error("NoCredentialsError"), "no credentials for store://"),
        (_error("EndpointConnectionError", ConnectionError), "cannot be reached: no store://data and more"),
        (socket.gaierror("unknown host"), "cannot be reached: unknown host"),
        (ValueError("a header\n is wrong"), "cannot be read: a header is wrong"),
        (OSError(), "cannot be read: OSError"),
    ],
)
def test_remote_what_the_library_of_a_protocol_raises_is_one_sentence(store, error, message):
    store.errors = {"/data/a.csv": error}
    assert _refusal("store://data/a.csv") == message


def test_remote_an_endpoint_that_never_answers_takes_bounded_time(store, monkeypatch):
    monkeypatch.setattr(filesystems, "CONTACT", 0.2)
    monkeypatch.setattr(Store, "info", lambda self, path: time.sleep(5))
    started = time.monotonic()
    assert _refusal("store://a.csv") == "cannot be reached: no answer within 0 seconds"
    assert time.monotonic() - started < 3


def test_remote_a_secret_is_in_no_message_receipt_or_cache(store, tmp_path, monkeypatch, heard):
    store.put(f"/data/a.csv?sig={SECRET}", ROWS)
    address = f"store://data/a.csv?sig={SECRET}"
    monkeypatch.setattr("sys.argv", ["tokkit", "split", address])
    monkeypatch.chdir(tmp_path)
    results = [
        tokkit.split(address, "parts", progress=heard).as_dict(),
        tokkit.train_wordpiece(address, "out", vocab_size=60, progress=heard).as_dict(),
    ]
    store.errors = {f"/none.csv?sig={SECRET}": OSError(f"no {SECRET}")}
    assert _refusal(f"store://none.csv?sig={SECRET}") == "store://none.csv: cannot be read: OSError"
    assert "store://data/a.csv: requested over the network" in heard
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == downloads.RECORD for path in written)
    assert SECRET not in f"{results} {heard.sentences}"
    assert [path for path in written if SECRET in f"{path} {path.read_bytes()!r}"] == []
    for name in ("s3", "gs", "hf"):
        with pytest.raises(InputError, match="an address with a name or password is not used") as caught:
            paths.check(f"{name}://KEY:{SECRET}/x@bucket/a.csv")
        assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    "call",
    [
        lambda: tokkit.tokenize("s3://bucket/tokenizer", ["a text"]),
        lambda: tokkit.train_wordpiece(counts="s3://bucket/tokenizer"),
        lambda: tokkit.merge_counts(["s3://bucket/tokenizer"], "out"),
    ],
)
def test_remote_what_is_no_data_is_not_read_from_an_address(call):
    with pytest.raises(InputError, match=r"^s3://bucket/tokenizer: is an address, and only") as caught:
        call()
    assert "copy" in caught.value.hint


def test_remote_an_address_names_rows_to_predict_and_a_wrong_one_is_known_early():
    assert is_source("memory://reviews.csv")
    assert not is_source("no address: memory://reviews.csv")
    with pytest.raises(InputError, match="unknown protocol"):
        paths.check("s4://bucket/a.csv")
    with pytest.raises(InputError, match="no such file"):
        paths.check("file:///none/a.csv")


def test_remote_the_cache_is_for_the_user_alone(store):
    store.put("/data/a.csv", ROWS)
    folder = _fetch("store://data").files[0].parent
    for path in (*folder.parents[:3], *(path.parent for path in _cached())):
        assert path.stat().st_mode & 0o077 == 0, path


def test_remote_names_stay_in_their_folder(store):
    for name in ("../../x.csv", "a:b.csv", "한국어.csv", "x" * 300 + ".csv"):
        store.store[f"/data/{name}"] = store.store.get("/a") or _file(store, ROWS)
    folder = _fetch("store://data").folder
    assert sorted(path.name[-8:] for path in folder.rglob("*.csv")) == ["a_b.csv", "xxxx.csv", "한국어.csv"]
    assert all(path.is_relative_to(downloads.cache_folder()) for path in _cached())


def _file(store, content):
    store.put("/one", content)
    return store.store.pop("/one")


def test_remote_two_files_of_one_name_are_refused(store):
    for name in ("a:b.csv", "a_b.csv"):
        store.store[f"/data/{name}"] = _file(store, ROWS)
    assert "two files of the folder have one name here" in _refusal("store://data")


def test_remote_two_downloads_of_one_file_do_not_meet(store):
    store.put("/a.csv", ROWS)
    fetched = _fetch("store://a.csv").files[0]
    fetched.unlink()
    with files.lock(fetched.parent):
        assert _refusal("store://a.csv") == "is being downloaded by another run"


def test_remote_a_download_can_be_stopped_and_leaves_nothing(store):
    class Stopped(Silent):
        def cancelled(self):
            return bool(_cached(".partial"))

    store.put("/data/a.csv", ROWS)
    store.on_read = lambda: time.sleep(0.2)
    with pytest.raises(Interrupted):
        _fetch("store://data", Stopped())
    assert _cached() == []


_SLOW = """
import sys, time
import fsspec
from fsspec.implementations.memory import MemoryFileSystem

class Slow(MemoryFileSystem):
    store, pseudo_dirs = {}, [""]
    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.removeprefix("slow://"))
    def _open(self, path, mode="rb", **options):
        stream = super()._open(path, mode, **options)
        if mode == "rb":
            stream.read = lambda size: time.sleep(60)
        return stream

fsspec.register_implementation("slow", Slow)
Slow().pipe_file("/data/train.csv", b"text,label\\na,b\\n")
from tokkit.cli.main import main
main(sys.argv[1:])
"""


def test_remote_ctrl_c_ends_with_130_and_leaves_nothing(tmp_path):
    environment = {**os.environ, "TOKKIT_CACHE": str(tmp_path / "cache"), "TOKKIT_OFFLINE": ""}
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW, "count", "slow://data", "-o", "counts"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):
        if list((tmp_path / "cache").rglob(".partial")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "interrupted; nothing was written" in errors
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
