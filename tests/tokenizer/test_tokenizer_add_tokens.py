"""`add_tokens` without a model: every new token is produced, every old id stays."""

from __future__ import annotations

import json
from unicodedata import normalize

import pytest
from extension_models import add_tokens, corpus, load_tokenizer, tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_texts import HARD, finished, published, write
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AddedToken, PreTrainedTokenizerFast

import tokkit
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.tokenizer.editing.segmentation import Merges, best_score


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extension")
    trained = tokenizers(folder)
    text = corpus(folder)
    tokkit.train_wordpiece(text, folder / "korean", vocab_size=900, recipe="korean")
    tokkit.train_bpe(text, folder / "llama", vocab_size=900, recipe="llama")
    tokkit.train_bpe(text, folder / "suffix", vocab_size=500, recipe="bert-uncased", suffix="</w>")
    tokkit.train_unigram(text, folder / "unigram", vocab_size=1500)
    tokkit.train_word(text, folder / "word", vocab_size=400)
    others = ("korean", "llama", "suffix", "unigram", "word")
    return {**trained, **{name: folder / name for name in others}}


EVERY = ("wordpiece", "bpe", "korean", "llama", "suffix", "unigram", "word")


def read(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def tokens(backend, text):
    return backend.encode(text, add_special_tokens=False).tokens


@pytest.mark.parametrize("name", EVERY)
def test_add_tokens_matches_what_the_library_adds(name, folders, tmp_path):
    added = ["백신", "e-mail", "👩‍👩‍👧"]
    add_tokens(folders[name], tmp_path / "out", token=added, special=["[S1]", "<|x|>"])
    theirs = read(folders[name])
    theirs.add_special_tokens(["[S1]", "<|x|>"])
    theirs.add_tokens(added)
    ours = read(tmp_path / "out")
    assert ours.get_vocab(with_added_tokens=True) == theirs.get_vocab(with_added_tokens=True)
    for text in (*HARD, "an e-mail about 백신은 [S1]<|x|>e-mails 👩‍👩‍👧"):
        assert ours.encode(text).ids == theirs.encode(text).ids
    wrapped = load_tokenizer(tmp_path / "out")
    assert wrapped.decode(wrapped("a [S1] b")["input_ids"], skip_special_tokens=True).split() == [
        "a",
        "b",
    ] or (
        name in ("wordpiece", "word")  # letters it does not know
    )


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("word", ["zyxwquv", "백신접종", "tokenization"])
def test_add_tokens_native_is_one_token_wherever_it_stands(name, word, folders, tmp_path):
    result = add_tokens(folders[name], tmp_path / "out", token=word, native=True)
    old, new = read(folders[name]), read(tmp_path / "out")
    assert result.added
    old_ids = old.get_vocab(with_added_tokens=True)
    assert {token: new.token_to_id(token) for token in old_ids} == old_ids
    assert sorted(result.ids.values()) == list(range(len(old_ids), len(old_ids) + len(result.ids)))
    assert not {entry["content"] for entry in json.loads(new.to_str())["added_tokens"]} & set(result.added)
    for text in (word, f"{word} the", f"the {word}", f"the {word} the"):
        assert sum(token in result.added for token in tokens(new, text)) == 1, tokens(new, text)
        assert word in normalize("NFC", new.decode(new.encode(text).ids))


def test_add_tokens_native_says_what_a_word_becomes(folders, tmp_path, heard):
    result = add_tokens(folders["wordpiece"], tmp_path / "out", token="COVID", native=True, progress=heard)
    assert result.added == ("covid",)
    assert '"COVID" is "covid" in the vocabulary' in heard
    result = add_tokens(folders["bpe"], tmp_path / "bpe", token="COVID", native=True, progress=heard)
    assert result.added == ("COVID", "ĠCOVID")
    assert result.intermediate
    assert "intermediate tokens: " in heard


def test_add_tokens_native_changes_neighbouring_words_and_shows_it(folders, tmp_path):
    sample = write(tmp_path / "s.txt", "covid covidiot covidiot the\n")
    result = add_tokens(
        folders["wordpiece"], tmp_path / "out", token="covid", native=True, sample=str(sample)
    )
    changed = {example["word"]: example for example in result.as_dict()["effects"]}
    assert set(changed) == {"covid", "covidiot"}
    assert changed["covidiot"]["after"][0] == "covid"
    assert (changed["covid"]["asked"], changed["covidiot"]["asked"]) == (True, False)
    figures = result.as_dict()["sample"]
    assert (figures["words"], figures["distinct"], figures["changed"], figures["other"]) == (4, 3, 2, 1)
    assert figures["tokens_after"] < figures["tokens_before"]


def test_add_tokens_native_takes_a_continuation(folders, tmp_path):
    result = add_tokens(folders["wordpiece"], tmp_path / "out", token="##idiotic", native=True)
    assert result.added == ("##idiotic",)
    proof = result.proof[0]
    assert proof.tokens[-1] == "##idiotic" == tokens(read(tmp_path / "out"), proof.text)[-1]


def test_add_tokens_native_with_words_that_hold_each_other(folders, tmp_path):
    words = ["covid", "covids", "covidiot", "anticovid"]
    for name in ("wordpiece", "bpe", "unigram", "suffix"):
        result = add_tokens(folders[name], tmp_path / name, token=words, native=True)
        new = read(tmp_path / name)
        for word in words:
            assert len(tokens(new, f"a {word}")) == len(tokens(new, "a")) + 1, (name, word)
        assert len(result.proof) == len(result.added)


def test_add_tokens_native_comes_behind_tokens_added_before(folders, tmp_path):
    for name in EVERY:
        add_tokens(folders[name], tmp_path / name, token="e-mail", special="[S1]")
        result = add_tokens(tmp_path / name, tmp_path / f"{name}2", token="zyxwquv", native=True)
        old, new = read(tmp_path / name), read(tmp_path / f"{name}2")
        old_ids = old.get_vocab(with_added_tokens=True)
        assert {token: new.token_to_id(token) for token in old_ids} == old_ids
        assert min(result.ids.values()) == len(old_ids)
        assert "e-mail" in tokens(new, "an e-mail [S1]")


def test_add_tokens_gives_no_id_that_is_taken_where_ids_have_gaps(tmp_path):
    gapped = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 5, "c": 3}, unk_token="[UNK]"))
    gapped.pre_tokenizer = pre_tokenizers.Whitespace()
    gapped.save(str(tmp_path / "tokenizer.json"))
    result = add_tokens(tmp_path / "tokenizer.json", tmp_path / "out", token=["x-y", "z"])
    assert result.ids == {"x-y": 6, "z": 7}
    assert read(tmp_path / "out").encode("a x-y b z c").ids == [1, 6, 5, 7, 3]


