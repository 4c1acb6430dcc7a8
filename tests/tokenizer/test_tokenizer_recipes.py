"""Every recipe with both families: the folder loads in transformers, to the same ids, ready for a model."""

from __future__ import annotations

import json
import unicodedata

import pytest
from tokenizer_texts import HARD, HARD_LINES, cut, model_of, write
from tokenizers import Tokenizer

import tokkit
from tokkit.tokenizer.blocks.recipes import RECIPES
from tokkit.tokenizer.folder.load import load

TRAINERS = {"wordpiece": tokkit.train_wordpiece, "bpe": tokkit.train_bpe}
KEEPS_EVERY_BYTE = [("gpt2", "bpe"), ("roberta", "bpe"), ("llama", "bpe")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folders by recipe and family, each trained when it is first asked for."""
    home = tmp_path_factory.mktemp("recipes")
    corpus = write(home / "c.txt", cut("korean", 15_000) + cut("english", 15_000) + HARD_LINES)
    folders = {}

    def of(recipe, family):
        if (recipe, family) not in folders:
            folders[recipe, family] = home / f"{recipe}-{family}"
            TRAINERS[family](corpus, folders[recipe, family], recipe=recipe, vocab_size=1500)
        return folders[recipe, family]

    return of


@pytest.mark.parametrize("family", TRAINERS)
@pytest.mark.parametrize("recipe", RECIPES)
class TestEveryRecipe:
    def test_loads_in_transformers_to_the_same_ids(self, trained, recipe, family, tmp_path):
        from transformers import AutoTokenizer, PreTrainedTokenizerFast

        folder = trained(recipe, family)
        plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
        auto = AutoTokenizer.from_pretrained(str(folder))
        auto.save_pretrained(str(tmp_path / "again"))
        loaded = {
            "auto": auto,
            "fast": PreTrainedTokenizerFast.from_pretrained(str(folder)),
            "again": AutoTokenizer.from_pretrained(str(tmp_path / "again")),
        }
        for name, tokenizer in loaded.items():
            for text in HARD:
                assert tokenizer(text)["input_ids"] == plain.encode(text).ids, (name, text)
                assert tokenizer(text, "pair")["input_ids"] == plain.encode(text, "pair").ids, (name, text)
            assert len(tokenizer) == plain.get_vocab_size()

    def test_names_its_special_tokens_and_lengths(self, trained, recipe, family):
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(trained(recipe, family)))
        for role, token in RECIPES[recipe].roles.items():
            assert getattr(tokenizer, f"{role}_token") == token
            assert tokenizer.convert_tokens_to_ids(token) in tokenizer.all_special_ids
        assert tokenizer.model_max_length == RECIPES[recipe].model_max_length
        assert tuple(tokenizer.model_input_names) == RECIPES[recipe].model_input_names
        padded = tokenizer(["a", "a longer text"], padding=True)
        assert len({len(ids) for ids in padded["input_ids"]}) == 1
        assert len(tokenizer("word " * 3000, truncation=True)["input_ids"]) == tokenizer.model_max_length

    def test_gives_pairs_their_segments(self, trained, recipe, family):
        from transformers import AutoTokenizer

        encoded = AutoTokenizer.from_pretrained(str(trained(recipe, family)))("first", "second")
        if "token_type_ids" in RECIPES[recipe].model_input_names:
            assert encoded["token_type_ids"] == sorted(encoded["token_type_ids"])
            assert set(encoded["token_type_ids"]) == {0, 1}
        else:
            assert "token_type_ids" not in encoded

    def test_loads_in_tokkit(self, trained, recipe, family):
        loaded = load(trained(recipe, family))
        assert loaded.special.items() >= RECIPES[recipe].roles.items()
        assert loaded.max_length == RECIPES[recipe].model_max_length
        assert loaded.config.input_names == RECIPES[recipe].model_input_names
        lengths = [len(encoding.ids) for encoding in loaded.encodings(HARD)]
        assert lengths == [len(loaded.backend.encode(text).ids) for text in HARD]
        first = RECIPES[recipe].special_tokens
        assert [loaded.backend.token_to_id(token) for token in first] == list(range(len(first)))

    def test_decodes_words_it_knows_to_themselves(self, trained, recipe, family):
        tokenizer = Tokenizer.from_file(str(trained(recipe, family) / "tokenizer.json"))
        text = "the gentle shepherd smiled" if family == "wordpiece" else "the gentle shepherd smiled 오늘"
        decoded = tokenizer.decode(tokenizer.encode(text).ids)
        if recipe.startswith(("bert", "korean")) and family == "bpe":
            # without prefix or suffix nothing tells a word from a piece
            decoded, text = decoded.replace(" ", ""), text.replace(" ", "")
        assert unicodedata.normalize("NFC", decoded) == text  # BERT's uncased normalizer takes Hangul apart


@pytest.mark.parametrize(("recipe", "family"), KEEPS_EVERY_BYTE)
def test_recipe_decodes_every_text_to_itself(trained, recipe, family):
    tokenizer = Tokenizer.from_file(str(trained(recipe, family) / "tokenizer.json"))
    for text in HARD:
        if text.startswith("[UNK]"):
            continue  # it holds special tokens of the recipes
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        expected = text.removeprefix(" ") if recipe == "llama" and text.startswith(" ") else text
        assert tokenizer.decode(ids) == expected


def test_recipe_llama_wordpiece_has_no_bytes_it_cannot_use(trained):
    content = json.loads((trained("llama", "wordpiece") / "tokenizer.json").read_text("utf-8"))
    assert "<0x41>" not in content["model"]["vocab"]
    assert (
        "<0x41>"
        in json.loads((trained("llama", "bpe") / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    )


def test_recipe_without_an_unknown_token_gets_one_for_wordpiece(trained):
    loaded = load(trained("gpt2", "wordpiece"))
    assert loaded.special["unk"] == "[UNK]"
    assert loaded.id_of("unk") == 1


def test_recipe_roberta_puts_two_ends_between_a_pair(trained):
    tokenizer = load(trained("roberta", "bpe")).backend
    tokens = tokenizer.encode("a", "b").tokens
    assert tokens == ["<s>", "a", "</s>", "</s>", "b", "</s>"]


ORIGINALS = {
    "bert-uncased": ("BertTokenizer", {"do_lower_case": True}),
    "bert-cased": ("BertTokenizer", {"do_lower_case": False}),
    "bert-multilingual": ("BertTokenizer", {"do_lower_case": False}),
    "gpt2": ("GPT2Tokenizer", {}),
    "roberta": ("RobertaTokenizer", {}),
    "llama": ("LlamaTokenizer", {"add_bos_token": True}),
}
"""Of a recipe the class of transformers that has the pipeline of the original."""


@pytest.mark.parametrize("recipe", ORIGINALS)
def test_recipe_gives_the_ids_of_its_original(trained, recipe):
    import transformers

    cls, settings = ORIGINALS[recipe]
    folder = trained(recipe, "wordpiece" if cls == "BertTokenizer" else "bpe")
    model = {name: part for name, part in model_of(folder).items() if part}
    original = getattr(transformers, cls)(**model, **settings)
    ours = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in HARD:
        assert ours.encode(text).ids == original(text)["input_ids"], text
        assert ours.encode(text, "a pair").ids == original(text, "a pair")["input_ids"], text


def test_recipe_korean_keeps_syllables_composed_and_strips_nothing(trained):
    normalizer = Tokenizer.from_file(str(trained("korean", "wordpiece") / "tokenizer.json")).normalizer
    text = "한국어 É Übergröße が"
    assert normalizer.normalize_str(unicodedata.normalize("NFD", text)) == text
    assert normalizer.normalize_str(text) == text


def test_recipe_unknown_names_the_nearest():
    with pytest.raises(tokkit.UsageError, match="bert-uncased"):
        tokkit.train_wordpiece("c.txt", recipe="bert-uncase")
