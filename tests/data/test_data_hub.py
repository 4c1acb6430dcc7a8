"""Data sets of the hub: what is asked for, and what is said where there is no network.

The `datasets` library takes a folder of the same name for the hub's, which fills its cache here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tokkit.data.loading.load import read_dataset
from tokkit.data.loading.read import is_hub
from tokkit.errors import InputError, UsageError

SCRIPT = """
import json, os, sys
import datasets
from tests.conftest import Heard
from tokkit.data.loading.load import read_dataset
from tokkit.errors import TokkitError
from tokkit.sources.paths import remove_spooled
datasets.load_dataset("reviews")
os.rename("reviews", "away")
heard = Heard()
for source in sys.argv[1:]:
    try:
        dataset = read_dataset(source, progress=heard)
        rows = {name: [*split.frame.columns, *split.frame.rows()] for name, split in dataset.splits.items()}
        print(json.dumps(rows))
    except TokkitError as error:
        print(json.dumps([error.message, error.hint]))
remove_spooled()
print(json.dumps(heard.sentences))
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What a process of its own, offline, prints of several sources, and what it says."""
    here = tmp_path_factory.mktemp("hub")
    (here / "reviews").mkdir()
    (here / "reviews" / "train.csv").write_text("text,label\na,x\nb,y\n")
    (here / "reviews" / "test.csv").write_text("text,label\nc,x\n")
    (here / "local").mkdir()
    (here / "local" / "train.csv").write_text("text,label\nof,this\nfolder,it\n")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "hub:reviews", "hub:reviews:test", "hub:nobody/nothing", "hub:local"],
        cwd=here,
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(here / "home"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_hub_splits_and_a_single_split_are_loaded(printed):
    columns = ["text", "label"]
    assert printed[0] == {"train": [*columns, ["a", "x"], ["b", "y"]], "test": [*columns, ["c", "x"]]}
    assert printed[1] == {"test": [*columns, ["c", "x"]]}


def test_hub_offline_one_sentence_says_so(printed):
    message, hint = printed[2]
    assert message.startswith("hub:nobody/nothing: cannot be loaded from the hub: ")
    assert "\n" not in message
    assert "OWNER/NAME" in hint
    assert (
        "hub:reviews: HF_HUB_OFFLINE forbids the network; looking in the cache of the datasets library"
        in printed[4]
    )


def test_hub_never_reads_a_local_folder_of_that_name(printed):
    message, hint = printed[3]
    assert message.startswith("hub:local: a path local is in this folder")
    assert "./local" in hint


def test_hub_is_not_asked_where_the_network_is_forbidden(monkeypatch):
    monkeypatch.setenv("TOKKIT_OFFLINE", "1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(InputError, match="hub:imdb: TOKKIT_OFFLINE forbids the network") as caught:
        read_dataset("hub:imdb")
    assert caught.value.hint


@pytest.mark.parametrize("source", ["hub:", "hub:a/b/c/d", "hub:a:b:c", "hub:a b", "hub:a:train[:10%]"])
def test_hub_names_that_are_none_are_refused(source):
    with pytest.raises(UsageError, match="no name of a data set on the hub") as caught:
        read_dataset(source)
    assert "hub:OWNER/NAME" in caught.value.hint


def test_hub_an_existing_path_wins(write, tmp_path, monkeypatch):
    write("hub:reviews/train.csv", "text,label\na,x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("socket.socket.connect", lambda *a: pytest.fail("the network was asked"))
    assert not is_hub("hub:reviews")
    assert read_dataset("hub:reviews").texts("train").to_list() == ["a"]
