"""`wrap`: what it writes loads to the ids the tokenizer itself gives, or nothing is written."""

from __future__ import annotations

import json
import shutil

import pytest
import transformers
from sentencepiece_models import trained
from tokenizer_texts import HARD, cut, published, write
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import tokkit
from tests.conftest import Heard
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.tokenizer.folder.checkpoints import rebuild_difference

BERT_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """Tokenizers as other tools write them: a `tokenizer.json` and nothing else."""
    home = tmp_path_factory.mktemp("foreign")
    lines = (cut("english", 20_000) + cut("korean", 20_000)).splitlines()

    wordpiece = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    wordpiece.normalizer = normalizers.NFC()
    wordpiece.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    wordpiece.train_from_iterator(
        lines, trainers.WordPieceTrainer(vocab_size=800, special_tokens=BERT_TOKENS)
    )
    wordpiece.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    wordpiece.save(str(home / "wordpiece.json"))

    bytes_ = Tokenizer(models.BPE())
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    bytes_.train_from_iterator(
        lines,
        trainers.BpeTrainer(
            vocab_size=900,
            special_tokens=["<|endoftext|>", "<pad>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    bytes_.save(str(home / "bytes.json"))
    return home


@pytest.fixture
def edited(foreign, tmp_path):
    """A copy of the WordPiece tokenizer, changed."""

    def _edited(change, name="tokenizer.json"):
        content = json.loads((foreign / "wordpiece.json").read_text("utf-8"))
        change(content)
        return write(tmp_path / name, json.dumps(content, ensure_ascii=False))

    return _edited


def check_loads(out, backend):
    """Every loader gives what ``backend`` gives, on texts and a pair."""
    for loader in (transformers.AutoTokenizer, transformers.PreTrainedTokenizerFast):
        theirs = loader.from_pretrained(str(out), local_files_only=True)
        assert theirs(list(HARD))["input_ids"] == [backend.encode(text).ids for text in HARD]
        assert theirs("one", "two")["input_ids"] == backend.encode("one", "two").ids
    return theirs


def test_wrap_of_a_foreign_wordpiece(foreign, tmp_path):
    result = tokkit.wrap(foreign / "wordpiece.json", tmp_path / "out", max_length=32)
    loaded = check_loads(tmp_path / "out", Tokenizer.from_file(str(foreign / "wordpiece.json")))
    roles = ("pad", "unk", "cls", "sep", "mask")
    assert dict(result.special) == dict(zip(roles, BERT_TOKENS, strict=True))
    assert [getattr(loaded, f"{role}_token") for role in roles] == BERT_TOKENS
    assert loaded.model_max_length == 32
    assert len(loaded("word " * 99, truncation=True)["input_ids"]) == 32
    assert loaded("a b", "c")["token_type_ids"][-1] == 1
    assert len(loaded(["a", "b c d"], padding=True)["input_ids"][0]) == 5
    assert result.as_dict()["class_rebuild"] == {"found": None, "mended": False}
    assert result.proven_on > 20


def test_wrap_of_a_byte_level_bpe_names_what_is_asked(foreign, tmp_path):
    heard = Heard()
    result = tokkit.wrap(foreign / "bytes.json", tmp_path / "out", pad_token="<pad>", progress=heard)
    loaded = check_loads(tmp_path / "out", Tokenizer.from_file(str(foreign / "bytes.json")))
    assert (loaded.pad_token, loaded.bos_token) == ("<pad>", "<|endoftext|>")
    assert result.input_names == ("input_ids", "attention_mask")
    assert "inferred from their names: bos <|endoftext|>, eos <|endoftext|>" in heard
    assert "unknown maximum length" in heard


@pytest.mark.parametrize("cls", ["BertTokenizerFast", "BertTokenizer", "RobertaTokenizerFast", None])
def test_wrap_finds_and_mends_the_class_rebuild_trap(foreign, tmp_path, cls):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(foreign / "wordpiece.json", source / "tokenizer.json")
    backend = Tokenizer.from_file(str(source / "tokenizer.json"))
    if cls is None:
        write(source / "config.json", '{"model_type": "bert"}')
    else:
        write(source / "tokenizer_config.json", json.dumps({"tokenizer_class": cls, "unk_token": "[UNK]"}))
    assert rebuild_difference(source, backend)
    heard = Heard()
    result = tokkit.wrap(source, tmp_path / "out", progress=heard)
    assert result.class_rebuild
    assert "; fixed: " in heard
    assert rebuild_difference(tmp_path / "out", backend) is None
    check_loads(tmp_path / "out", backend)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
def test_wrap_is_what_a_pipeline_reads_beside_any_model(foreign, tmp_path, kind, monkeypatch):
    tokkit.wrap(foreign / "wordpiece.json", tmp_path / "out", max_length=32, token_type_ids="no")
    backend = Tokenizer.from_file(str(foreign / "wordpiece.json"))
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    if kind == "distilbert":
        sizes = {"dim": 16, "n_layers": 1, "n_heads": 1, "hidden_dim": 16}
    sizes |= {"vocab_size": backend.get_vocab_size(), "max_position_embeddings": 64}
    config = transformers.AutoConfig.for_model(kind, **sizes)
    transformers.AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path / "out")
    classify = transformers.pipeline("text-classification", model=str(tmp_path / "out"), device=-1)
    text = "Übergrößenträger 나는 학교에 갔다, it's fine"
    assert classify.tokenizer(text)["input_ids"] == backend.encode(text).ids
    assert 0 <= classify(text)[0]["score"] <= 1


def test_wrap_of_older_files(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    write(folder / "vocab.txt", "\n".join([*BERT_TOKENS, "the", "day", "##s", "a"]) + "\n")
    write(folder / "tokenizer_config.json", json.dumps({"tokenizer_class": "BertTokenizer"}))
    result = tokkit.wrap(folder, tmp_path / "out")
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    assert loaded.tokenize("The days") == ["the", "day", "##s"]
    assert result.vocab_size == 9


def test_wrap_mends_ids_of_a_template_that_belong_to_other_tokens(edited, tmp_path):
    def swap(content):
        content["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [3]

    heard = Heard()
    tokkit.wrap(edited(swap), tmp_path / "out", progress=heard)
    assert "repaired: each token has its own id" in heard
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    assert loaded("a")["input_ids"][0] == 2


def test_wrap_registers_a_role_token_that_was_like_others(edited, tmp_path):
    heard = Heard()
    source = edited(lambda content: content["added_tokens"].pop())
    assert Tokenizer.from_file(str(source)).encode("a[MASK]b").ids.count(4) == 0
    tokkit.wrap(source, tmp_path / "out", progress=heard)
    assert '"[MASK]" was an ordinary token' in heard
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    assert 4 in loaded("a[MASK]b")["input_ids"]


def test_wrap_keeps_how_a_mask_eats_the_space_before_it(edited, tmp_path):
    source = edited(lambda content: content["added_tokens"][4].update(lstrip=True))
    tokkit.wrap(source, tmp_path / "out")
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    backend = Tokenizer.from_file(str(source))
    assert loaded("a [MASK] b")["input_ids"] == backend.encode("a [MASK] b").ids
    added = json.loads((tmp_path / "out" / "tokenizer.json").read_text("utf-8"))["added_tokens"]
    assert [token["lstrip"] for token in added] == [False, False, False, False, True]


def test_wrap_leaves_out_stored_truncation_and_padding(edited, tmp_path):
    def store(content):
        content["truncation"] = {
            **{"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
        }
        content["padding"] = {
            **{"strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0},
            **{"pad_type_id": 0, "pad_token": "[PAD]"},
        }

    heard = Heard()
    result = tokkit.wrap(edited(store), tmp_path / "out", progress=heard)
    assert "dropped the truncation stored in it" in heard
    assert "dropped the padding stored in it" in heard
    assert result.max_length == 4
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    assert len(loaded("word " * 9)["input_ids"]) > 10


def test_wrap_takes_another_template(foreign, tmp_path):
    template = "template:single=$A [SEP],pair=$A [SEP] $B [SEP]"
    result = tokkit.wrap(foreign / "wordpiece.json", tmp_path / "out", post_processor=[template])
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    assert loaded("a")["input_ids"][-1] == 3
    assert loaded("a")["input_ids"][0] != 2
    assert result.input_names == ("input_ids", "attention_mask")


def test_wrap_says_where_a_configuration_contradicts(foreign, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(foreign / "wordpiece.json", source / "tokenizer.json")
    write(source / "tokenizer_config.json", json.dumps({"pad_token": "[SEP]"}))
    heard = Heard()
    result = tokkit.wrap(source, tmp_path / "out", pad_token="[PAD]", progress=heard)
    assert 'the configuration names "[SEP]" as pad token; using "[PAD]"' in heard
    assert result.special["pad"] == "[PAD]"


@pytest.mark.parametrize(
    "settings", [{"tokenizer_object": 5}, {"auto_map": 5}, {"unk_token": {"content": "[UNK]", "x": 1}}]
)
def test_wrap_names_settings_with_which_transformers_fails(foreign, tmp_path, settings):
    shutil.copy(foreign / "wordpiece.json", tmp_path / "tokenizer.json")
    write(tmp_path / "tokenizer_config.json", json.dumps(settings))
    with pytest.raises(InputError, match=r"cannot load it with the settings in its tokenizer_config\.json: "):
        tokkit.wrap(tmp_path / "tokenizer.json", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wrap_takes_the_unknown_token_of_the_model_before_that_of_a_configuration(foreign, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(foreign / "wordpiece.json", source / "tokenizer.json")
    write(source / "tokenizer_config.json", json.dumps({"unk_token": "[PAD]"}))
    heard = Heard()
    assert tokkit.wrap(source, tmp_path / "out", progress=heard).special["unk"] == "[UNK]"
    assert 'the configuration names "[PAD]" as unk token; using "[UNK]", as the model says' in heard


def test_wrap_takes_the_most_usual_of_several_names(tmp_path):
    names = ["<mask>", "<pad>", "[PAD]", "[MASK]", "<|endoftext|>", "<s>", "</s>", "[EOS]"]
    vocabulary = {token: i for i, token in enumerate(["[UNK]", *names, "a"])}
    Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    special = tokkit.wrap(tmp_path / "tokenizer.json", tmp_path / "out").special
    roles = {"unk": "[UNK]", "pad": "[PAD]", "mask": "[MASK]", "bos": "<s>", "eos": "[EOS]"}
    assert dict(special) == roles


@pytest.mark.parametrize(
    ("single", "roles"),
    [
        ("<lang> [CLS] $A [SEP] <end>", {"cls": "[CLS]", "sep": "[SEP]"}),
        ("<lang> <begin> $A", {"bos": "<begin>"}),
        ("$A <end> <lang>", {"eos": "<end>"}),
    ],
)
def test_wrap_takes_the_tokens_next_to_the_text_from_a_template(tmp_path, single, roles):
    names = ["<lang>", "<begin>", "<end>", "[CLS]", "[SEP]"]
    vocabulary = {token: i for i, token in enumerate(["[UNK]", *names, "a"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[(name, vocabulary[name]) for name in names]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    heard = Heard()
    special = tokkit.wrap(tmp_path / "tokenizer.json", tmp_path / "out", progress=heard).special
    assert {role: special[role] for role in roles} == roles
    assert f"inferred from its template: {', '.join(' '.join(item) for item in roles.items())}" in heard


def test_wrap_takes_further_samples(foreign, tmp_path):
    write(tmp_path / "lines.txt", "one line\nanother\n\n")
    without = tokkit.wrap(foreign / "wordpiece.json", tmp_path / "a")
    write(tmp_path / "rows.csv", "text,label\nfour words are here,a\nand five words are here,b\n")
    with_lines = tokkit.wrap(
        foreign / "wordpiece.json",
        tmp_path / "b",
        check=str(tmp_path / "rows.csv"),
        sample=str(tmp_path / "lines.txt"),
    )
    assert with_lines.proven_on == without.proven_on + 5


@pytest.mark.long
def test_wrap_counts_texts_of_equally_likely_segmentations(tmp_path):
    """Runs of points and letters: SentencePiece's own ids are the reference for every line."""
    import sentencepiece

    lines = cut("korean", 60_000).splitlines()
    runs = [f"{line} {'.' * (n % 23)}{'ㅋ' * (n % 19)} {'!' * (n % 17)}" for n, line in enumerate(lines)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(runs),
        model_prefix=str(tmp_path / "runs"),
        vocab_size=1_000,
        minloglevel=2,
        num_threads=1,
        hard_vocab_limit=False,
    )
    heard = Heard()
    tokkit.wrap(trained("unigram"), tmp_path / "without", progress=heard)
    assert "--check CORPUS counts yours" in heard
    corpus, heard = write(tmp_path / "runs.txt", "\n".join(runs) + "\n"), Heard()
    result = tokkit.wrap(tmp_path / "runs.model", tmp_path / "out", check=str(corpus), progress=heard)
    written = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    package = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "runs.model"))
    ours = [encoding.ids for encoding in written.encode_batch(runs, add_special_tokens=False)]
    different = sum(ids != expected for ids, expected in zip(ours, package.encode(runs), strict=True))
    assert result.ties == different > 0
    assert f"{different:,} of " in heard
    assert " by SentencePiece, and " in heard


def test_wrap_gives_the_same_bytes_again(foreign, tmp_path):
    for name in ("a", "b"):
        tokkit.wrap(foreign / "wordpiece.json", tmp_path / name)
    assert published(tmp_path / "a") == published(tmp_path / "b")


def test_wrap_of_what_it_wrote_changes_nothing(foreign, tmp_path):
    first = tokkit.wrap(foreign / "wordpiece.json", tmp_path / "a", max_length=9)
    second = tokkit.wrap(tmp_path / "a", tmp_path / "b")
    assert (second.sha256, second.special, second.max_length) == (first.sha256, first.special, 9)
    names = ("tokenizer.json", "tokenizer_config.json")
    assert all((tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names)


def _missing_from_template(content):
    processor = content["post_processor"]
    processor["special_tokens"]["[CLS]"] = {"id": "[CLS]", "ids": [2], "tokens": ["[NONE]"]}


REFUSED = {
    "template names no token": (_missing_from_template, {}, 'its template names "\\[NONE\\]"', "add_tokens("),
    "role without a token": (dict, {"pad_token": "<pad>"}, 'pad_token: names "<pad>"', "add_tokens("),
    "extra without a token": (
        dict,
        {"extra_special_token": "<x>"},
        "extra_special_token: names",
        'special="<x>"',
    ),
    "another unknown token": (
        dict,
        {"unk_token": "[PAD]"},
        'its model knows "\\[UNK\\]"',
        "leave unk_token out",
    ),
    "unknown token missing": (
        lambda content: content["model"].update(unk_token="<none>"),
        {},
        'its unknown token "<none>" is not',
        "(unk_token)",
    ),
    "two tokens of one id": (
        lambda content: content["model"]["vocab"].update(zz=9),
        {},
        "share the id 9",
        "tokkit.doctor(",
    ),
    "panic": (
        lambda content: content.update(pre_tokenizer={"type": "FixedLength", "length": 0}),
        {},
        "fails on the text",
        "",
    ),
    "no model": (lambda content: content.update(model=None), {}, "not a tokenizer that this version", ""),
    "no such block": (dict, {"post_processor": "brt"}, 'no block "brt"', ""),
    "block without a role": (
        lambda content: content.update(post_processor=None),
        {"post_processor": "bert:cls=[CLS],sep=[NONE]"},
        '"\\[NONE\\]" is not a special token',
        "(cls_token, sep_token)",
    ),
    "template without a role": (
        dict,
        {"post_processor": "template:single=<s> $A"},
        '"<s>" is not a special token',
        "",
    ),
    "layout": (dict, {"layout": "fairseq"}, "is not a .model", "leave layout out"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrap_refuses_and_changes_nothing(edited, tmp_path, name):
    change, options, message, hint = REFUSED[name]
    source = edited(change)
    tokkit.wrap(edited(dict, "sound.json"), tmp_path / "out")
    before = published(tmp_path / "out")
    with pytest.raises((InputError, UsageError), match=message) as caught:
        tokkit.wrap(source, tmp_path / "out", force=True, **options)
    assert "\n" not in caught.value.message
    assert hint in (caught.value.hint or "")
    assert published(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "sound.json", "tokenizer.json"]


def test_wrap_refuses_a_configuration_that_names_no_token(foreign, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(foreign / "wordpiece.json", source / "tokenizer.json")
    write(source / "tokenizer_config.json", json.dumps({"mask_token": {"content": "<mask>"}}))
    with pytest.raises(InputError, match='its configuration names as mask token "<mask>"'):
        tokkit.wrap(source, tmp_path / "out")


def test_wrap_never_writes_over_what_it_reads(foreign, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(foreign / "wordpiece.json", source / "tokenizer.json")
    for out in (source, source / "tokenizer.json"):
        with pytest.raises(OutputError):
            tokkit.wrap(source, out, force=True)
    assert [path.name for path in source.iterdir()] == ["tokenizer.json"]


def test_wrap_follows_a_link(foreign, tmp_path):
    (tmp_path / "tok en[1].json").symlink_to(foreign / "bytes.json")
    tokkit.wrap(tmp_path / "tok en[1].json", tmp_path / "out")
    check_loads(tmp_path / "out", Tokenizer.from_file(str(foreign / "bytes.json")))


@pytest.mark.parametrize("kind", ["unigram", "bpe bytes"])
def test_wrap_of_a_sentencepiece_model(tmp_path, kind):
    import sentencepiece

    # Without texts it is verified on all corpora that are shipped, which one of the kinds is enough for.
    checked = {} if kind == "unigram" else {"check": write(tmp_path / "few.txt", cut("korean", 5_000))}
    result = tokkit.wrap(trained(kind), tmp_path / "out", **checked)
    package = sentencepiece.SentencePieceProcessor(model_file=str(trained(kind)))
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    texts = [text for text in HARD if "<s>" not in text]
    assert loaded(texts)["input_ids"] == package.encode(texts)
    assert dict(result.special) == {"bos": "<s>", "eos": "</s>", "unk": "<unk>"}


@pytest.mark.long
def test_wrap_of_a_model_as_kobert_has_it(tmp_path):
    folder = tmp_path / "kobert"
    folder.mkdir()
    shutil.copy(trained("kobert"), folder / "spiece.model")
    tokkit.wrap(folder, tmp_path / "out", post_processor="bert", max_length=512)
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    tokens = loaded.convert_ids_to_tokens(loaded("나는 학교에", "갔다")["input_ids"])
    assert (tokens[0], tokens[-1], tokens.count("[SEP]")) == ("[CLS]", "[SEP]", 2)
    assert (loaded.pad_token_id, loaded.unk_token_id) == (1, 0)
    assert loaded("나는", "갔다")["token_type_ids"][-1] == 1


def test_wrap_of_a_model_as_xlm_roberta_has_it(tmp_path):
    folder = tmp_path / "xlm"
    folder.mkdir()
    shutil.copy(trained("unigram"), folder / "sentencepiece.bpe.model")
    write(folder / "config.json", '{"model_type": "xlm-roberta"}')
    heard = Heard()
    few = write(tmp_path / "few.txt", cut("korean", 5_000))
    result = tokkit.wrap(folder, tmp_path / "out", check=few, progress=heard)
    assert "numbered as fairseq does" in heard
    loaded = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    tokens = loaded.convert_ids_to_tokens(loaded("a", "b")["input_ids"])
    assert [token for token in tokens if token[0] == "<"] == ["<s>", "</s>", "</s>", "</s>"]
    assert (loaded.cls_token, loaded.sep_token, loaded.pad_token_id) == ("<s>", "</s>", 1)
    assert loaded.mask_token_id == result.vocab_size - 1


def test_wrap_refuses_a_folder_of_two_models(tmp_path):
    for name in ("a.model", "b.model"):
        shutil.copy(trained("bpe"), tmp_path / name)
    with pytest.raises(UsageError, match=r"holds 2 models: a\.model, b\.model"):
        tokkit.wrap(tmp_path, tmp_path / "out")


def test_wrap_counts_the_texts_that_sentencepiece_cuts_otherwise(tmp_path):
    """A text that spells the token of a byte is that token here, and five characters there."""
    lines = write(tmp_path / "bytes.txt", "the day\na <0x41> b\n<0x42>\n")
    with pytest.raises(
        InputError, match=r"^2 of [\d,]+ texts get other ids; .*'a <0x41> b' gets .*"
    ) as caught:
        tokkit.wrap(trained("unigram bytes"), tmp_path / "out", check=str(lines))
    assert "by SentencePiece, and " in caught.value.message
    assert "out of check" in caught.value.hint
    assert not (tmp_path / "out").exists()
