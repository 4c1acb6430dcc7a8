"""`--from`: a new vocabulary for an old tokenizer, whose blocks, special tokens and settings stay."""

from __future__ import annotations

import json

import pytest
from tokenizer_others import OLD, bert_like, gpt4_like, roberta_like
from tokenizer_texts import HARD, HARD_LINES, cut, finished, model_of, published, write
from tokenizers import (
    Tokenizer,
    models,
    pre_tokenizers,
    processors,
)

import tokkit
from tokkit.errors import UsageError
from tokkit.files import sha256_of
from tokkit.tokenizer.blocks.recipes import RECIPES
from tokkit.tokenizer.folder.load import load

TRAIN = {"BPE": tokkit.train_bpe, "WordPiece": tokkit.train_wordpiece}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    text = cut("english", 15_000) + cut("korean", 10_000) + HARD_LINES
    return write(tmp_path_factory.mktemp("from") / "c.txt", text)


def saved(tokenizer, folder, **config):
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return folder


def renewed(corpus, old, out, **settings):
    family = json.loads((old / "tokenizer.json").read_text("utf-8"))["model"]["type"]
    TRAIN[family](corpus, out, like=old, vocab_size=settings.pop("vocab_size", 900), **settings)
    return json.loads((out / "tokenizer.json").read_text("utf-8"))


@pytest.mark.parametrize("name", OLD)
class TestEveryOldTokenizer:
    def test_its_blocks_and_settings_stay(self, corpus, tmp_path, name):
        old = saved(OLD[name](), tmp_path / "old")
        new = renewed(corpus, old, tmp_path / "new")
        before = json.loads((old / "tokenizer.json").read_text("utf-8"))
        for part in ("normalizer", "pre_tokenizer", "decoder"):
            assert new[part] == before[part]
        for content in (new, before):
            for learned_part in ("vocab", "merges"):
                content["model"].pop(learned_part, None)
        assert new["model"] == before["model"]

    def test_its_special_tokens_come_first_in_the_old_order(self, corpus, tmp_path, name):
        old = saved(OLD[name](), tmp_path / "old")
        new = renewed(corpus, old, tmp_path / "new")
        before = json.loads((old / "tokenizer.json").read_text("utf-8"))["added_tokens"]
        special = [token for token in before if token["special"]]
        assert new["added_tokens"] == [{**token, "id": i} for i, token in enumerate(special)]
        vocabulary = new["model"]["vocab"]
        assert len(vocabulary) >= 900
        assert sorted(vocabulary.values()) == list(range(len(vocabulary)))

    def test_its_template_frames_texts_with_the_new_ids(self, corpus, tmp_path, name):
        old = OLD[name]()
        saved(old, tmp_path / "old")
        renewed(corpus, tmp_path / "old", tmp_path / "new")
        new = load(tmp_path / "new").backend
        added = {token.content for token in old.get_added_tokens_decoder().values() if token.special}
        added -= {"<unk>", "[UNK]"}
        for pair in (("a b",), ("a", "b")):
            was, now = old.encode(*pair), new.encode(*pair)
            assert [t for t in now.tokens if t in added] == [t for t in was.tokens if t in added]
            assert [new.token_to_id(token) for token in now.tokens] == now.ids
            assert set(now.type_ids) == set(was.type_ids)

    def test_it_learns_as_from_the_same_blocks_again(self, corpus, tmp_path, name):
        """Old -> new -> newer on the same corpus: the newer is the new."""
        saved(OLD[name](), tmp_path / "old")
        first = renewed(corpus, tmp_path / "old", tmp_path / "new")
        assert renewed(corpus, tmp_path / "new", tmp_path / "newer") == first

    def test_it_loads_in_transformers_to_the_same_ids(self, corpus, tmp_path, name):
        from transformers import AutoTokenizer

        saved(OLD[name](), tmp_path / "old")
        renewed(corpus, tmp_path / "old", tmp_path / "new")
        auto, ours = AutoTokenizer.from_pretrained(str(tmp_path / "new")), load(tmp_path / "new").backend
        for text in (*HARD, "a <mask> b [CLS]", "<|end|>x"):
            assert auto(text)["input_ids"] == ours.encode(text).ids
            assert auto(text, "pair")["input_ids"] == ours.encode(text, "pair").ids


def lines_of(corpus):
    return corpus.read_bytes().decode().splitlines(keepends=True)


