"""Addresses of S3, on a compatible server that the tests start: what is there, what is not, what changes."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tokkit
from tests.sources import s3_server
from tokkit import files
from tokkit.corpus.feed import files_named
from tokkit.errors import InputError
from tokkit.progress import Silent
from tokkit.sources import downloads, paths, remote

pytestmark = pytest.mark.skipif(
    bool(s3_server.MISSING), reason=f"the extra s3-tests is not installed: {', '.join(s3_server.MISSING)}"
)

TRAIN = b"text,label\n" + b"".join(b"row %d,%s\n" % (i, [b"joy", b"love"][i % 2]) for i in range(500))
TEST = b"text,label\nlast,joy\n"


@pytest.fixture(scope="module")
def endpoint():
    with s3_server.serving() as address:
        yield address


@pytest.fixture
def bucket(endpoint, tmp_path, monkeypatch):
    """A bucket with a folder of splits and a corpus in shards; a client that writes to it."""
    for name, value in {**s3_server.ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    for name in ("TOKKIT_OFFLINE", "HF_HUB_OFFLINE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(remote, "_PAUSE", 0)
    client = s3_server.client(endpoint)
    client.create_bucket(Bucket="bucket")
    content = {"reviews/": b"", "reviews/train.csv": TRAIN, "reviews/test.csv": TEST}
    content |= {f"shards/{i}/part-{i}.txt": b"the cat sat on the mat\n" * 500 for i in range(3)}
    for key, body in content.items():
        client.put_object(Bucket="bucket", Key=key, Body=body)
    return client


def _refusal(address):
    with pytest.raises(InputError) as caught:
        tokkit.stats(address)
    assert caught.value.hint
    return caught.value.message.removeprefix(f"{address}: ")


@pytest.mark.parametrize(
    ("address", "rows"),
    [
        ("s3://bucket/reviews", {"train": 500, "test": 1}),
        ("s3://bucket/reviews/", {"train": 500, "test": 1}),
        ("s3://bucket/reviews/test.csv", {"test": 1}),
        ("s3://bucket/*/t*.csv", {"train": 500, "test": 1}),
    ],
)
def test_s3_data_sets(bucket, address, rows, heard):
    for where in (f"{len(rows)} file", "unchanged; taken from the cache"):
        splits = tokkit.stats(address, progress=heard).as_dict()["splits"]
        assert {name: split["rows"] for name, split in splits.items()} == rows
        assert where in heard


def test_s3_a_corpus_and_its_receipt(bucket, tmp_path, monkeypatch):
    address = "s3://bucket/shards/**/part-*.txt"
    monkeypatch.setattr("sys.argv", ["tokkit", "train-wordpiece", address])
    for path in files_named(address):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tokkit.train_wordpiece(address, tmp_path / "remote", vocab_size=60)
    tokkit.train_wordpiece(sorted(tmp_path.glob("part-*")), tmp_path / "local", vocab_size=60)
    remote_receipt, local_receipt = (files.read_receipt(tmp_path / name) for name in ("remote", "local"))
    assert remote_receipt["result"] == local_receipt["result"]
    assert len(remote_receipt["result"]["inputs"]) == 3
    assert remote_receipt["run"]["command_line"][-1] == address
    assert s3_server.ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in str(remote_receipt)


@pytest.mark.long
def test_s3_workers_count_what_was_downloaded(bucket, tmp_path):
    counted = [
        tokkit.count("s3://bucket/shards", tmp_path / engine, engine=engine).as_dict()
        for engine in ("inline", "process")
    ]
    assert counted[0]["pieces"] == counted[1]["pieces"] > 0
    parts = [sorted((tmp_path / engine).glob("*.parquet")) for engine in ("inline", "process")]
    assert [path.read_bytes() for path in parts[0]] == [path.read_bytes() for path in parts[1]]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://bucket/reviews/tran.csv", 'no such file or folder (did you mean "train.csv"?)'),
        ("s3://gone/reviews/train.csv", 'no bucket or folder "gone"'),
        ("s3://bucket/reviews/*.json", "no file matches"),
        ("s3://bucket/nothing/", "no such file or folder"),
    ],
)
def test_s3_what_is_gone_is_named(bucket, address, message):
    assert _refusal(address) == message


def test_s3_the_command_line_names_a_key_that_is_gone(bucket, tmp_path):
    command = [sys.executable, "-m", "tokkit", "split", "s3://bucket/reviews/gone.csv", "-o", "parts"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "note: s3://bucket/reviews/gone.csv: requested over the network",
        "error: s3://bucket/reviews/gone.csv: no such file or folder",
        "hint:  look with:",
        "       aws s3 ls s3://bucket/reviews/",
    ]
    assert not (tmp_path / "parts").exists()


def test_s3_an_object_that_changed_is_sent_again(bucket):
    [first] = paths.expand(["s3://bucket/reviews/train.csv"])
    bucket.put_object(Bucket="bucket", Key="reviews/train.csv", Body=TEST)
    [second] = paths.expand(["s3://bucket/reviews/train.csv"])
    assert (first.read_bytes(), second.read_bytes()) == (TRAIN, TEST)


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_s3_an_object_that_changes_meanwhile_is_refused(bucket, change):
    class Changing(Silent):
        def start(self, stage, total, unit):
            if change == "replaced":
                bucket.put_object(Bucket="bucket", Key="reviews/train.csv", Body=TRAIN[::-1])
            else:
                bucket.delete_object(Bucket="bucket", Key="reviews/train.csv")

    with pytest.raises(
        InputError, match=r"^s3://bucket/reviews/train\.csv: changed while it was downloaded$"
    ):
        paths.expand(["s3://bucket/reviews"], Changing())
    assert not list(downloads.cache_folder().rglob("*.csv"))


def test_s3_without_credentials_or_permission(bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert _refusal("s3://bucket/reviews/train.csv") == "no credentials for s3://"
    import fsspec

    monkeypatch.setitem(fsspec.config.conf, "s3", {"anon": True})
    assert _refusal("s3://bucket/reviews/train.csv") == "no permission to read it"


def test_s3_an_endpoint_that_is_not_there(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert _refusal("s3://bucket/reviews/train.csv").startswith("cannot be reached: ")


def test_s3_a_server_that_is_killed_meanwhile(bucket, endpoint, monkeypatch):
    with s3_server.serving() as other:
        client = s3_server.client(other)
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="a.csv", Body=TRAIN)
        monkeypatch.setenv("AWS_ENDPOINT_URL", other)

        class Killing(Silent):
            def start(self, stage, total, unit):
                s3_server.kill(other)

        with pytest.raises(InputError, match="cut off 4 times, the last time after 0 bytes"):
            paths.expand(["s3://bucket/a.csv"], Killing())
    bucket.put_object(Bucket="bucket", Key="a.csv", Body=TRAIN)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    [path] = paths.expand(["s3://bucket/a.csv"])
    assert path.read_bytes() == TRAIN