def test_add_tokens_flags_are_those_of_the_library(folders, tmp_path):
    add_tokens(folders["bpe"], tmp_path / "out", token="cat", single_word=True, lstrip=True, rstrip=True)
    entry = json.loads((tmp_path / "out" / "tokenizer.json").read_text("utf-8"))["added_tokens"][-1]
    assert entry == {
        **{"id": 500, "content": "cat", "single_word": True, "lstrip": True, "rstrip": True},
        **{"normalized": True, "special": False},
    }
    assert "cat" not in tokens(read(tmp_path / "out"), "concatenate")
    assert tokens(read(tmp_path / "out"), "a cat sat")[1] == " cat " or "cat" in tokens(
        read(tmp_path / "out"), "a cat sat"
    )


def test_add_tokens_of_a_normalizer_that_puts_something_before_a_text(folders, tmp_path, heard):
    content = json.loads((folders["llama"] / "tokenizer.json").read_text("utf-8"))
    prepend = {"type": "Prepend", "prepend": "▁"}
    spaces = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    content["normalizer"] = {"type": "Sequence", "normalizers": [prepend, spaces]}
    content["pre_tokenizer"] = None
    path = write(tmp_path / "tokenizer.json", json.dumps(content))
    add_tokens(path, tmp_path / "added", token="백신", progress=heard)
    assert "백신" in tokens(read(tmp_path / "added"), "x백신x")
    assert "matched in the text as it is written" in heard
    with pytest.raises(InputError, match="is not produced in"):
        add_tokens(path, tmp_path / "out", token="백신", normalized=True)
    result = add_tokens(path, tmp_path / "native", token="백신접종", native=True)
    assert result.added == ("▁백신접종",)
    assert "▁백신접종" in tokens(read(tmp_path / "native"), "the 백신접종 the")


