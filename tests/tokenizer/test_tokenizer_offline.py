"""Names of the hub: offline nothing is asked, and `hub:NAME` is never a local folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification

import tokkit
from tests.command_server import CommandServer
from tests.sources.web_server import Server, serving
from tokkit.tokenizer.folder.tokenizer_folder import TOKENIZER_FILE

# With NAME, a checkpoint with its tokenizer.
COMMANDS = {
    "tokenize": "tokenize NAME text",
    "wrap": "wrap NAME -o out",
    "doctor": "doctor tokenizer --model NAME",
    "add-tokens": "add-tokens tokenizer --token fox --model NAME -o out",
    "finetune": "finetune rows.csv --tokenizer tokenizer --model NAME -o out --device cpu",
    "predict": "predict NAME text",
    "features": "features NAME rows.csv -o out.parquet --device cpu",
    "stats": "stats rows.csv --tokenizer NAME",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a local checkpoint of the name that is asked for, and a cache of the hub without one."""
    here = tmp_path_factory.mktemp("here")
    (here / "rows.csv").write_text(
        "text,label\n" + "".join(f"the fox {i},{'ab'[i % 2]}\n" for i in range(20))
    )
    tokkit.train_wordpiece(here / "rows.csv", out=here / "tokenizer", vocab_size=40)
    checkpoint(here / "tokenizer", here / "owner" / "name")
    return here


def checkpoint(tokenizer: Path, folder: Path) -> None:
    shutil.copytree(tokenizer, folder)
    vocab_size = Tokenizer.from_file(str(tokenizer / TOKENIZER_FILE)).get_vocab_size()
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    BertForSequenceClassification(BertConfig(vocab_size=vocab_size, **sizes)).save_pretrained(folder)


@pytest.fixture(scope="module")
def hub() -> Server:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def offline(here: Path, hub: Server) -> CommandServer:
    # HF_HUB_OFFLINE is off, so that the libraries of the hub would ask it
    with CommandServer.running(
        modules=("tests.preloaded",),
        TOKKIT_OFFLINE="1",
        HF_HUB_OFFLINE="0",
        HF_ENDPOINT=hub.address,
        HF_TOKEN="hf_secret",
        HF_HOME=str(here / "home"),
    ) as server:
        yield server


@pytest.mark.parametrize(
    ("command", "name"),
    [*((command, "hub:owner/name") for command in COMMANDS), ("predict", "owner/missing")],
)
def test_offline_nothing_is_asked_and_no_folder_is_read_for_the_hubs(here, hub, offline, command, name):
    outcome = offline.run(COMMANDS[command].replace("NAME", name).split(), current=here)
    assert outcome.code == 3, outcome.errors
    assert "no such folder, and TOKKIT_OFFLINE is set and the cache of the hub has no copy" in outcome.errors
    assert hub.requests == []
    assert not (here / "out").exists()


@pytest.mark.parametrize("command", ["tokenize", "doctor", "predict"])
def test_offline_the_cache_of_the_hub_is_read(here, hub, offline, command):
    cached = here / "home" / "hub" / "models--owner--cached"
    if not cached.exists():
        checkpoint(here / "tokenizer", cached / "snapshots" / ("0" * 40))
        (cached / "refs").mkdir()
        (cached / "refs" / "main").write_text("0" * 40)
    outcome = offline.run(COMMANDS[command].replace("NAME", "hub:owner/cached").split(), current=here)
    assert outcome.code == 0, outcome.errors
    assert "owner/cached: no such path; TOKKIT_OFFLINE forbids the network; looking in the" in outcome.errors
    assert hub.requests == []


def test_the_local_folder_is_read_by_its_own_name(here, hub, offline):
    outcome = offline.run(["predict", "owner/name", "text"], current=here)
    assert outcome.code == 0, outcome.errors
    assert hub.requests == []
