"""`push` against a hub on this machine: what goes, what stays behind, errors, and how it goes on."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import zipfile

import numpy as np
import pytest
from huggingface_hub import ModelCard

import tokkit
from tests.hub.hub_server import Fault
from tokkit.cli.main import run
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.hub import upload_files

REPO = "ada/moods"
MODEL = ("model", REPO)


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("socket.socket.connect", lambda *a: pytest.fail("the network was used"))


def test_a_dry_run_lists_what_goes_and_what_stays_without_network_or_token(outputs, no_network):
    result = tokkit.push(outputs / "model", REPO, dry_run=True)
    sizes = {file["path"]: file["size"] for file in result.as_dict()["files"]}
    assert sizes["model.safetensors"] == (outputs / "model" / "model.safetensors").stat().st_size
    assert "predictions.parquet" not in sizes
    assert {part.path: part.reason for part in result.kept_back} == {
        "predictions.parquet": "rows of the data",
        "tokkit.json": "its part run: paths, command line and times",
    }
    assert (result.revision, result.repo_type, result.dry_run) == (None, "model", True)
    everything = tokkit.push(outputs / "model", REPO, dry_run=True, with_rows=True)
    assert everything.kept_back == []
    assert "predictions.parquet" in {file.path for file in everything.files}


def test_a_model_is_one_commit_without_rows_and_paths(outputs, hub):
    result = tokkit.push(outputs / "model", REPO, private=True)
    repository = hub.repositories[MODEL]
    assert repository.private
    assert [*repository.commits][1:] == [result.revision]
    assert set(repository.files) == {file.path for file in result.files}
    weights = (outputs / "model" / "model.safetensors").read_bytes()
    assert repository.files["model.safetensors"] == weights
    receipt = json.loads(repository.files["tokkit.json"])
    assert "run" not in receipt
    assert not any(str(outputs.parent).encode() in content for content in repository.files.values())
    card = ModelCard(repository.files["README.md"].decode())
    assert f'pipeline("text-classification", "{REPO}")' in card.text
    assert "THIS_FOLDER" not in card.text
    assert card.data.model_name == "moods"


@pytest.mark.long
def test_what_is_on_the_hub_is_the_folder_again(outputs, hub, tmp_path):
    tokkit.push(outputs / "model", REPO)
    for name, content in hub.repositories[MODEL].files.items():
        (tmp_path / name).write_bytes(content)
    texts = ["오늘 i feel glad", "i feel furious"]
    predicted = [tokkit.predict(folder, texts).predictions for folder in (outputs / "model", tmp_path)]
    assert predicted[0] == predicted[1]


def test_rows_go_only_where_it_says_so(outputs, hub):
    with pytest.raises(UsageError, match="is a data set, and rows of yours are not sent") as caught:
        tokkit.push(outputs / "data", REPO)
    assert "with_rows" in caught.value.hint
    assert hub.requests == []
    result = tokkit.push(outputs / "data", REPO, with_rows=True)
    files = hub.repositories["dataset", REPO].files
    assert files["train.csv"] == (outputs / "data" / "train.csv").read_bytes()
    assert result.repo_type == "dataset"
    assert b'load_dataset("ada/moods")' in files["README.md"]


def test_worst_rows_are_taken_out_of_metrics(copied):
    model = copied("model")
    metrics = json.loads((model / "metrics.json").read_text("utf-8"))
    rows = {"worst": [{"text": "a secret"}], "label_issues": {"rows": [{"text": "a secret"}]}}
    (model / "metrics.json").write_text(json.dumps({**metrics, **rows}), "utf-8")
    sent, kept = upload_files.selected(model, "card", with_rows=False)
    assert {part.path: part.reason for part in kept}["metrics.json"] == "rows in it: label_issues, worst"
    [content] = [file.content for file in sent if file.path == "metrics.json"]
    assert json.loads(content) == metrics


def test_a_branch_is_created(outputs, hub):
    tokkit.push(outputs / "tokenizer", REPO, revision="v2/test")
    branches = hub.repositories[MODEL].branches
    assert set(branches) == {"main", "v2/test"}
    assert "tokenizer.json" in hub.repositories[MODEL].commits[branches["v2/test"]]
    assert hub.repositories[MODEL].files == {}


class TestErrors:
    def test_no_token(self, outputs, hub, monkeypatch, capsys):
        monkeypatch.delenv("HF_TOKEN")
        assert run(["push", str(outputs / "tokenizer"), REPO]) == 4
        assert "there is no token" in capsys.readouterr().err
        assert hub.requests == []

    def test_offline(self, outputs, hub, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(OutputError, match="HF_HUB_OFFLINE forbids the network"):
            tokkit.push(outputs / "tokenizer", REPO)

    def test_a_token_that_is_not_accepted(self, outputs, hub, monkeypatch):
        monkeypatch.setenv("HF_TOKEN", "hf_another")
        with pytest.raises(OutputError, match="does not accept the token; nothing was uploaded") as caught:
            tokkit.push(outputs / "tokenizer", REPO)
        assert "hf_another" not in caught.value.message + caught.value.hint

    def test_no_permission(self, outputs, hub):
        hub.fail("/api/repos/create", 403)
        with pytest.raises(OutputError, match=f"no permission to write to {REPO}"):
            tokkit.push(outputs / "tokenizer", REPO)

    def test_a_repository_that_vanishes(self, outputs, hub):
        hub.fail("/preupload/", 404, X_Error_Code="RepoNotFound")
        with pytest.raises(OutputError, match=f"the hub has no {REPO}.* 0 of "):
            tokkit.push(outputs / "tokenizer", REPO)

    def test_a_limit_is_waited_for(self, outputs, hub, heard):
        hub.fail("/api/repos/create", 429, Retry_After="1")
        tokkit.push(outputs / "tokenizer", REPO, progress=heard)
        assert "the hub limits requests: waiting 1 second" in heard
        assert hub.repositories[MODEL].files

    def test_a_limit_that_lasts_is_said(self, outputs, hub):
        hub.fail("/api/repos/create", 429, Retry_After="900")
        with pytest.raises(OutputError, match="the hub limits requests; nothing was uploaded") as caught:
            tokkit.push(outputs / "tokenizer", REPO)
        assert "in 900 seconds" in caught.value.hint

    @pytest.mark.parametrize("status", [403, None])
    def test_a_failed_upload_says_what_is_there_and_goes_on(self, outputs, hub, status):
        """The connection breaks, or the commit is refused, with all files uploaded."""
        hub.fail("/commit/", status)
        with pytest.raises(OutputError, match=r"(\d+) of \1 files .* are uploaded, none is committed"):
            tokkit.push(outputs / "tokenizer", REPO)
        assert hub.repositories[MODEL].files == {}
        uploads = list(hub.uploads)
        assert uploads
        tokkit.push(outputs / "tokenizer", REPO)
        assert hub.repositories[MODEL].files
        assert hub.uploads == uploads, "nothing is sent twice"

    def test_it_stops_at_the_file_that_fails(self, outputs, hub, monkeypatch):
        monkeypatch.setattr("tokkit.hub.push._GROUP_FILES", 1)
        hub.largest_regular = 5_000
        hub.fail("/upload/", 403)
        with pytest.raises(OutputError, match=r"; 1 of 4 files") as caught:
            tokkit.push(outputs / "tokenizer", REPO)
        assert "what is uploaded then is not sent again" in caught.value.hint

    @pytest.mark.long
    def test_a_connection_that_stays_broken_in_the_middle_of_a_file(self, outputs, hub):
        """The library tries again for half a minute."""
        hub.fail("/upload/", None, times=100)
        with pytest.raises(OutputError, match="the connection to the hub broke"):
            tokkit.push(outputs / "tokenizer", REPO)
        hub.faults.clear()
        tokkit.push(outputs / "tokenizer", REPO)
        assert hub.repositories[MODEL].files

    def test_a_connection_that_breaks_once_in_the_middle_of_a_file(self, outputs, hub):
        hub.fail("/upload/", None)
        tokkit.push(outputs / "tokenizer", REPO)
        content = (outputs / "tokenizer" / "tokenizer.json").read_bytes()
        assert hub.repositories[MODEL].files["tokenizer.json"] == content

    def test_a_repository_of_another_kind(self, outputs, hub):
        tokkit.push(outputs / "data", REPO, with_rows=True)
        with pytest.raises(InputError, match="is a dataset repository of the hub, and this is a tokenizer"):
            tokkit.push(outputs / "tokenizer", REPO)

    def test_a_public_repository_does_not_become_private(self, outputs, hub):
        tokkit.push(outputs / "tokenizer", REPO)
        with pytest.raises(InputError, match="exists and is public"):
            tokkit.push(outputs / "tokenizer", REPO, private=True)

    @pytest.mark.parametrize("name", ["moods", "a/b/c", "datasets/ada/moods", "ada/../moods", "a b/c", "/x"])
    def test_names_that_are_none(self, outputs, name):
        with pytest.raises(UsageError, match="no name of a repository"):
            tokkit.push(outputs / "tokenizer", name, dry_run=True)


class TestFolders:
    def test_pickles_are_refused(self, copied):
        tokenizer = copied("tokenizer")
        contents = {
            "a.pkl": b"anything",
            "b.data": pickle.dumps([1]),
            "c.npy": None,
            "d.bin": None,
        }
        np.save(tokenizer / "c.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
        with zipfile.ZipFile(tokenizer / "d.bin", "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(1))
        for name, content in contents.items():
            path = tokenizer / name
            path.write_bytes(path.read_bytes() if content is None else content)
            others = [tokenizer / other for other in contents if other != name]
            hidden = {other: other.read_bytes() for other in others if other.exists()}
            for other in hidden:
                other.unlink()
            with pytest.raises(InputError, match=f"{name}: is a pickle"):
                tokkit.push(tokenizer, REPO, dry_run=True)
            for other, saved in hidden.items():
                other.write_bytes(saved)
        for name in contents:
            (tokenizer / name).unlink()
        np.save(tokenizer / "c.npy", np.arange(3))
        assert tokkit.push(tokenizer, REPO, dry_run=True).files

    def test_files_that_are_too_large_are_refused(self, copied, monkeypatch):
        tokenizer = copied("tokenizer")
        with open(tokenizer / "weights.safetensors", "wb") as file:
            file.truncate(upload_files.LARGEST + 1)  # a sparse file, which takes no space
        with pytest.raises(InputError, match=r"has 50\.0 GB, and the hub takes files of at most"):
            tokkit.push(tokenizer, REPO, dry_run=True)

    def test_hidden_files_stay_and_links_out_are_refused(self, copied, outputs):
        tokenizer = copied("tokenizer")
        (tokenizer / ".env").write_text("SECRET=1", "utf-8")
        result = tokkit.push(tokenizer, REPO, dry_run=True)
        assert {part.path for part in result.kept_back} == {".env", "tokkit.json"}
        (tokenizer / "rows.csv").symlink_to(outputs / "reviews" / "train.csv")
        with pytest.raises(InputError, match="is a link out of its folder"):
            tokkit.push(tokenizer, REPO, dry_run=True)

    def test_a_folder_that_is_not_as_it_was_written_is_refused(self, copied):
        model = copied("model")
        weights = (model / "model.safetensors").read_bytes()
        changed = bytearray(weights)
        changed[-4_000:] = bytes(4_000)
        (model / "model.safetensors").write_bytes(changed)
        with pytest.raises(InputError, match="predicts other probabilities than when it was trained"):
            tokkit.push(model, REPO, dry_run=True)
        (model / "model.safetensors").write_bytes(weights[:-100])
        with pytest.raises(InputError):
            tokkit.push(model, REPO, dry_run=True)

    def test_a_folder_that_is_none(self, outputs, tmp_path):
        with pytest.raises(InputError, match="has no tokkit"):
            tokkit.push(outputs / "reviews", REPO, dry_run=True)
        with pytest.raises(InputError, match="does not exist"):
            tokkit.push(tmp_path / "none", REPO, dry_run=True)


def tokkit_process(*arguments):
    command = [sys.executable, "-m", "tokkit", "push", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}, check=False
    )


@pytest.mark.long
def test_the_command_works_offline_as_a_dry_run_alone(outputs):
    done = tokkit_process(outputs / "tokenizer", REPO, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["command"], result["repo"], result["revision"]) == ("push", REPO, None)
    assert {"path", "size"} == set(result["files"][0])
    done = tokkit_process(outputs / "tokenizer", REPO)
    assert done.returncode == 4
    assert "HF_HUB_OFFLINE forbids the network" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_ctrl_c_says_what_is_there_and_the_next_run_goes_on(outputs, hub):
    hub.largest_regular = 5_000
    reached = threading.Event()
    hub.faults.append(Fault("/commit/", hangs=reached))
    environment = {**os.environ, "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tokkit", "push", str(outputs / "tokenizer"), REPO]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert reached.wait(60)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert (
        f"interrupted; 4 of 4 files (12.5 kB) are uploaded, none is committed: {REPO} is as before"
        in re.sub(r"[\d.]+ kB", "12.5 kB", said)
    )
    assert "Traceback" not in said
    uploads = list(hub.uploads)
    tokkit.push(outputs / "tokenizer", REPO)
    assert hub.uploads == uploads
    assert hub.repositories[MODEL].files
