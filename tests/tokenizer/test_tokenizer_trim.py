"""`trim`: what a corpus uses is cut as before, and a model answers as before."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from extension_models import MODELS, build, corpus, load, load_tokenizer, same, tokenizers
from tokenizer_texts import HARD, cut, finished, published, write
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

import tokkit
from tokkit.errors import InputError, OutputError, UsageError


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trim")
    trained = tokenizers(folder)
    text = corpus(folder)
    tokkit.train_bpe(text, folder / "llama", vocab_size=900, recipe="llama")
    tokkit.train_bpe(
        text, folder / "suffix", vocab_size=500, recipe="bert-uncased", suffix="</w>", prefix="##"
    )
    tokkit.train_unigram(text, folder / "unigram", vocab_size=1500)
    tokkit.train_word(text, folder / "word", vocab_size=400)
    return {**trained, **{name: folder / name for name in ("llama", "suffix", "unigram", "word")}}


EVERY = ("wordpiece", "bpe", "llama", "suffix", "unigram", "word")


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """Few words, some of which no tokenizer of these knows."""
    text = cut("english", 3_000) + "\n".join(HARD) + "\nthexqz 한글자모 thexqz\n"
    return write(tmp_path_factory.mktemp("used") / "used.txt", text)


def read(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def lines(path):
    return path.read_bytes().decode().replace("\r\n", "\n").splitlines(keepends=True)


@pytest.mark.parametrize("name", EVERY)
def test_trim_cuts_every_text_of_the_corpus_as_before(name, folders, used, tmp_path):
    result = tokkit.trim(folders[name], tmp_path / "out", to=str(used))
    old, new = read(folders[name]), read(tmp_path / "out")
    assert result.vocab_size_after == new.get_vocab_size() < old.get_vocab_size()
    assert sorted(new.get_vocab().values()) == list(range(new.get_vocab_size()))
    for text in used.read_text("utf-8").split("\n"):
        assert new.encode(text).tokens == old.encode(text).tokens
        assert new.encode(text, text).type_ids == old.encode(text, text).type_ids
    assert (result.texts_changed, result.tokens_before) == (0, result.tokens_after)
    assert load_tokenizer(tmp_path / "out")("a b", "c")["input_ids"] == new.encode("a b", "c").ids

    rows = [
        line.split("\t") for line in (tmp_path / "out" / "id_map.tsv").read_text("utf-8").split("\n")[1:-1]
    ]
    assert [int(new_id) for _, new_id, _ in rows] == list(range(len(rows)))
    assert [int(old_id) for old_id, _, _ in rows] == sorted(int(old_id) for old_id, _, _ in rows)
    for old_id, new_id, token in rows:
        assert old.id_to_token(int(old_id)) == new.id_to_token(int(new_id)) == json.loads(token)


@pytest.mark.parametrize("name", EVERY)
def test_trim_leaves_every_character_of_the_corpus_known(name, folders, used, tmp_path):
    tokkit.trim(folders[name], tmp_path / "out", to=str(used), min_frequency=50)
    old, new = read(folders[name]), read(tmp_path / "out")
    if name != "word":
        for text in used.read_text("utf-8").split("\n"):
            unknown = [token for token in new.encode(text).tokens if token in ("[UNK]", "<unk>")]
            assert len(unknown) <= sum(token in ("[UNK]", "<unk>") for token in old.encode(text).tokens)


@pytest.mark.parametrize(
    "name",
    [
        "BertForSequenceClassification",
        "BertForMaskedLM",
        "DistilBertForMaskedLM",
        "RobertaForSequenceClassification",
        "GPT2LMHeadModel",
        "LlamaForCausalLM",
        "T5ForConditionalGeneration",
        "BartForConditionalGeneration",
    ],
)
def test_trim_leaves_a_model_that_answers_as_before(name, folders, used, tmp_path):
    source = build(name, folders[MODELS[name][0]], tmp_path / "model", rows=700)
    result = tokkit.trim(None, tmp_path / "out", model=source, to=str(used))
    before, after = load(source), load(tmp_path / "out")
    size = result.vocab_size_after
    assert (result.embedding_rows_before, result.embedding_rows_after) == (700, size)
    assert after.config.get_text_config().vocab_size == size
    table = np.loadtxt(
        tmp_path / "out" / "id_map.tsv", delimiter="\t", skiprows=1, usecols=(0,), dtype=int, comments=None
    )
    old_ids = torch.tensor(table)
    assert same(after.get_input_embeddings().weight, before.get_input_embeddings().weight[old_ids])

    old, new = read(source), read(tmp_path / "out")
    for text in lines(used)[:5]:
        inputs = [torch.tensor([backend.encode(text).ids[:60]]) for backend in (old, new)]
        more = [{"decoder_input_ids": ids} if before.config.is_encoder_decoder else {} for ids in inputs]
        with torch.no_grad():
            was, now = (
                model(ids, **extra).logits
                for model, ids, extra in zip((before, after), inputs, more, strict=True)
            )
        was = was[..., old_ids] if was.shape[-1] == 700 else was
        assert torch.allclose(was, now, atol=1e-5)
    for key in ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"):
        if (old_id := getattr(before.config, key, None)) is not None and old_id < old.get_vocab_size():
            assert new.id_to_token(getattr(after.config, key)) == old.id_to_token(old_id)


def test_trim_drops_an_id_that_no_token_has_from_the_configuration(folders, used, tmp_path, heard):
    source = build("GPT2LMHeadModel", folders["bpe"], tmp_path / "model")
    config = json.loads((source / "config.json").read_text("utf-8"))
    (source / "config.json").write_text(json.dumps({**config, "eos_token_id": 50256}))
    tokkit.trim(None, tmp_path / "out", model=source, to=str(used), progress=heard)
    assert load(tmp_path / "out").config.eos_token_id is None
    assert "eos_token_id: set to none" in heard


def test_trim_keeps_words_unknown_that_were(tmp_path):
    """`ab` begins `abx`, which is unknown; without `ab` it would be cut, for `a` and `##bx` are there."""
    vocabulary = {token: i for i, token in enumerate(["[UNK]", "a", "##bx", "ab", "b", "x", "rest"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = write(tmp_path / "c.txt", "abx a xx\n")
    keep = ["##bx"]
    tokkit.trim(tmp_path / "tokenizer.json", tmp_path / "out", to=str(text), keep_token=keep)
    new = read(tmp_path / "out")
    assert new.encode("abx a").tokens == tokenizer.encode("abx a").tokens == ["[UNK]", "a"]
    assert new.token_to_id("rest") is None


def test_trim_leaves_an_unknown_character_as_improbable_as_it_was(tmp_path):
    """It costs ten more than the lowest score, that of ``zz``, which the corpus does not use."""
    scores = {"<unk>": 0.0, "ab": -9.0, "cd": -9.0, "ef": -9.0, "bcdef": -1.0, "zz": -20.0}
    tokenizer = Tokenizer(models.Unigram(list(scores.items()), unk_id=0))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = write(tmp_path / "c.txt", "bcdef\ncd\nef\nab\nabcdef\n")
    result = tokkit.trim(tmp_path / "tokenizer.json", tmp_path / "out", to=str(text))
    new = read(tmp_path / "out")
    assert new.encode("abcdef").tokens == tokenizer.encode("abcdef").tokens == ["ab", "cd", "ef"]
    assert result.texts_changed == 0


def test_trim_to_a_size_keeps_the_first_of_equally_frequent_tokens(tmp_path):
    words = {token: i for i, token in enumerate(["[UNK]", "rare", *("ff", "ee", "dd", "aa", "gg")])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = write(tmp_path / "c.txt", "aa dd ee ff gg aa\n")
    tokkit.trim(tmp_path / "tokenizer.json", tmp_path / "out", to=str(text), vocab_size=4)
    assert set(read(tmp_path / "out").get_vocab()) == {"[UNK]", "aa", "ff", "ee"}


def test_trim_keeps_merges_that_the_library_takes_from_the_vocabulary(folders, used, tmp_path):
    content = json.loads((folders["bpe"] / "tokenizer.json").read_text("utf-8"))
    content["model"]["ignore_merges"] = True
    path = write(tmp_path / "tokenizer.json", json.dumps(content))
    tokkit.trim(path, tmp_path / "out", to=str(used))
    old, new = Tokenizer.from_file(str(path)), read(tmp_path / "out")
    for text in lines(used):
        assert new.encode(text).tokens == old.encode(text).tokens


def test_trim_keeps_added_tokens_and_what_is_asked_for(folders, used, tmp_path):
    tokkit.add_tokens(folders["bpe"], tmp_path / "more", token=["zyxw"], special="[S1]", sample=str(used))
    tokkit.trim(tmp_path / "more", tmp_path / "out", to=str(used), keep_token="Ġthe")
    new = read(tmp_path / "out")
    assert "zyxw" in new.encode("a zyxw [S1]").tokens
    assert new.token_to_id("Ġthe") is not None
    added = json.loads(new.to_str())["added_tokens"]
    assert {"zyxw", "[S1]", "<s>", "<mask>"} <= {entry["content"] for entry in added}


def test_trim_to_a_size_keeps_the_most_frequent(folders, used, tmp_path):
    result = tokkit.trim(folders["bpe"], tmp_path / "out", to=str(used), vocab_size=300)
    assert result.vocab_size_after == 300
    assert result.texts_changed > 0
    assert result.tokens_after > result.tokens_before
    with pytest.raises(UsageError, match=r"100 is too small: .* alone are 26\d"):
        tokkit.trim(folders["bpe"], tmp_path / "less", to=str(used), vocab_size=100)


def test_trim_of_all_that_is_used_changes_nothing(tmp_path):
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 5, "c": 3}, unk_token="[UNK]"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    text = write(tmp_path / "c.txt", "A b c d\n")
    result = tokkit.trim(tmp_path / "tokenizer.json", tmp_path / "out", to=str(text))
    assert (result.vocab_size_before, result.vocab_size_after) == (4, 4)
    assert read(tmp_path / "out").get_vocab() == {"[UNK]": 0, "a": 1, "c": 2, "b": 3}


def test_trim_writes_the_same_bytes_and_touches_no_input(folders, used, tmp_path):
    before = (folders["unigram"] / "tokenizer.json").read_bytes()
    for out in ("a", "b"):
        tokkit.trim(folders["unigram"], tmp_path / out, to=str(used))
    assert published(tmp_path / "a") == published(tmp_path / "b")
    assert (folders["unigram"] / "tokenizer.json").read_bytes() == before


def test_trim_never_replaces_the_folder_of_its_corpus(folders, tmp_path):
    corpus = write(tmp_path / "c.txt", "the red house\n")
    with pytest.raises(OutputError, match="contains the input"):
        tokkit.trim(folders["bpe"], tmp_path, to=str(corpus), force=True)
    tokkit.trim(folders["bpe"], tmp_path / "out", to=str(corpus))
    receipt = json.loads((tmp_path / "out" / "tokkit.json").read_text("utf-8"))
    assert "c.txt" in [file["name"] for file in receipt["result"]["inputs"]]


def test_trim_refuses_what_cannot_be_and_leaves_nothing(folders, used, tmp_path):
    empty = write(tmp_path / "empty.txt", "\n\n")
    cases = (
        ({}, UsageError, "name a corpus"),
        ({"to": "nowhere.txt"}, InputError, "no such file"),
        ({"to": str(empty)}, InputError, "is empty"),
        ({"to": str(used), "keep_token": "zyxw"}, UsageError, "not in the vocabulary"),
        ({"to": str(used), "min_frequency": 0}, UsageError, "below 1"),
    )
    for settings, error, message in cases:
        with pytest.raises(error, match=message):
            tokkit.trim(folders["bpe"], tmp_path / "out", **settings)
        assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]


def test_trim_command_tells_its_result_as_json(folders, used, tmp_path):
    code, stdout, err = finished("trim", folders["bpe"], "--to", used, "-o", tmp_path / "out", "--json")
    assert code == 0, err
    result = json.loads(stdout)
    assert result["command"] == "trim"
    assert result["vocab_size_before"] == 500 > result["vocab_size_after"]
    code, stdout, err = finished("trim", folders["bpe"], "--to", used, "-o", folders["bpe"], "--force")
    assert (code, stdout) == (4, "")
    assert "Traceback" not in err
