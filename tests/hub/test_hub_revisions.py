"""Revisions of the hub: ``@REVISION`` of data sets, models and tokenizers, and their commits in receipts."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from huggingface_hub import ModelCard

import tokkit
from tests.hub.conftest import FAST
from tests.hub.hub_server import Repository, serving
from tests.model.conftest import sentences
from tests.terminal import on_a_terminal
from tokkit import files
from tokkit.files.origins import origin_of, pinned
from tokkit.tokenizer.folder.hub_downloads import is_hub_name, split_revision

SCRIPT = """
import sys
from tokkit.cli.main import run
for line in sys.argv[1:]:
    print(run(line.split()))
"""


def rows(count, seed):
    return ("text,label\n" + "".join(f"{text},{label}\n" for text, label in sentences(count, seed))).encode()


@pytest.fixture(scope="module")
def reads(outputs, tmp_path_factory):
    """What a process of its own wrote from two revisions of a data set and of a tokenizer."""
    here = tmp_path_factory.mktemp("revisions")
    (here / "rows.csv").write_bytes(rows(40, 1))
    with serving() as hub:
        data = hub.repositories["dataset", "ada/moods"] = Repository()
        data.branches["v1"] = data.commit({"train.csv": rows(30, 1)})
        data.commit({"train.csv": rows(50, 2)})
        tokenizer = hub.repositories["model", "ada/wp"] = Repository()
        names = ("tokenizer.json", "tokenizer_config.json")
        content = {name: (outputs / "tokenizer" / name).read_bytes() for name in names}
        tokenizer.branches["v1"] = tokenizer.commit(content)
        tokenizer.commit({"other.txt": b"x"})
        base = hub.repositories["model", "ada/base"] = Repository()
        names = ("config.json", "model.safetensors", *names)
        base.branches["v1"] = base.commit({name: (outputs / "model" / name).read_bytes() for name in names})
        base.commit({"other.txt": b"x"})
        # Columns of the usual names have other texts and labels than those of the training.
        lines = [f"nothing,other,{text},{label}\n" for text, label in sentences(60, 3)]
        (here / "moods.csv").write_text("text,label,body,mood\n" + "".join(lines), "utf-8")
        settings = {**FAST, "head": "mean", "text_column": "body", "label_column": "mood"}
        tokkit.finetune(here / "moods.csv", outputs / "tokenizer", out=here / "headed", **settings)
        tokkit.finetune(
            here / "moods.csv",
            outputs / "tokenizer",
            out=here / "folds",
            **{**settings, "epochs": 1, "folds": 2},
        )
        tokkit.export(here / "headed", here / "exported", threads=1)
        for name in ("headed", "folds", "exported"):
            content = {
                path.relative_to(here / name).as_posix(): path.read_bytes()
                for path in (here / name).rglob("*")
                if path.is_file() and path.suffix in (".json", ".safetensors", ".onnx")
            }
            hub.repositories["model", f"ada/{name}"] = Repository()
            hub.repositories["model", f"ada/{name}"].commit(content)
        lines = [
            "split hub:ada/moods@v1 -o v1 -q",
            "split hub:ada/moods -o main -q",
            "split hub:ada/moods@nothing -o none -q",
            "encode rows.csv --tokenizer ada/wp@v1 -o ids -q",
            "encode rows.csv --tokenizer hub:ada/wp -o latest -q",
            "encode rows.csv --tokenizer ada/wp@nothing -o none -q",
            "reproduce v1 -q",
            "reproduce ids -q",
            "finetune hub:ada/moods@v1 --model ada/base@v1 -o tuned --epochs 1 --threads 1 -q",
            "predict ada/base@v1 glad -q",
            "card tuned --check -q",
            "predict ada/headed glad -q",
            "wrap ada/wp@v1 -o wrapped -q",
            "reproduce wrapped -q",
            "evaluate hub:ada/headed ada/exported ada/folds moods.csv -o of-hub -q",
            "reproduce of-hub -q",
            "evaluate headed exported folds moods.csv -o of-folders -q",
            "evaluate hub:ada/headed moods.csv --calibrated -q",
            "predict ada/exported moods.csv -o predictions.csv --calibrated -q",
            "predict ada/folds glad -q",
            "evaluate ada/headed moods.csv --tuned-thresholds -q",
        ]
        environment = {"HF_ENDPOINT": hub.address, "HF_HOME": str(here / "home"), "HF_HUB_DISABLE_XET": "1"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *lines],
            cwd=here,
            capture_output=True,
            text=True,
            env={
                **{name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"},
                **environment,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )
        return here, done, {"data": data, "tokenizer": tokenizer, "base": base}


def inputs_of(folder):
    return json.loads((folder / "tokkit.json").read_text("utf-8"))["result"]["inputs"]


@pytest.mark.long
def test_a_data_set_of_a_revision_is_read_and_its_commit_recorded(reads):
    here, done, repositories = reads
    assert "Traceback" not in done.stderr, done.stderr
    for name, branch, count in (("v1", "v1", 30), ("main", "main", 50)):
        [item] = inputs_of(here / name)
        assert item["hub"] == "datasets/ada/moods", done.stderr
        assert item["revision"] == repositories["data"].branches[branch]
        splits = json.loads((here / name / "tokkit.json").read_text("utf-8"))["result"]["splits"]
        assert sum(splits.values()) == count


@pytest.mark.long
def test_a_tokenizer_of_a_revision_is_read_and_its_commit_recorded(reads):
    here, done, repositories = reads
    for name, branch in (("ids", "v1"), ("latest", "main")):
        items = {item["name"]: item for item in inputs_of(here / name)}
        assert items["ada/wp"]["revision"] == repositories["tokenizer"].branches[branch], done.stderr
        assert items["ada/wp"]["hub"] == "ada/wp"


@pytest.mark.long
def test_a_revision_that_is_none_is_one_sentence(reads):
    _, done, _ = reads
    codes = [line for line in done.stdout.splitlines() if line.isdecimal()]
    assert codes[2] == codes[5] == "3", done.stderr
    assert "ada/wp@nothing: no such folder, and the hub has no such revision of it" in done.stderr
    assert "error: hub:ada/moods@nothing: cannot be loaded from the hub" in done.stderr


@pytest.mark.long
def test_what_was_read_is_read_again_at_its_commit(reads):
    _, done, _ = reads
    codes = [line for line in done.stdout.splitlines() if line.isdecimal()]
    assert codes[6:] == ["0"] * 14 + ["3"], done.stderr
    # Of folders in the cache of the hub, messages name the repository.
    assert "error: ada/headed: metrics.json has no thresholds tuned in training" in done.stderr


@pytest.mark.long
def test_models_of_the_hub_are_evaluated_as_folders_are(reads):
    here, done, _ = reads
    for number in (1, 2, 3, 4, 5):
        name = f"model-{number}/metrics.json"
        ours, theirs = (
            json.loads((here / out / name).read_text("utf-8")) for out in ("of-hub", "of-folders")
        )
        assert ours == theirs, done.stderr
        assert ours["rows"] == 60
    # The receipts name repositories and commits.
    assert {item.get("hub") for item in inputs_of(here / "of-hub")} == {
        *(None, "ada/headed", "ada/exported", "ada/folds")
    }


@pytest.mark.long
def test_a_model_of_a_revision_is_the_base_model_of_its_card(reads):
    here, done, repositories = reads
    origins = {item["hub"]: item["revision"] for item in inputs_of(here / "tuned") if "hub" in item}
    assert origins == {
        "datasets/ada/moods": repositories["data"].branches["v1"],
        "ada/base": repositories["base"].branches["v1"],
    }, done.stderr
    data = ModelCard.load(here / "tuned" / "README.md").data
    assert (data.base_model, data.datasets) == ("ada/base", ["ada/moods"])
    assert {result.dataset_type for result in data.eval_results} == {"ada/moods"}
    assert {result.dataset_revision for result in data.eval_results} == {origins["datasets/ada/moods"]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("hub:imdb", "hub:imdb@0f3c"),
        ("hub:imdb:test", "hub:imdb@0f3c:test"),
        ("hub:imdb@main:test", "hub:imdb@0f3c:test"),
        ("hub:imdb/plain:test", "hub:imdb/plain@0f3c:test"),
        ("ada/moods", "hub:ada/moods@77aa"),
        ("hub:ada/moods@v1", "hub:ada/moods@77aa"),
        ("hub:imdb2", "hub:imdb2"),
        ("/home/ada/imdb", "/home/ada/imdb"),
    ],
)
def test_a_source_is_pinned_to_its_commit(source, expected):
    inputs = [
        {"name": "train.parquet", "hub": "datasets/imdb", "revision": "0f3c"},
        {"name": "ada/moods", "hub": "ada/moods", "revision": "77aa"},
        {"name": "rows.csv"},
    ]
    assert pinned(source, inputs) == expected


def test_origins_are_in_the_path_of_a_snapshot_or_next_to_the_rows(tmp_path):
    snapshot = tmp_path / "models--ada--moods" / "snapshots" / "0f3c"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}", "utf-8")
    assert origin_of(snapshot) == {"hub": "ada/moods", "revision": "0f3c"}
    described = files.describe_input(snapshot)
    assert (described["name"], described["revision"]) == ("ada/moods", "0f3c")
    assert origin_of(tmp_path) == {}
    files.write_origin(tmp_path, "datasets/imdb", "77aa")
    (tmp_path / "train.parquet").write_bytes(b"rows")
    assert files.describe_input(tmp_path / "train.parquet")["revision"] == "77aa"


@pytest.mark.long
@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_command_downloads_without_a_bar(outputs, tmp_path, quiet):
    with serving() as hub:
        tokenizer = hub.repositories["model", "ada/wp"] = Repository()
        names = ("tokenizer.json", "tokenizer_config.json")
        tokenizer.commit({name: (outputs / "tokenizer" / name).read_bytes() for name in names})
        command = [
            sys.executable,
            "-m",
            "tokkit",
            "tokenize",
            "hub:ada/wp",
            "glad",
            *(["-q"] if quiet else []),
        ]
        environment = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        code, screen = on_a_terminal(
            [*command, "-q"] if quiet else command,
            tmp_path,
            120,
            {**environment, "HF_HUB_OFFLINE": "", "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert code == 0, screen
    assert "glad" in screen
    assert ("Fetching" in screen) != quiet, screen
    assert ("downloading the tokenizer" in screen) != quiet, screen


def test_names_may_have_a_revision():
    assert is_hub_name("ada/moods@refs/pr/1")
    assert is_hub_name("hub:bert@v1")
    assert not is_hub_name("./ada@v1")
    assert split_revision("hub:ada/moods@v1") == ("ada/moods", "v1")
    assert split_revision("bert") == ("bert", None)
