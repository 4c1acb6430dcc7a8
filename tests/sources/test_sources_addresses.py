"""Files on the web, from a real server: kept, resumed, sent again only if changed, and never half."""

from __future__ import annotations

import gzip

import pytest

import tokkit
from tests.sources.web_server import Served, serving
from tokkit import files
from tokkit.corpus import feed
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, Interrupted, OutputError
from tokkit.progress import Silent
from tokkit.sources import addresses, downloads, paths

TABLE = b"text,label\n" + b"".join(b"row %d,joy\n" % i for i in range(20_000))


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    for name in ("TOKKIT_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(addresses, "_PAUSE", 0)
    with serving() as running:
        yield running


def _refusal(address, **options):
    with pytest.raises(InputError) as caught:
        addresses.fetch(address, **options)
    assert caught.value.hint
    return caught.value.message.removeprefix(f"{address}: ")


def test_addresses_a_file_is_downloaded_and_the_network_said(server, heard):
    server.files["/data/dev.csv"] = Served(TABLE)
    address = f"{server.address}/data/dev.csv?token=1#part"
    dataset = read_dataset(address, progress=heard)
    assert dataset.texts("validation").len() == 20_000
    assert dataset.files[0].read_bytes() == TABLE
    assert f"{server.address}/data/dev.csv: requested over the network" in heard
    assert f"{len(TABLE):,} bytes downloaded to {dataset.files[0]}" in heard
    assert server.requests[0][0] == "/data/dev.csv?token=1"


def test_addresses_an_unchanged_file_is_not_sent_again_and_a_changed_one_is(server, heard):
    served = server.files["/a.csv"] = Served(b"text\na\n")
    first = addresses.fetch(f"{server.address}/a.csv")
    assert addresses.fetch(f"{server.address}/a.csv", progress=heard) == first
    assert "unchanged; taken from the cache" in heard
    served.content, served.etag = b"text\nb\n", '"two"'
    assert addresses.fetch(f"{server.address}/a.csv").read_bytes() == b"text\nb\n"


def test_addresses_a_file_that_was_damaged_in_the_cache_is_sent_again(server):
    server.files["/a.csv"] = Served(b"text\na\n")
    addresses.fetch(f"{server.address}/a.csv").write_bytes(b"te")
    assert addresses.fetch(f"{server.address}/a.csv").read_bytes() == b"text\na\n"


@pytest.mark.parametrize("chunked", [False, True])
def test_addresses_a_download_that_is_cut_off_goes_on_where_it_stopped(server, chunked):
    server.files["/a.csv"] = Served(TABLE, cuts=[100_000, 50_000], chunked=chunked)
    assert addresses.fetch(f"{server.address}/a.csv").read_bytes() == TABLE
    assert [headers.get("Range") for _, headers in server.requests] == [
        None,
        "bytes=100000-",
        "bytes=150000-",
    ]


def test_addresses_a_download_goes_on_in_the_next_run(server):
    server.files["/a.csv"] = Served(TABLE, cuts=[1000] * 4)
    address = f"{server.address}/a.csv"
    assert _refusal(address).startswith("the connection was cut off 4 times, the last time after 4,000 bytes")
    assert addresses.fetch(address).read_bytes() == TABLE
    assert server.requests[-1][1]["Range"] == "bytes=4000-"


def test_addresses_a_file_that_changed_in_between_begins_anew(server):
    served = server.files["/a.csv"] = Served(TABLE, cuts=[1000] * 4)
    _refusal(f"{server.address}/a.csv")
    served.content, served.etag = TABLE[::-1], '"two"'
    assert addresses.fetch(f"{server.address}/a.csv").read_bytes() == TABLE[::-1]


def test_addresses_a_part_longer_than_the_file_begins_anew(server):
    served = server.files["/a.csv"] = Served(TABLE, cuts=[1000] * 4)
    _refusal(f"{server.address}/a.csv")
    served.content = TABLE[:3000]
    assert addresses.fetch(f"{server.address}/a.csv").read_bytes() == TABLE[:3000]


def test_addresses_a_server_without_versions_is_asked_for_the_whole_again(server):
    server.files["/a.csv"] = Served(TABLE, etag=None, cuts=[100_000])
    assert addresses.fetch(f"{server.address}/a.csv").read_bytes() == TABLE
    assert all("Range" not in headers for _, headers in server.requests)


def test_addresses_a_body_of_unsaid_length_is_read_to_its_end(server):
    server.files["/a.csv"] = Served(TABLE, length=0)
    assert addresses.fetch(f"{server.address}/a.csv").read_bytes() == TABLE


def test_addresses_a_server_that_says_too_much_is_not_believed(server):
    server.files["/a.csv"] = Served(TABLE, etag=None, length=len(TABLE) + 1)
    assert "cut off 4 times" in _refusal(f"{server.address}/a.csv")
    assert not list((downloads.cache_folder()).rglob("a.csv"))


@pytest.mark.parametrize("length", [None, 0])
def test_addresses_more_than_is_allowed_is_refused_said_or_not(server, length):
    server.files["/a.csv"] = Served(TABLE, length=length)
    assert "more than 1,000 bytes" in _refusal(f"{server.address}/a.csv", largest=1000)
    with pytest.raises(InputError, match="more than 1,024 bytes") as caught:
        read_dataset(f"{server.address}/a.csv", DatasetOptions(max_download="1kB"))
    assert "--max-download" in caught.value.hint
    assert read_dataset(f"{server.address}/a.csv", DatasetOptions(max_download="1MB"))


def test_addresses_a_length_of_thousands_of_digits_is_too_much(server):
    server.files["/a.csv"] = Served(TABLE, length="9" * 5000)
    assert "more than 2,147,483,648 bytes" in _refusal(f"{server.address}/a.csv")


def test_addresses_the_cap_on_what_a_compressed_file_grows_to_holds_too(server, monkeypatch):
    monkeypatch.setattr("tokkit.sources.streams.FREE", 1 << 20)
    server.files["/a.csv.gz"] = Served(gzip.compress(b"0" * (8 << 20)))
    with pytest.raises(InputError, match="more than 200 times its size"):
        read_dataset(f"{server.address}/a.csv.gz")


def test_addresses_what_is_not_there_is_named(server):
    assert _refusal(f"{server.address}/no.csv") == "the server answers 404 Not Found"


def test_addresses_a_server_that_is_not_there_is_named(server):
    server.files["/a.csv"] = Served(TABLE)
    assert _refusal("http://127.0.0.1:9/a.csv").startswith("cannot be reached: ")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://", "names no host"),
        ("https://[::1/a.csv", "is no address"),
        ("http://127.0.0.1:port/a.csv", "is no address"),
        ("http://me:secret@127.0.0.1/a.csv", "with a user name or password is not used"),
    ],
)
def test_addresses_what_cannot_be_asked_is_said(server, address, message):
    with pytest.raises(InputError) as caught:
        addresses.fetch(address)
    assert message in caught.value.message
    assert "secret" not in caught.value.message