def test_add_tokens_tells_what_is_there_and_makes_it_special(folders, tmp_path):
    result = add_tokens(folders["wordpiece"], tmp_path / "out", token=["the", "zyx"], special="and")
    assert (result.added, set(result.already_present)) == (("zyx",), {"the", "and"})
    new = read(tmp_path / "out")
    assert new.token_to_id("and") == read(folders["wordpiece"]).token_to_id("and")
    assert (
        load_tokenizer(tmp_path / "out").decode(new.encode("the and the").ids, skip_special_tokens=True)
        == "the the"
    )


def test_add_tokens_keeps_what_the_folder_says(folders, tmp_path):
    source = tmp_path / "source"
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=read(folders["wordpiece"]),
        pad_token="[PAD]",
        cls_token="[CLS]",
        additional_special_tokens=["and"],
        model_max_length=77,
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
        chat_template="{{ messages }}",
    )
    wrapped.add_tokens([AddedToken("before", single_word=True)])
    wrapped.save_pretrained(source)
    add_tokens(source, tmp_path / "out", special="[S1]")
    loaded = load_tokenizer(tmp_path / "out")
    assert (loaded.pad_token, loaded.cls_token, loaded.model_max_length) == ("[PAD]", "[CLS]", 77)
    assert (loaded.padding_side, loaded.chat_template) == ("left", "{{ messages }}")
    assert loaded.model_input_names == ["input_ids", "attention_mask"]
    assert set(loaded.extra_special_tokens) == {"and", "[S1]"}
    assert loaded.tokenize("beforehand before") == wrapped.tokenize("beforehand before")


def test_add_tokens_to_a_vocabulary_of_the_older_kind(folders, tmp_path):
    old_ids = read(folders["wordpiece"]).get_vocab()
    (tmp_path / "old").mkdir()
    write(tmp_path / "old" / "vocab.txt", "".join(f"{token}\n" for token in sorted(old_ids, key=old_ids.get)))
    write(tmp_path / "old" / "tokenizer_config.json", '{"tokenizer_class": "BertTokenizer"}')
    add_tokens(tmp_path / "old", tmp_path / "out", token="COVID")
    assert tokens(read(tmp_path / "out"), "the COVID the") == ["the", "covid", "the"]


def test_add_tokens_reads_a_file_and_writes_the_same_bytes(folders, tmp_path):
    listed = write(tmp_path / "tokens.txt", "COVID\r\n\r\n백신\nCOVID\n")
    for out in ("a", "b"):
        result = add_tokens(folders["bpe"], tmp_path / out, tokens_file=str(listed))
    assert result.added == ("COVID", "백신")
    assert published(tmp_path / "a") == published(tmp_path / "b")
    with pytest.raises(OutputError, match="already exists"):
        add_tokens(folders["bpe"], tmp_path / "a", token="x")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"token": ""}, UsageError, "must not be empty"),
        ({"token": "\udcff"}, UsageError, "not UTF-8"),
        ({}, UsageError, "at least one token"),
        ({"token": "the"}, UsageError, "already in the vocabulary"),
        ({"token": "x", "special": "x"}, UsageError, "special and as a plain"),
        ({"token": "x", "init": "description"}, UsageError, "belong together"),
        ({"token": "x", "pad_to_multiple_of": 0}, UsageError, "below 1"),
        ({"token": "x", "pad_to_multiple_of": 8}, UsageError, 'model="M"'),
        ({"token": "x", "init": "random"}, UsageError, 'model="M"'),
        ({"token": "x", "native": True, "lstrip": True}, UsageError, "about added tokens"),
        ({"role": "pat=[PAD]"}, UsageError, 'did you mean "pad"'),
        ({"token": "covid-19", "native": True}, InputError, "split into covid - 19"),
        ({"token": "\x00", "native": True}, InputError, "it is empty before the model"),
        ({"token": "z" * 101, "native": True}, InputError, "100 characters"),
        ({"token": "COVID", "special": "xCO"}, InputError, "\"COVID\" is not produced in the text 'xCOVIDx'"),
        ({"token": "x", "sample": "nowhere.txt"}, InputError, "no such file"),
    ],
)
def test_add_tokens_refuses_what_cannot_be_and_leaves_nothing(settings, error, message, folders, tmp_path):
    before = (folders["wordpiece"] / "tokenizer.json").read_bytes()
    with pytest.raises(error, match=message):
        add_tokens(folders["wordpiece"], tmp_path / "out", **settings)
    assert list(tmp_path.iterdir()) == []
    assert (folders["wordpiece"] / "tokenizer.json").read_bytes() == before


