"""The rules of doctor: one broken pair a rule, its severity, and that its fix, as typed, mends it."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from doctor_folders import BODY, EMBEDDINGS, POSITIONS, Pair, make_pair, rename, vocabulary

import tokkit
from tokkit.cli import main
from tokkit.inspection.checks.rules import RULES
from tokkit.inspection.statistics.findings import ERROR, WARNING


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def pair(sound, tmp_path):
    shutil.copytree(sound.tokenizer.parent, tmp_path, dirs_exist_ok=True)
    return Pair(tmp_path / "tokenizer", tmp_path / "model", tmp_path / "corpus.txt")


def severities(pair, data=None):
    """rule -> its gravest severity, of everything doctor finds."""
    findings = tokkit.doctor(pair.tokenizer, pair.model, data).findings
    return {finding.rule: finding.severity for finding in reversed(findings)}


def test_a_sound_pair_has_no_finding(pair):
    assert severities(pair, pair.corpus) == {}


def test_words_that_a_special_token_consists_of_are_ordinary_text(pair):
    def add_special(content):
        rename(content, "house", "rivers")
        token = {**content["added_tokens"][0], "id": vocabulary(content)["rivers"], "content": "rivers"}
        content["added_tokens"].append(token)

    pair.break_tokenizer(add_special)
    assert "river" in vocabulary(json.loads((pair.tokenizer / "tokenizer.json").read_text("utf-8")))
    assert "special-as-text" not in severities(pair)


def _unregister(role):
    return lambda pair: pair.break_registration(lambda config: config.pop(f"{role}_token"))


def _swap(content):
    ids = vocabulary(content)
    ids["the"], ids["river"] = ids["river"], ids["the"]


def _no_special_flags(content):
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] != "[CLS]"]


def _add_stale_template(content):
    content["post_processor"]["special_tokens"]["[SEP]"]["ids"] = [17]


def _share_an_id(content):
    vocabulary(content)["river"] = vocabulary(content)["house"]


def _leave_holes(content):
    vocabulary(content)["far"] = max(vocabulary(content).values()) + 3


def _lose_unknown(content):
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] != "[UNK]"]
    rename(content, "[UNK]", "[GONE]")


def _word_level_without_unknown(content):
    content["model"] = {"type": "WordLevel", "vocab": vocabulary(content), "unk_token": "[NONE]"}


def _letters_without_unknown(content):
    content["model"] = {"type": "BPE", "vocab": vocabulary(content), "merges": []}


def _make_cls_another(pair):
    def change(content):
        ids = vocabulary(content)
        ids["[CLS]"], ids["[MASK]"] = ids["[MASK]"], ids["[CLS]"]
        for token in content["added_tokens"]:
            token["id"] = ids[token["content"]]

    pair.other_tokenizer(change)


def _two_layers(pair):
    rows = json.loads((pair.model / "config.json").read_text("utf-8"))["vocab_size"]
    second = {
        name.replace("layer.0.", "layer.1."): shape for name, shape in BODY.items() if "layer.0." in name
    }
    return {EMBEDDINGS: (rows, 4), POSITIONS: (512, 4), **second}


@dataclass(frozen=True)
class Broken:
    """rule, severity   what doctor is to find
    by                  what is done to a sound pair
    fixed               whether the command in the finding's fix is run, and is to make the rule silent
    """

    rule: str
    severity: str
    by: Callable[[Pair], object]
    fixed: bool = False


BROKEN = {
    "tokenizer.json changed after it was made": Broken(
        "self-test",
        ERROR,
        lambda pair: _keeping_the_receipt(pair, _swap),
        fixed=True,
    ),
    "a class that builds BERT's own pipeline": Broken(
        "class-rebuild",
        ERROR,
        lambda pair: (
            pair.break_registration(lambda config: config.update(tokenizer_class="BertTokenizer")),
            pair.break_tokenizer(lambda content: content.update(normalizer=None)),
        ),
    ),
    "no class, beside a BERT": Broken(
        "class-rebuild",
        ERROR,
        lambda pair: (
            pair.break_registration(lambda config: config.pop("tokenizer_class")),
            pair.break_tokenizer(lambda content: content.update(normalizer=None)),
        ),
    ),
    "no template, though there are [CLS] and [SEP]": Broken(
        "template",
        WARNING,
        lambda pair: pair.break_tokenizer(lambda content: content.update(post_processor=None)),
    ),
    "two tokens, one id": Broken(
        "duplicate-ids", ERROR, lambda pair: pair.break_tokenizer(_share_an_id), fixed=True
    ),
    "an added token of another id": Broken(
        "duplicate-ids",
        ERROR,
        lambda pair: pair.break_tokenizer(lambda content: content["added_tokens"][4].update(id=9)),
        fixed=True,
    ),
    "ids without tokens": Broken(
        "id-holes", WARNING, lambda pair: pair.break_tokenizer(_leave_holes), fixed=True
    ),
    "an unknown token out of the vocabulary": Broken(
        "unknown-token", ERROR, lambda pair: pair.break_tokenizer(_lose_unknown)
    ),
    "no unknown token, words": Broken(
        "unknown-token", ERROR, lambda pair: pair.break_tokenizer(_word_level_without_unknown)
    ),
    "no unknown token, letters": Broken(
        "unknown-token", WARNING, lambda pair: pair.break_tokenizer(_letters_without_unknown), fixed=True
    ),
    "a pad token that nobody names": Broken("special-tokens", ERROR, _unregister("pad")),
    "a cls token that nobody names": Broken("special-tokens", WARNING, _unregister("cls")),
    "a bos token that is not in the vocabulary": Broken(
        "special-tokens",
        ERROR,
        lambda pair: pair.break_registration(lambda config: config.update(bos_token="<s>")),
        fixed=True,
    ),
    "a template token that is not special": Broken(
        "special-tokens", WARNING, lambda pair: pair.break_tokenizer(_no_special_flags), fixed=True
    ),
    "nothing to pad with": Broken(
        "pad-token",
        WARNING,
        lambda pair: (
            _unregister("pad")(pair),
            pair.break_tokenizer(
                lambda content: (rename(content, "[PAD]", "[GONE]"), content["added_tokens"].pop(0))
            ),
        ),
        fixed=True,
    ),
    "a template with old ids": Broken(
        "stale-post-processor", ERROR, lambda pair: pair.break_tokenizer(_add_stale_template), fixed=True
    ),
    "a special token learned as text": Broken(
        "special-as-text",
        WARNING,
        lambda pair: pair.break_tokenizer(lambda content: rename(content, "house", "##sep]")),
    ),
    "a capital under a lower-casing normalizer": Broken(
        "unreachable-ids",
        WARNING,
        lambda pair: pair.break_tokenizer(lambda content: rename(content, "house", "House")),
        fixed=True,
    ),
    "longer than the positions": Broken(
        "max-length",
        ERROR,
        lambda pair: pair.break_registration(lambda config: config.update(model_max_length=513)),
    ),
    "no maximum length": Broken(
        "max-length",
        ERROR,
        lambda pair: pair.break_registration(lambda config: config.update(model_max_length=int(1e30))),
    ),
    "longer than a RoBERTa's positions, one of which lies before the first": Broken(
        "max-length",
        ERROR,
        lambda pair: pair.break_model(lambda config: config.update(model_type="roberta")),
    ),
    "longer than positions that are computed": Broken(
        "max-length",
        WARNING,
        lambda pair: (
            (pair.model / "model.safetensors").unlink(),
            pair.break_model(lambda config: config.update(max_position_embeddings=64, rope_theta=1e4)),
        ),
    ),
    "more segments than the model has": Broken(
        "segment-ids",
        ERROR,
        lambda pair: pair.break_model(lambda config: config.update(type_vocab_size=1)),
    ),
    "segments that nobody passes on": Broken(
        "segment-ids",
        WARNING,
        lambda pair: pair.break_registration(
            lambda config: config.update(model_input_names=["input_ids", "attention_mask"])
        ),
        fixed=True,
    ),
    "fewer rows than ids": Broken(
        "vocabulary-size",
        ERROR,
        lambda pair: (
            pair.break_model(lambda config: config.update(vocab_size=50)),
            pair.store({EMBEDDINGS: (50, 4), POSITIONS: (512, 4)}),
        ),
    ),
    "fewer rows than ids, by the configuration alone": Broken(
        "vocabulary-size",
        ERROR,
        lambda pair: (
            (pair.model / "model.safetensors").unlink(),
            pair.break_model(lambda config: config.update(vocab_size=50)),
        ),
    ),
    "rows that the configuration does not know of": Broken(
        "embedding-rows", ERROR, lambda pair: pair.store({EMBEDDINGS: (500, 4), POSITIONS: (512, 4)})
    ),
    "a layer that is not stored": Broken(
        "stored-weights",
        ERROR,
        lambda pair: pair.break_model(lambda config: config.update(num_hidden_layers=2)),
    ),
    "a stored layer that it does not have": Broken(
        "stored-weights", ERROR, lambda pair: pair.store(_two_layers(pair))
    ),
    "an inner width that is its width": Broken(
        "stored-weights",
        ERROR,
        lambda pair: pair.break_model(lambda config: config.update(intermediate_size=4)),
    ),
    "another width than the weights have": Broken(
        "stored-weights", ERROR, lambda pair: pair.break_model(lambda config: config.update(hidden_size=8))
    ),
    "another inner width than the weights have": Broken(
        "stored-weights",
        ERROR,
        lambda pair: pair.break_model(lambda config: config.update(intermediate_size=16)),
    ),
    "heads that do not divide the width": Broken(
        "stored-weights",
        ERROR,
        lambda pair: pair.break_model(lambda config: config.update(num_attention_heads=3)),
    ),
    "heads that it was not trained with": Broken(
        "stored-weights",
        ERROR,
        lambda pair: (pair.model / "tokkit.json").write_text(
            '{"schema": 1, "command": "finetune", "result": {"attention_heads": 2}}'
        ),
    ),
    "more positions than are stored": Broken(
        "stored-weights",
        ERROR,
        lambda pair: pair.break_model(lambda config: config.update(max_position_embeddings=600)),
    ),
    "another pad id than the configuration": Broken(
        "special-ids", ERROR, lambda pair: pair.break_model(lambda config: config.update(pad_token_id=1))
    ),
    "another cls id than the model's own tokenizer": Broken("special-ids", ERROR, _make_cls_another),
    "another eos id than the configuration": Broken(
        "special-ids",
        WARNING,
        lambda pair: (
            pair.break_registration(lambda config: config.update(eos_token="[SEP]")),
            pair.break_model(lambda config: config.update(eos_token_id=50)),
        ),
    ),
    "words that meant others": Broken("vocabulary-order", ERROR, lambda pair: pair.other_tokenizer(_swap)),
    "words that the model never saw": Broken(
        "untrained-tokens",
        WARNING,
        lambda pair: pair.other_tokenizer(lambda content: vocabulary(content).pop(_last(content))),
    ),
    "weights that are pickles": Broken(
        "pickled-weights",
        WARNING,
        lambda pair: (pair.model / "model.safetensors").rename(pair.model / "pytorch_model.bin"),
    ),
}


def _last(content):
    ids = vocabulary(content)
    return max(ids, key=ids.__getitem__)


def _keeping_the_receipt(pair, change):
    receipt = (pair.tokenizer / "tokkit.json").read_text("utf-8")
    pair.break_tokenizer(change)
    (pair.tokenizer / "tokkit.json").write_text(receipt, "utf-8")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pair_is_found(pair, name):
    case = BROKEN[name]
    case.by(pair)
    findings = [f for f in tokkit.doctor(pair.tokenizer, pair.model).findings if f.rule == case.rule]
    assert case.severity in [finding.severity for finding in findings]
    assert all(finding.message and finding.fix for finding in findings)


@pytest.mark.parametrize("name", [name for name, case in BROKEN.items() if case.fixed])
def test_the_fix_mends_it(pair, name, tmp_path, monkeypatch, capsys):
    case = BROKEN[name]
    case.by(pair)
    monkeypatch.chdir(tmp_path)
    data = Path("corpus.txt")
    fix = next(f.fix for f in tokkit.doctor(pair.tokenizer, data=data).findings if f.rule == case.rule)
    _, command = fix.split("\n")
    arguments = shlex.split(command.replace("trained/", "fixed/"))[1:]
    assert main.run([*arguments, *(["--vocab-size", "120"] if "train-" in command else [])]) == 0, fix
    assert case.rule not in {finding.rule for finding in tokkit.doctor(tmp_path / "fixed").findings}
    capsys.readouterr()


def test_a_model_without_rows_for_tokens_that_were_added_is_given_them_by_the_fix(pair, tmp_path):
    pair.other_tokenizer(lambda content: None)
    added = tmp_path / "added"
    tokkit.add_tokens(pair.tokenizer, added, special="[S1]", token="COVID", sample=str(pair.corpus))
    fix = next(f.fix for f in tokkit.doctor(added, pair.model).findings if f.rule == "vocabulary-size")
    own = shlex.quote(str(pair.model))
    command = f"tokkit add-tokens {own} --model {own} --special '[S1]' --token COVID -o fixed/"
    assert fix == f"give the model rows for what was added:\n{command}"


def test_the_commands_of_all_fixes_are_commands(pair, sound, tmp_path, monkeypatch):
    """Those above are run; these are parsed, each with the options that its fix names."""
    monkeypatch.chdir(tmp_path)
    for case in BROKEN.values():
        shutil.copytree(sound.tokenizer.parent, tmp_path, dirs_exist_ok=True)
        case.by(pair)
        for finding in tokkit.doctor(pair.tokenizer, pair.model, Path("corpus.txt")).findings:
            for line in finding.fix.split("\n")[1:]:
                program, name, *arguments = shlex.split(line)
                assert program == "tokkit"
                command = main.tokkit.get_command(click.Context(main.tokkit), name)
                assert command.make_context(name, arguments).params


def test_every_rule_is_broken_here_or_on_data():
    of_data = {name for name, rule in RULES.items() if rule.needs == "data"}
    assert {case.rule for case in BROKEN.values()} == RULES.keys() - of_data


@pytest.mark.parametrize("name", BROKEN)
def test_no_finding_is_graver_than_the_table_says(pair, name):
    BROKEN[name].by(pair)
    for finding in tokkit.doctor(pair.tokenizer, pair.model).findings:
        assert finding.severity == WARNING or RULES[finding.rule].severity == ERROR