def test_addresses_redirects_lead_to_the_web_only(server):
    server.files["/there/train.csv"] = Served(b"text\na\n")
    server.files["/download"] = Served(leads_to="/there/train.csv")
    assert addresses.fetch(f"{server.address}/download").name == "train.csv"
    for elsewhere in ("file:///etc/hosts", "ftp://127.0.0.1/a.csv", "data:,text"):
        server.files["/away"] = Served(leads_to=elsewhere)
        assert _refusal(f"{server.address}/away")
    server.files["/round"] = Served(leads_to="/round")
    assert "\n" not in _refusal(f"{server.address}/round")


@pytest.mark.parametrize(
    ("path", "disposition", "name"),
    [
        ("/리뷰/한국어 리뷰.csv", None, "한국어 리뷰.csv"),
        ("/%EB%A6%AC%EB%B7%B0.csv", None, "리뷰.csv"),
        ("/get", 'attachment; filename="train.csv"', "train.csv"),
        ("/get", 'attachment; filename="../../train.csv"', "_.._train.csv"),
        ("/", None, "download"),
        ("/..%2f..%2fa.csv", None, "_.._a.csv"),
    ],
)
def test_addresses_names_of_files(server, path, disposition, name):
    from urllib.parse import unquote

    server.files[unquote(path)] = Served(b"text\na\n", disposition=disposition)
    fetched = addresses.fetch(server.address + path)
    assert fetched.name == name
    assert downloads.cache_folder() in fetched.parents


def test_addresses_a_web_page_is_no_file(server):
    server.files["/blob/main/a.csv"] = Served(b"<html>", kind="text/html; charset=utf-8")
    assert _refusal(f"{server.address}/blob/main/a.csv") == "the server sends a web page, not the file"


@pytest.mark.parametrize("variable", ["TOKKIT_OFFLINE", "HF_HUB_OFFLINE"])
def test_addresses_offline_the_cache_is_all_there_is(server, monkeypatch, heard, variable):
    server.files["/a.csv"] = Served(b"text\na\n")
    cached = addresses.fetch(f"{server.address}/a.csv")
    monkeypatch.setenv(variable, "1")
    assert addresses.fetch(f"{server.address}/a.csv", progress=heard) == cached
    assert f"{variable} forbids the network; taken from the cache" in heard
    assert f"not in the cache, and {variable} forbids the network" in _refusal(f"{server.address}/b.csv")
    assert len(server.requests) == 1


def test_addresses_may_hold_a_corpus(server, heard):
    server.files["/korean.txt"] = Served("한국어\n".encode())
    [path] = feed.files_named(f"{server.address}/korean.txt", heard)
    assert path.read_bytes() == "한국어\n".encode()
    assert "requested over the network" in heard