def test_add_tokens_refuses_broken_tokenizers(folders, tmp_path):
    content = json.loads((folders["wordpiece"] / "tokenizer.json").read_text("utf-8"))
    without_template = {
        **content,
        "added_tokens": [t for t in content["added_tokens"] if t["content"] != "[SEP]"],
    }
    without_template["model"] = {**content["model"], "vocab": {**content["model"]["vocab"]}}
    del without_template["model"]["vocab"]["[SEP]"]
    broken = (
        "{",
        json.dumps({**content, "model": {"type": "Nothing"}}),
        json.dumps({**content, "post_processor": {**content["post_processor"], "special_tokens": {}}}),
        json.dumps(without_template),
    )
    for text in broken:
        path = write(tmp_path / "tokenizer.json", text)
        with pytest.raises(InputError):
            add_tokens(path, tmp_path / "out", token="COVID")
        assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


def test_add_tokens_command_tells_its_result_as_json(folders, tmp_path):
    code, stdout, err = finished(
        *("add-tokens", folders["bpe"], "--token", "COVID", "--special", "[S1]", "--native", "--json"),
        *("-o", tmp_path / "out"),
    )
    assert code == 0, err
    result = json.loads(stdout)
    assert list(result)[:2] == ["schema", "command"]
    assert result["added"] == ["COVID", "ĠCOVID", "[S1]"]
    assert result["model"] is result["embedding_rows_before"] is None
    code, stdout, err = finished("add-tokens", folders["bpe"], "--token", "", "-o", tmp_path / "more")
    assert (code, stdout) == (2, "")
    assert "Traceback" not in err


MERGES = [("a", "b"), ("b", "c"), ("ab", "c"), ("c", "a"), ("abc", "abc"), ("a", "a"), ("aa", "aa")]


@given(st.text("abc", max_size=12))
def test_bpe_steps_end_where_the_library_ends(word):
    vocabulary = {token: i for i, token in enumerate(["a", "b", "c", *("".join(pair) for pair in MERGES)])}
    theirs = Tokenizer(models.BPE(vocabulary, MERGES))
    merges = Merges({pair: rank for rank, pair in enumerate(MERGES)})
    assert merges.apply(merges.symbols(word))[0] == theirs.encode(word).tokens


SCORES = {"<unk>": 0.0, "a": -1.0, "b": -2.0, "ab": -2.5, "ba": -3.5, "aba": -3.9, "bb": -5.0}


@given(st.text("abx", max_size=10))
def test_unigram_score_is_that_of_the_librarys_cut(word):
    theirs = Tokenizer(models.Unigram(list(SCORES.items()), unk_id=0))
    unknown = min(SCORES.values()) - 10
    cut = theirs.encode(word)
    total = sum(
        unknown * (end - start) if token not in SCORES else SCORES[token]
        for token, (start, end) in zip(cut.tokens, cut.offsets, strict=True)
    )
    assert best_score(word, SCORES, 5) == pytest.approx(total)
