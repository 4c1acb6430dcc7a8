"""Tokenizers made to take long or to fill the memory are refused at once; sound ones are not."""

from __future__ import annotations

import json
import time

import pytest
from tokenizer_others import bert_like, gpt4_like, llama_like, roberta_like, suffix_like
from tokenizer_texts import write
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

import tokkit
from tokkit.cli.main import run
from tokkit.errors import InputError
from tokkit.tokenizer.folder.cost_limits import check_cost

GROWS = "makes over 1,000 characters of one"
UNBOUNDED = "words, have no sensible bound"
NEVER_ENDS = "a regular expression in it never ends"


def tokenizer(**blocks):
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, "[UNK]"))
    for kind, block in blocks.items():
        setattr(backend, kind, block)
    return backend


def long_words():
    vocabulary = {"[UNK]": 0, "a": 1, "##a": 2}
    return Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=10**9))


def twice(steps):
    return [steps.Replace("a", "aa")] * 40


def split(pattern):
    return tokenizer(pre_tokenizer=pre_tokenizers.Split(Regex(pattern), "isolated"))


CRAFTED = {
    "normalizer that doubles": (tokenizer(normalizer=normalizers.Sequence(twice(normalizers))), GROWS),
    "normalizer that doubles, inside": (
        tokenizer(
            normalizer=normalizers.Sequence([normalizers.Sequence(twice(normalizers)), normalizers.NFC()])
        ),
        GROWS,
    ),
    "pattern that doubles": (
        tokenizer(normalizer=normalizers.Sequence([normalizers.Replace(Regex("[a-z]"), "bb")] * 40)),
        GROWS,
    ),
    "pages for a letter": (tokenizer(normalizer=normalizers.Replace("b", "b" * 3_000_000)), GROWS),
    "decoder that doubles": (tokenizer(decoder=decoders.Sequence(twice(decoders))), GROWS),
    "bytes of bytes": (
        tokenizer(pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.ByteLevel()] * 40)),
        "40 byte-level blocks",
    ),
    "nested repetition": (split("(a+)+b"), NEVER_ENDS),
    "alternatives that overlap": (split("(a|aa)+b"), NEVER_ENDS),
    "words without a limit": (long_words(), UNBOUNDED),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_tokenizer_is_stopped_with_a_sentence(name, tmp_path, capfd):
    backend, expected = CRAFTED[name]
    path = tmp_path / "tokenizer.json"
    backend.save(str(path))
    text = write(tmp_path / "lines.txt", "a" * 60 + "\n" + " " * 9_000 + "x\n")
    commands = {
        "tokenize": [str(path), "a" * 60],
        "wrap": [str(path), "-o", str(tmp_path / "out")],
        "stats": [str(text), "--tokenizer", str(path)],
    }
    for command, arguments in commands.items():
        start = time.process_time()
        assert run([command, *arguments]) == 3
        captured = capfd.readouterr()
        # on a slow machine the time is over before the limit of retries is reached
        assert expected in captured.err or (expected == NEVER_ENDS and UNBOUNDED in captured.err)
        assert "panicked" not in captured.err
        assert captured.out == ""
        assert time.process_time() - start < 10
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", [bert_like, gpt4_like, llama_like, roberta_like, suffix_like])
def test_a_sound_tokenizer_is_no_crafted_one(make, heard):
    check_cost(make(), "here", heard)
    assert heard.sentences == []


def test_a_public_tokenizer_that_is_slow_on_long_runs_is_used_and_said(heard):
    check_cost(split(r"\s+$"), "here", heard)  # as DeepSeek's
    assert len(heard.sentences) == 1
    assert "here: ' ' repeated 20,000 times in a line takes it about" in heard


def test_steps_that_write_longer_forms_are_no_growth():
    marks = [normalizers.Replace(mark, f" {mark} ") for mark in ".,!?;:()"]
    forms = [normalizers.Replace(*pair) for pair in (("½", " 1/2 "), ("…", "..."), ("€", " EUR "))] * 5
    digits = [normalizers.Replace(Regex(r"\d"), "[NUM]")] * 9
    check_cost(tokenizer(normalizer=normalizers.Sequence([*marks, *forms, *digits])), "here")


def _without(*tokens):
    def change(model):
        for token in tokens:
            del model["vocab"][token]

    return change


HOLES = {
    "no unknown token": ("wordpiece", _without("[UNK]")),
    "no letter that a merge needs": ("bpe", _without("l")),
    "ids with holes": ("bpe", lambda model: model["vocab"].update(lo=9_999)),
    "one id for two tokens": ("bpe", lambda model: model["vocab"].update(lo=model["vocab"]["w"])),
    "an unknown token that is none": ("bpe", lambda model: model.update(unk_token="[UNK]")),
}


def test_an_unknown_token_that_is_added_only_is_missing_from_the_model(tmp_path):
    backend = Tokenizer(models.WordPiece({"a": 0, "##a": 1}, unk_token="[UNK]"))
    backend.add_special_tokens(["[UNK]"])
    backend.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match=r'its unknown token "\[UNK\]" is missing from its vocabulary'):
        tokkit.tokenize(tmp_path / "tokenizer.json", "b")


@pytest.mark.parametrize("name", HOLES)
def test_a_vocabulary_with_holes_is_read_or_refused(name, tmp_path, capfd):
    family, change = HOLES[name]
    text = write(tmp_path / "c.txt", "low lower lowest newest widest\n" * 50)
    train = tokkit.train_bpe if family == "bpe" else tokkit.train_wordpiece
    train(text, tmp_path / "t", vocab_size=290 if family == "bpe" else 40)
    (tmp_path / "t" / "tokkit.json").unlink()
    content = json.loads((tmp_path / "t" / "tokenizer.json").read_text("utf-8"))
    change(content["model"])
    write(tmp_path / "t" / "tokenizer.json", json.dumps(content))
    folder = str(tmp_path / "t")
    for command in (
        ["tokenize", folder, "lowly 한 ❤"],
        ["suggest-tokens", folder, str(text)],
        ["compare", folder, "--on", str(text)],
    ):
        code = run(command)
        error = capfd.readouterr().err
        assert code in (0, 3), command
        assert "Traceback" not in error
        assert (code == 3) == ("error: " in error)