def test_addresses_an_existing_path_wins(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "http:" / "x" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_text("text\na\n")
    assert paths.expand(["http://x/a.csv"]) == [paths.Path("http://x/a.csv")]


def test_addresses_two_downloads_of_one_file_do_not_meet(server):
    address = f"{server.address}/a.csv"
    server.files["/a.csv"] = Served(b"text\na\n")
    with files.lock(addresses.fetch(address).parent):
        assert _refusal(address) == "is being downloaded by another run"


def test_addresses_can_be_stopped_and_gone_on_with(server):
    class Stopped(Silent):
        blocks = 0

        def advance(self, amount, **options):
            self.blocks += amount > 0

        def cancelled(self):
            return self.blocks > 0

    server.files["/a.csv"] = Served(TABLE * 4)
    with pytest.raises(Interrupted):
        addresses.fetch(f"{server.address}/a.csv", progress=Stopped())
    assert addresses.fetch(f"{server.address}/a.csv").read_bytes() == TABLE * 4
    assert "Range" in server.requests[-1][1]


def test_addresses_a_cache_that_cannot_be_written_is_named(server, monkeypatch, write):
    server.files["/a.csv"] = Served(b"text\na\n")
    monkeypatch.setenv("TOKKIT_CACHE", str(write("a file", "x")))
    with pytest.raises(OutputError, match="the download cannot be kept there") as caught:
        addresses.fetch(f"{server.address}/a.csv")
    assert "TOKKIT_CACHE" in caught.value.hint


def test_addresses_the_cache_is_where_it_is_asked_to_be(tmp_path, monkeypatch):
    monkeypatch.delenv("TOKKIT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert downloads.cache_folder() == tmp_path / "tokkit"


SECRET = "hunter2"


def test_addresses_a_secret_is_in_no_message_result_receipt_or_cache(server, tmp_path, monkeypatch, heard):
    server.files["/a.csv"] = Served(TABLE[:2000].rpartition(b"\n")[0] + b"\nlast,anger\n")
    address = f"{server.address}/a.csv?token={SECRET}&x=1#{SECRET}"
    monkeypatch.setattr("sys.argv", ["tokkit", "split", address])
    monkeypatch.chdir(tmp_path)
    results = [
        tokkit.split(address, "parts", progress=heard).as_dict(),
        tokkit.clean(address, "clean.csv", duplicates="none", progress=heard).as_dict(),
        tokkit.train_wordpiece(address, "out", vocab_size=60, progress=heard).as_dict(),
        tokkit.stats(address, progress=heard).as_dict(),
    ]
    with pytest.raises(InputError) as caught:
        tokkit.split(f"{server.address}/none.csv?token={SECRET}", "none", progress=heard)
    assert caught.value.message == f"{server.address}/none.csv: the server answers 404 Not Found"
    assert any(SECRET in path for path, _ in server.requests)
    assert f"{server.address}/a.csv: requested over the network" in heard
    assert SECRET not in f"{results} {heard.sentences} {caught.value.hint}"
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == ".download.json" for path in written)
    assert [path for path in written if SECRET in f"{path} {path.read_bytes()!r}"] == []


def test_addresses_the_cache_is_for_the_user_alone(server):
    server.files["/a.csv"] = Served(b"text\na\n")
    folder = addresses.fetch(f"{server.address}/a.csv").parent
    for path in (folder, folder.parent, downloads.cache_folder()):
        assert path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://host/a.csv?token=s: not there", "https://host/a.csv: not there"),
        ("see 'https://me:s@host/a?t=s', or http://s@host#s.", "see 'https://host/a', or http://host."),
        ("HTTP://host:80/리뷰/a@b.csv, --x=1?", "HTTP://host:80/리뷰/a@b.csv, --x=1?"),
        ('"https://h/a b.csv?t=s x=s": is missing', '"https://h/a b.csv": is missing'),
        ("https://h/글 1.csv?t=s&u=s: is missing", "https://h/글 1.csv: is missing"),
        ("what?a=b is no address", "what?a=b is no address"),
        ("s3://KEY:s/e+c@bucket/part-?.csv: no", "s3://bucket/part-?.csv: no"),
        ("abfs://box@host/a.csv?sv=1&sig=s, sftp://me:s@host:22/a", "abfs://host/a.csv, sftp://host:22/a"),
        (
            "sftp://host:22/a@b.csv hf://datasets/o/n@main/a.csv",
            "sftp://host:22/a@b.csv hf://datasets/o/n@main/a.csv",
        ),
        (["http://h/?s", 1, {"a": ("http://h/?s",)}], ["http://h/", 1, {"a": ["http://h/"]}]),
    ],
)
def test_addresses_are_redacted_wherever_they_are(text, expected):
    assert files.redacted(text) == expected
