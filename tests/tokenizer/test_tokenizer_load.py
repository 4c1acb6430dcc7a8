"""Loading: receipts are verified, and whatever is no tokenizer ends in one sentence."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys

import pytest
from tokenizer_texts import cut, write

import tokkit
from tokkit.errors import InputError
from tokkit.tokenizer.folder.hub_downloads import is_hub_name
from tokkit.tokenizer.folder.load import load


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home = tmp_path_factory.mktemp("load")
    corpus = write(home / "c.txt", cut("english", 15_000))
    tokkit.train_wordpiece(corpus, home / "wordpiece", vocab_size=500)
    tokkit.train_bpe(corpus, home / "bpe", vocab_size=500)
    return home


@pytest.fixture
def copied(trained, tmp_path):
    def copy(name):
        return shutil.copytree(trained / name, tmp_path / name)

    return copy


def edited(path, change):
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def test_load_receipt_holds_a_self_test(trained):
    test = json.loads((trained / "bpe" / "tokkit.json").read_text("utf-8"))["result"]["self_test"]
    backend = load(trained / "bpe").backend
    assert len(test) > 8
    assert all(backend.encode(s["text"], s.get("pair")).ids == s["ids"] for s in test)


def test_load_takes_a_folder_a_file_and_a_link(trained, tmp_path):
    (tmp_path / "link").symlink_to(trained / "bpe")
    paths = [trained / "bpe", str(trained / "bpe"), trained / "bpe" / "tokenizer.json", tmp_path / "link"]
    assert {load(path).max_length for path in paths} == {1024}
    assert {load(path).id_of("pad") for path in paths} == {0}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("model_max_length", "/", "a number"),
        ("model_max_length", -(2**63), "a number"),
        ("padding_side", "x", '"left" or "right"'),
        ("truncation_side", 7, "a text"),
        ("tokenizer_class", 5, "a text"),
        ("model_input_names", ["input_ids", 1], "a list of names"),
        ("split_special_tokens", "q", "true or false"),
        ("unk_token", ["[UNK]"], "a token"),
        ("extra_special_tokens", [5], "a list of tokens"),
        ("additional_special_tokens", {"a": 1}, "a list of tokens"),
        ("additional_special_tokens", 5, "a list of tokens"),
    ],
)
def test_load_refuses_a_setting_of_another_type(copied, name, value, expected):
    folder = copied("bpe")
    edited(folder / "tokenizer_config.json", lambda content: content.update({name: value}))
    with pytest.raises(InputError, match=rf'tokenizer_config\.json: "{name}" is .*, expected {expected}'):
        load(folder)


def test_load_takes_every_way_to_name_tokens(copied):
    folder = copied("bpe")
    for tokens in (None, [], ["<a>", {"content": "<b>", "lstrip": True}], {"image_token": "<c>"}):
        settings = {"extra_special_tokens": tokens}
        edited(folder / "tokenizer_config.json", lambda content, new=settings: content.update(new))
        assert load(folder).vocab_size == 500


def test_load_refuses_a_changed_tokenizer(copied):
    folder = copied("bpe")
    edited(folder / "tokenizer.json", lambda content: content["model"]["merges"].clear())
    with pytest.raises(InputError, match=r"other ids for .* than its receipt"):
        load(folder)


@pytest.mark.parametrize(
    "test", [[{}], [{"text": 1, "ids": []}], ["a"], [None], [{"text": "a"}], [{"text": "a", "ids": None}]]
)
def test_load_refuses_a_broken_self_test(copied, test):
    folder = copied("bpe")
    edited(folder / "tokkit.json", lambda content: content["result"].update(self_test=test))
    with pytest.raises(InputError):
        load(folder)


@pytest.mark.parametrize("receipt", ["", "{", "[]", "null", '{"result": 1}', '{"result": {"self_test": 3}}'])
def test_load_survives_a_strange_receipt(copied, receipt):
    folder = copied("bpe")
    (folder / "tokkit.json").write_text(receipt)
    with contextlib.suppress(InputError):
        load(folder)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_max_length": "many"}, "\"model_max_length\" is 'many', expected a number"),
        ({"model_input_names": 3}, '"model_input_names" is 3, expected a list of names'),
        ({"model_input_names": "input_ids"}, "expected a list of names"),
        ({"pad_token": 3}, '"pad_token" is 3, expected a token'),
        ({"cls_token": {"content": 4}}, '"cls_token" is .* expected a token'),
    ],
)
def test_load_refuses_a_configuration_of_other_types(copied, config, message):
    folder = copied("wordpiece")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=message):
        load(folder)


@pytest.mark.parametrize("length", [1e30, -1, None])
def test_load_reads_a_strange_length_as_none(copied, length):
    folder = copied("wordpiece")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": length}))
    loaded = load(folder)
    assert loaded.max_length is None
    assert loaded.config.input_names is None
    assert loaded.special["pad"] == "[PAD]"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{}", b"[]", b"null", b"\xff\xfe\x00", b"PK\x03\x04", b"[" * 9999]
)
def test_load_refuses_a_file_that_is_none(tmp_path, content):
    (tmp_path / "tokenizer.json").write_bytes(content)
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        with pytest.raises(InputError, match=r"tokenizer\.json"):
            load(path)


def test_load_refuses_a_folder_that_is_none(tmp_path):
    with pytest.raises(InputError, match=r"not a tokenizer folder: it has no tokenizer\.json") as caught:
        load(tmp_path)
    assert "train-wordpiece" in caught.value.hint


@pytest.mark.parametrize("name", ["./none", "none/", "a/b/c", "none.json", "/tmp/no/such", "~none"])
def test_load_never_asks_the_hub_for_what_looks_like_a_path(name):
    assert not is_hub_name(name)
    with pytest.raises(InputError, match="no such file or folder"):
        load(name)


def test_load_of_a_hub_name_offline_says_so(tmp_path):
    """In a process of its own: huggingface_hub reads the variable once."""
    program = (
        "from tokkit.tokenizer.folder.load import load; from tokkit.errors import InputError\n"
        "for name in ('no-such-tokenizer', 'hub:owner/none', 'a b'):\n"
        "    try: load(name)\n"
        "    except InputError as error: print(error.message, '|', error.hint)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["no-such-tokenizer", "hub", "a b"]
    assert all("no such folder, and HF_HUB_OFFLINE" in line for line in lines)
    assert "Traceback" not in done.stderr


CRAFTED = {
    "fixed length of none": {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
    "no model": {"model": None},
    "unknown model": {"model": {"type": "Nothing", "vocab": {}}},
    "merges of what is no token": {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["x", "y"]]}},
    "ids that are no numbers": {"model": {"type": "WordPiece", "vocab": {"a": "b"}}},
    "negative ids": {"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}},
    "unknown token that is none": {
        "model": {
            "type": "WordPiece",
            "unk_token": "?",
            "vocab": {},
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 9,
        }
    },
    "precompiled rubbish": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
    "pattern that is none": {
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}
    },
    "deep": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": 3}]}},
    "template without tokens": {
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[X]", "type_id": 0}}],
            "pair": [],
            "special_tokens": {},
        }
    },
}


@pytest.mark.parametrize("parts", CRAFTED.values(), ids=CRAFTED)
def test_load_refuses_a_crafted_tokenizer(copied, parts):
    folder = copied("bpe")
    (folder / "tokkit.json").unlink()
    edited(folder / "tokenizer.json", lambda content: content.update(parts))
    with pytest.raises(InputError):
        load(folder)


def mutated(draw: random.Random, text: str) -> str:
    """The text with a few characters changed, cut out, doubled or swapped for ones JSON cares about."""
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(text))
        length = draw.choice((1, 1, 2, 8, 40))
        piece = draw.choice(
            (
                "",
                "",
                text[at : at + length] * 2,
                "0",
                "-1",
                "99999999999",
                '"',
                "}",
                "null",
                "[]",
                "\\u0000",
                "é",
            )
        )
        text = text[:at] + piece + text[at + length :]
    return text


def twisted(draw: random.Random, content):
    """A copy with one value, somewhere, replaced by an odd one; JSON still."""
    content = json.loads(json.dumps(content))
    at = content
    while True:
        key = draw.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if not at[key] or not isinstance(at[key], dict | list) or draw.random() < 0.1:
            break
        at = at[key]
    odd = (
        None,
        0,
        -1,
        2**32,
        1e300,
        "",
        "a",
        "é" * 9,
        [],
        {},
        True,
        [[]],
        {"type": "Sequence"},
        {"Regex": "(a*)*b"},
    )
    at[key] = draw.choice(odd)
    return content


def mutate_and_load(folder, seed, rounds):
    """How many mutations loaded and how many were refused; anything else is raised."""
    draw = random.Random(seed)
    original = (folder / "tokenizer.json").read_text("utf-8")
    content = json.loads(original)
    content["model"]["vocab"] = dict(list(content["model"]["vocab"].items())[:300])
    content["model"]["merges"] = content["model"].get("merges", [])[:20]
    short = json.dumps(content, ensure_ascii=False)
    outcomes = {"loaded": 0, "refused": 0}
    for _ in range(rounds):
        text = mutated(draw, short) if draw.random() < 0.5 else json.dumps(twisted(draw, content))
        (folder / "tokenizer.json").write_text(text, "utf-8")
        try:
            load(folder)
            outcomes["loaded"] += 1
        except InputError:
            outcomes["refused"] += 1
    return outcomes


@pytest.mark.parametrize("name", ["wordpiece", "bpe"])
def test_load_of_a_mutated_tokenizer_loads_or_is_refused(copied, name):
    folder = copied(name)
    (folder / "tokkit.json").unlink()
    outcomes = mutate_and_load(folder, seed=7, rounds=400)
    assert min(outcomes.values()) > 5, outcomes


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_load_of_twenty_thousand_mutations(copied, seed):
    folder = copied("bpe" if seed % 2 else "wordpiece")
    (folder / "tokkit.json").unlink()
    mutate_and_load(folder, seed, rounds=2_500)