@pytest.mark.parametrize("name", ["gpt4_like", "roberta_like"])
def test_from_gives_what_transformers_gives_for_bytes(corpus, tmp_path, name):
    from transformers import PreTrainedTokenizerFast

    text = write(tmp_path / "c.txt", cut("english", 12_000) + cut("korean", 8_000))
    old = saved(OLD[name](), tmp_path / "old")
    wrapped = PreTrainedTokenizerFast(tokenizer_file=str(old / "tokenizer.json"))
    theirs = wrapped.train_new_from_iterator(lines_of(text), 900, min_frequency=2, show_progress=False)
    ours = renewed(text, old, tmp_path / "new")
    expected = json.loads(theirs.backend_tokenizer.to_str())
    assert ours["model"] == expected["model"]
    stale = ("post_processor",) if name == "gpt4_like" else ()  # theirs keeps the old ids in a sequence
    for part in {"normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens"}.difference(
        stale
    ):
        assert ours[part] == expected[part], part


@pytest.mark.parametrize("name", ["bert_like", "suffix_like"])
def test_from_starts_from_the_alphabet_that_transformers_starts_from(corpus, tmp_path, name):
    """Their order of ids is random where pieces have marks; what is there before the first merge is not."""
    from transformers import PreTrainedTokenizerFast

    old = saved(OLD[name](), tmp_path / "old")
    wrapped = PreTrainedTokenizerFast(tokenizer_file=str(old / "tokenizer.json"))
    theirs = wrapped.train_new_from_iterator(lines_of(corpus), 1, show_progress=False)
    ours = renewed(corpus, old, tmp_path / "new", vocab_size=1)
    expected = json.loads(theirs.backend_tokenizer.to_str())
    assert set(ours["model"]["vocab"]) == set(expected["model"]["vocab"])
    if ours["post_processor"] is not None:  # where there is none, theirs puts one in that does nothing
        assert ours["post_processor"] == expected["post_processor"]
    assert ours["added_tokens"] == expected["added_tokens"]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("family", TRAIN)
def test_from_a_tokenizer_of_a_recipe_gives_what_the_recipe_gives(tmp_path, recipe, family):
    """Also through a corpus of another script in between: nothing of the old vocabulary is left."""
    english = write(tmp_path / "english.txt", cut("english", 6_000))
    korean = write(tmp_path / "korean.txt", cut("korean", 6_000))
    settings = {"vocab_size": 600, "max_length": 99, "special_token": ["<x>"]}
    TRAIN[family](english, tmp_path / "direct", recipe=recipe, **settings)
    TRAIN[family](korean, tmp_path / "old", recipe=recipe, **settings)
    TRAIN[family](english, tmp_path / "new", like=tmp_path / "old", vocab_size=600)
    direct, new = published(tmp_path / "direct"), published(tmp_path / "new")
    assert new["tokenizer_config.json"] == direct["tokenizer_config.json"]
    assert json.loads(new["tokenizer.json"]) == json.loads(direct["tokenizer.json"])


def test_from_keeps_roles_lengths_and_input_names(corpus, tmp_path):
    config = {"mask_token": "<mask>", "pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>"}
    old = saved(
        roberta_like(), tmp_path / "old", model_max_length=77, model_input_names=["input_ids"], **config
    )
    renewed(corpus, old, tmp_path / "new", special_token=["<new>", "<mask>"])
    loaded = load(tmp_path / "new")
    assert loaded.special == {name[: -len("_token")]: token for name, token in config.items()} | {
        "unk": "<unk>"
    }
    assert (loaded.max_length, loaded.config.input_names) == (77, ("input_ids",))
    assert loaded.backend.token_to_id("<new>") == 5
    ids = loaded.backend.encode("a <mask>.", add_special_tokens=False).ids  # the mask takes the space in
    assert ids == [loaded.backend.token_to_id(token) for token in ("a", "<mask>", ".")]
    renewed(corpus, old, tmp_path / "longer", max_length=200)
    assert load(tmp_path / "longer").max_length == 200


def test_from_makes_special_what_roles_model_and_template_name(corpus, tmp_path):
    """None of them was added as a special token; one is not even in the old vocabulary."""
    tokens = ["[CLS]", "[SEP]", "[UNK]", "a", "##b"]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 1), ("[CLS]", 0))
    old = saved(tokenizer, tmp_path / "old", pad_token="[PAD]")
    new = renewed(corpus, old, tmp_path / "new")
    assert [token["content"] for token in new["added_tokens"]] == ["[CLS]", "[SEP]", "[UNK]", "[PAD]"]
    assert load(tmp_path / "new").backend.encode("").tokens == ["[CLS]", "[SEP]"]


