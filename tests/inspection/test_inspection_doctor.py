"""Doctor as a command: exit codes, bad input in a sentence, what it reads, and what it shows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doctor_folders import Pair, edit, make_pair, rename, vocabulary

import tokkit
from tests.terminal import on_a_terminal, without_escapes
from tokkit.cli import main
from tokkit.errors import InputError
from tokkit.inspection.checks.config_fields import config_fields


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("doctor"))


@pytest.fixture
def pair(sound, tmp_path):
    shutil.copytree(sound.tokenizer.parent, tmp_path, dirs_exist_ok=True)
    return Pair(tmp_path / "tokenizer", tmp_path / "model", tmp_path / "corpus.txt")


@pytest.fixture
def run(capsys):
    """Exit code, standard output and error output of ``tokkit doctor``."""

    def doctor(*arguments):
        code = main.run(["doctor", *map(str, arguments)])
        return code, *capsys.readouterr()

    return doctor


# Exit codes -------------------------------------------------------------------------------------------


def test_doctor_exits_with_1_on_errors_only(pair, run):
    assert run(pair.tokenizer, "--model", pair.model)[0] == 0
    pair.break_registration(lambda config: config.update(model_input_names=["input_ids"]))
    code, out, _ = run(pair.tokenizer)
    assert (code, out.count("warning\t")) == (0, 1)
    pair.break_model(lambda config: config.update(pad_token_id=3))
    code, out, _ = run(pair.tokenizer, "--model", pair.model)
    assert (code, out.count("error\t")) == (1, 1)


def test_doctor_fails_on_the_rules_one_names(pair, run):
    pair.break_registration(lambda config: config.update(model_input_names=["input_ids"]))
    assert run(pair.tokenizer, "--fail-on", "fertility")[0] == 0
    assert run(pair.tokenizer, "--fail-on", "fertility, segment-ids")[0] == 1
    code, _, err = run(pair.tokenizer, "--fail-on", "segments-ids")
    assert code == 2
    assert '--fail-on: invalid value "segments-ids": choose from ' in err
    assert '(did you mean "segment-ids"?)' in err


def test_doctor_json_is_one_object_with_the_keys_that_were_promised(pair, run):
    pair.break_registration(lambda config: config.update(model_max_length=600))
    code, out, _ = run(pair.tokenizer, "--model", pair.model, "--data", pair.corpus, "--json")
    result = json.loads(out)
    assert code == 1
    assert list(result)[:2] == ["schema", "command"]
    assert [list(finding) for finding in result["findings"]] == [["rule", "severity", "message", "fix"]]
    assert result["measured"]["limit"] == 512
    assert result["config"][0].keys() == {"field", "value", "may_change", "why"}


# What it reads ----------------------------------------------------------------------------------------


def test_doctor_takes_a_folder_a_file_and_a_checkpoint(pair, heard):
    assert tokkit.doctor(pair.tokenizer).model is None
    alone = shutil.copy(pair.tokenizer / "tokenizer.json", pair.tokenizer.parent / "alone.json")
    findings = tokkit.doctor(alone, pair.model).findings
    assert {finding.severity for finding in findings} == {"warning"}
    shutil.copytree(pair.tokenizer, pair.model, dirs_exist_ok=True)
    result = tokkit.doctor(pair.model, progress=heard)
    assert (result.model, result.findings) == (str(pair.model), [])
    assert "is also a model" in heard


def test_doctor_loads_no_weight_and_never_torch(pair):
    program = "import sys, tokkit; tokkit.doctor(*sys.argv[1:4]); print('torch' in sys.modules)"
    arguments = [sys.executable, "-c", program, *map(str, (pair.tokenizer, pair.model, pair.corpus))]
    assert subprocess.check_output(arguments, text=True).strip() == "False"


def test_doctor_reads_what_a_sharded_checkpoint_holds(pair):
    (pair.model / "model.safetensors").rename(pair.model / "a.safetensors")
    pair.store({"bert.other.weight": (2, 2)}, "b.safetensors")
    index = pair.model / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}))
    assert tokkit.doctor(pair.tokenizer, pair.model).findings == []
    pair.break_model(lambda config: config.update(vocab_size=9))
    assert [finding.rule for finding in tokkit.doctor(pair.tokenizer, pair.model).findings] == [
        "embedding-rows"
    ]


# Bad input --------------------------------------------------------------------------------------------


def _index_that_points_outside(pair):
    (pair.model / "model.safetensors").rename(pair.model.parent / "model.safetensors")
    edit(pair.model / "config.json", lambda config: None)
    index = {"weight_map": {"w": "../model.safetensors"}}
    (pair.model / "model.safetensors.index.json").write_text(json.dumps(index))


BAD = {
    "no tokenizer": lambda pair: (pair.tokenizer / "tokenizer.json").unlink(),
    "a panic of the library": lambda pair: pair.break_tokenizer(
        lambda content: content.update(pre_tokenizer={"type": "FixedLength", "length": 0})
    ),
    "no JSON": lambda pair: (pair.tokenizer / "tokenizer.json").write_text("{"),
    "a broken configuration": lambda pair: (pair.tokenizer / "tokenizer_config.json").write_text("{"),
    "a deep configuration": lambda pair: (pair.model / "config.json").write_text("[" * 99_999),
    "a template without its tokens": lambda pair: pair.break_tokenizer(
        lambda content: content["post_processor"]["special_tokens"].clear()
    ),
    "a configuration that is a list": lambda pair: (pair.model / "config.json").write_text("[1]"),
    "no configuration of a model": lambda pair: (pair.model / "config.json").unlink(),
    "weights that are none": lambda pair: (pair.model / "model.safetensors").write_bytes(b"\x80\x04N."),
    "weights outside the folder": _index_that_points_outside,
    "a tokenizer of the model that is none": lambda pair: (pair.model / "tokenizer.json").write_text("[]"),
}


@pytest.mark.parametrize("name", BAD)
def test_doctor_of_bad_input_is_one_sentence(pair, run, name):
    BAD[name](pair)
    code, out, err = run(pair.tokenizer, "--model", pair.model)
    assert (code, out) == (3, "")
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
    assert "Traceback" not in err


def test_doctor_of_what_does_not_exist(pair):
    with pytest.raises(InputError, match="no such file or folder"):
        tokkit.doctor(pair.tokenizer / "none.json")
    with pytest.raises(InputError, match="no such file or folder"):
        tokkit.doctor(pair.tokenizer, "./none")
    with pytest.raises(InputError, match="no such file or folder"):
        tokkit.doctor(pair.tokenizer, data="./none.csv")


@pytest.mark.parametrize(
    "strange",
    [
        {"vocab_size": "many", "max_position_embeddings": None, "pad_token_id": [1], "type_vocab_size": -1},
        {"model_type": 3, "max_position_embeddings": 0, "vocab_size": True},
        {"text_config": {"vocab_size": 3}, "id2label": None},
        {"max_position_embeddings": 1, "model_type": "roberta", "pad_token_id": 9},
    ],
)
def test_doctor_survives_a_strange_configuration(pair, run, strange):
    pair.break_model(lambda config: config.update(strange))
    code, _, err = run(pair.tokenizer, "--model", pair.model)
    assert code in (0, 1, 3)
    assert "bug" not in err


# Other tokenizers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["gpt2", "roberta", "llama", "sentencepiece"])
def test_doctor_finds_no_error_in_what_tokkit_trains(pair, tmp_path, recipe):
    tokkit.train_bpe(pair.corpus, tmp_path / "bpe", vocab_size=400, recipe=recipe)
    result = tokkit.doctor(tmp_path / "bpe")
    assert not result.has_errors, result.findings
    assert "unreachable-ids" not in [finding.rule for finding in result.findings]


@pytest.mark.parametrize("family", ["unigram", "word", "char"])
def test_doctor_finds_no_error_in_other_families(pair, tmp_path, family):
    corpus = Path(__file__).parents[2] / "corpora" / "korean.txt"
    text = tmp_path / "korean.txt"
    text.write_text("\n".join(corpus.read_text("utf-8").splitlines()[:400]) + "\n", "utf-8")
    getattr(tokkit, f"train_{family}")(text, tmp_path / family)
    result = tokkit.doctor(tmp_path / family, data=text)
    assert not result.has_errors, result.findings


def test_doctor_tells_tokens_without_a_merge_path_from_those_that_are_never_let_in(pair, tmp_path):
    tokkit.train_bpe(pair.corpus, tmp_path / "bpe", vocab_size=400)
    (tmp_path / "bpe" / "tokkit.json").unlink()
    longest = {}

    def change(content):
        merges = content["model"]["merges"]
        longest["unmerged"] = "".join(merges.pop(-1))
        vocabulary(content)["two words"] = max(vocabulary(content).values()) + 1

    edit(tmp_path / "bpe" / "tokenizer.json", change)
    [finding] = [f for f in tokkit.doctor(tmp_path / "bpe").findings if f.rule == "unreachable-ids"]
    assert finding.message.startswith("2 of ")
    assert longest["unmerged"] in finding.message
    assert "2 that the model always cuts" in finding.message


def test_doctor_of_a_lower_casing_tokenizer_counts_its_capitals(pair):
    pair.break_tokenizer(
        lambda content: (rename(content, "house", "House"), rename(content, "river", "[unused0]"))
    )
    [finding] = tokkit.doctor(pair.tokenizer).findings
    assert finding.severity == "warning"
    assert "never lets through" in finding.message
    assert "House" in finding.message


def test_doctor_passes_what_finetune_writes(pair, tmp_path):
    rows = tmp_path / "rows.csv"
    lines = (f"the red house {n},a\nthe grey river {n},b\n" for n in range(20))
    rows.write_text("text,label\n" + "".join(lines), "utf-8")
    tokkit.finetune(rows, pair.tokenizer, out=tmp_path / "tuned", size="tiny", epochs=1, threads=1)
    result = tokkit.doctor(tmp_path / "tuned")
    assert (result.model, result.findings) == (str(tmp_path / "tuned"), [])


# What it shows ----------------------------------------------------------------------------------------


def test_doctor_tells_which_fields_may_be_changed():
    config = {
        **{"model_type": "distilbert", "dim": 768, "n_layers": 6, "vocab_size": 30522, "dropout": 0.1},
        **{"id2label": {"0": "joy"}, "pad_token_id": 0, "of_no_interest": 1},
    }
    may_change = {field["field"]: field["may_change"] for field in config_fields(config)}
    assert may_change == {
        **{"model_type": "never", "dim": "never", "n_layers": "never", "dropout": "yes", "id2label": "yes"},
        **dict.fromkeys(("vocab_size", "pad_token_id"), "only through add-tokens/trim"),
    }


@pytest.mark.parametrize("width", [40, 120])
def test_doctor_on_a_terminal_fits_its_width(pair, width):
    pair.break_model(lambda config: config.update(pad_token_id=3))
    command = [sys.executable, "-m", "tokkit", "doctor", "tokenizer", "--model", "model"]
    code, screen = on_a_terminal(command, pair.tokenizer.parent, width, {})
    assert code == 1
    plain = without_escapes(screen)
    assert "special-ids" in plain
    assert "pad_token_id" in plain
    assert max(map(len, plain.splitlines())) <= width