def test_from_says_which_added_tokens_are_left_out(corpus, tmp_path, heard):
    old = saved(gpt4_like(), tmp_path / "old")
    new = renewed(corpus, old, tmp_path / "new", progress=heard)
    assert "dropped 1 added token, not special: plainword" in heard
    assert "plainword" not in new["model"]["vocab"]


def test_from_fallback_and_bytes_keep_every_text(corpus, tmp_path):
    for name in ("gpt4_like", "llama_like"):
        renewed(corpus, saved(OLD[name](), tmp_path / name), tmp_path / f"{name}-new")
        tokenizer = load(tmp_path / f"{name}-new").backend
        for text in ("a 🜁\x00ß 漢", "새로운 \U0010fffd"):
            assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_from_takes_a_file_and_names_it_in_the_receipt(corpus, tmp_path):
    old = saved(bert_like(), tmp_path / "old") / "tokenizer.json"
    moved = old.rename(tmp_path / "bert.json")
    code, _, err = finished(
        *("train-wordpiece", corpus, "-o", tmp_path / "o", "--from", moved, "--vocab-size", "500")
    )
    assert code == 0, err
    receipt = json.loads((tmp_path / "o" / "tokkit.json").read_text("utf-8"))["result"]
    assert receipt["from"] == {"name": "bert.json", "sha256": sha256_of(moved), "bytes": moved.stat().st_size}
    assert [file["name"] for file in receipt["inputs"]] == ["c.txt"]
    assert receipt["settings"].keys().isdisjoint({"recipe", "prefix", "normalizer"})
    assert load(tmp_path / "o").backend.encode("").tokens == ["[CLS]", "[SEP]"]


def test_from_with_counts_of_the_same_pipeline(corpus, tmp_path):
    tokkit.train_bpe(corpus, tmp_path / "old", vocab_size=400)
    tokkit.count(corpus, tmp_path / "counts", recipe="gpt2")
    tokkit.count(corpus, tmp_path / "others", recipe="korean")
    tokkit.train_bpe(corpus, tmp_path / "a", like=tmp_path / "old", vocab_size=500)
    tokkit.train_bpe((), tmp_path / "b", like=tmp_path / "old", counts=tmp_path / "counts", vocab_size=500)
    assert model_of(tmp_path / "a") == model_of(tmp_path / "b")
    with pytest.raises(UsageError, match="splits text in another way"):
        tokkit.train_bpe((), tmp_path / "c", like=tmp_path / "old", counts=tmp_path / "others")


@pytest.mark.parametrize(
    "settings",
    [
        {"recipe": "korean"},
        {"normalizer": "nfc"},
        {"pre_tokenizer": "bert"},
        {"post_processor": "bert"},
        {"decoder": "fuse"},
        {"unk_token": "<unk>"},
        {"prefix": "@@"},
        {"max_word_characters": 7},
    ],
    ids=str,
)
def test_from_refuses_what_the_old_tokenizer_brings(corpus, tmp_path, settings):
    old = saved(bert_like(), tmp_path / "old")
    [name] = settings
    with pytest.raises(UsageError, match=f"{name}: cannot be combined with like"):
        tokkit.train_wordpiece(corpus, tmp_path / "o", like=old, **settings)


def test_from_refuses_a_limited_alphabet_of_bytes(corpus, tmp_path):
    with pytest.raises(UsageError, match="limit_alphabet"):
        tokkit.train_bpe(corpus, tmp_path / "o", like=saved(gpt4_like(), tmp_path / "old"), limit_alphabet=9)


def test_from_another_family_names_the_command_that_fits(corpus, tmp_path):
    bert, gpt = saved(bert_like(), tmp_path / "bert"), saved(gpt4_like(), tmp_path / "gpt")
    with pytest.raises(UsageError, match="its model is WordPiece, not BPE") as caught:
        tokkit.train_bpe(corpus, tmp_path / "o", like=bert)
    assert f'tokkit.train_wordpiece("{corpus}", "{tmp_path / "o"}", like="{bert}")' in caught.value.hint
    with pytest.raises(UsageError, match=r"tokkit.train_bpe\(.*like="):
        tokkit.train_wordpiece(corpus, tmp_path / "o", like=gpt)
    tokkit.train_word(corpus, tmp_path / "word")
    with pytest.raises(UsageError, match=r"the command that fits takes no like: train-word"):
        tokkit.train_bpe(corpus, tmp_path / "o", like=tmp_path / "word")


def test_from_never_writes_over_the_old_tokenizer(corpus, tmp_path):
    tokkit.train_bpe(corpus, tmp_path / "old", vocab_size=400)
    with pytest.raises(tokkit.OutputError):
        tokkit.train_bpe(corpus, tmp_path / "old", like=tmp_path / "old", force=True)
