"""`tokenize` shows what happens: its last stage is what `encode` gives, for every pipeline and hard text."""

from __future__ import annotations

import functools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from tokenizer_others import OLD
from tokenizer_texts import HARD, HARD_LINES, cut, write
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

import tokkit
from tokkit.cli.main import run
from tokkit.errors import InputError, UsageError
from tokkit.tokenizer.blocks.recipes import RECIPES
from tokkit.tokenizer.folder.load import load
from tokkit.tokenizer.probes import add_probes
from tokkit.views.reports import tokenize as reports
from tokkit.views.tables import as_tsv
from tokkit.views.terminal import as_text

WITH_TOKENS = (*HARD, "a <mask>  b [CLS] plainword", "<|end|>x PlainWord", " <s> </s>", "[MASK][MASK]")


def strange():
    """Added tokens of every kind: normalized, single words, ones that take spaces; steps in sequences."""
    vocabulary = {"[UNK]": 0, "a": 1, "b": 2, "é": 3, "[CLS]": 4, "[SEP]": 5}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Sequence([normalizers.NFC(), normalizers.Strip()]),
            normalizers.Lowercase(),
            normalizers.Replace("x", "a b"),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Sequence([pre_tokenizers.Punctuation()])]
    )
    tokenizer.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", AddedToken("[MASK]", lstrip=True)])
    tokenizer.add_tokens([AddedToken("PlainWord", normalized=True), AddedToken("<mask>", rstrip=True)])
    tokenizer.add_tokens([AddedToken("b", single_word=True), AddedToken("plain x", normalized=True)])
    frame = [("[CLS]", 4), ("[SEP]", 5)]
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(),
            processors.TemplateProcessing("[CLS] $A", "[CLS] $A [SEP]:1 $B:1", frame),
        ]
    )
    return tokenizer


def bare():
    """Nothing but a model, which leaves out what it does not know."""
    return Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]))


def unigram():
    return Tokenizer(models.Unigram([("<x>", 0.0), ("a", -1.0), ("b", -1.5), ("ab", -2.0)], unk_id=0))


OTHERS = {**OLD, "strange": strange, "bare": bare, "unigram": unigram}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A tokenizer folder by the name of a recipe or of another's pipeline, made when first asked for."""
    home = tmp_path_factory.mktemp("tokenize")
    corpus = write(home / "c.txt", cut("korean", 8_000) + cut("english", 8_000) + HARD_LINES)

    @functools.cache
    def of(name):
        if name in OTHERS:
            (home / name).mkdir()
            OTHERS[name]().save(str(home / name / "tokenizer.json"))
        else:
            train = tokkit.train_wordpiece if RECIPES[name].decoders == ("wordpiece",) else tokkit.train_bpe
            train(corpus, home / name, recipe=name, vocab_size=900)
        return home / name

    return of


@pytest.mark.parametrize("name", [*RECIPES, *OTHERS])
class TestEveryTokenizer:
    @pytest.mark.parametrize("special", [True, False])
    @pytest.mark.parametrize("pair", [None, "and its <mask> pair, 한국"])
    def test_tells_what_the_library_gives(self, folders, name, pair, special):
        backend = load(folders(name)).backend
        tokenized = tokkit.tokenize(folders(name), WITH_TOKENS, pair=pair, special=special).texts
        for text, result in zip(WITH_TOKENS, tokenized, strict=True):
            encoding = backend.encode(text, pair, add_special_tokens=special)
            assert (result.tokens, result.ids) == (encoding.tokens, encoding.ids)
            assert (result.offsets, result.words) == (encoding.offsets, encoding.word_ids)
            assert result.decoded == backend.decode(encoding.ids)
            if result.stages[-1].stage == "post_processor":
                assert (result.stages[-1].pieces, result.stages[-1].offsets) == (
                    result.tokens,
                    result.offsets,
                )

    def test_its_stages_follow_from_each_other(self, folders, name):
        """Each member of the pipeline by itself, on what the member before it left."""
        backend = load(folders(name)).backend
        for result in tokkit.tokenize(folders(name), HARD).texts:
            stages = [stage for stage in result.stages if stage.stage != "added_tokens"]
            if len(stages) < len(result.stages):
                continue  # what is cut out first, the library's parts know nothing of
            text = result.text
            if backend.normalizer is not None:
                text = backend.normalizer.normalize_str(text)
                assert [stage.pieces for stage in stages if stage.stage == "normalizer"][-1] in ([text], [])
            if backend.pre_tokenizer is not None:
                pieces = [piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str(text)]
                last = [stage.pieces for stage in stages if stage.stage == "pre_tokenizer"][-1]
                assert [piece for piece in last if piece] == [piece for piece in pieces if piece]
            model = next(stage for stage in stages if stage.stage == "model")
            given = last if backend.pre_tokenizer is not None else [text]
            model_pieces = [token.value for piece in given for token in backend.model.tokenize(piece)]
            assert model.pieces == model_pieces

    def test_does_the_same_for_random_text(self, folders, name):
        backend = load(folders(name)).backend
        probes = add_probes(backend)

        @settings(max_examples=40, deadline=None)
        @given(st.lists(st.one_of(st.text(), st.sampled_from(WITH_TOKENS))).map("".join))
        def check(text):
            encoding = probes.trace(text).encoding
            for processed in probes.post_process(encoding, special=True):
                encoding = processed
            assert (encoding.ids, encoding.offsets) == (
                backend.encode(text).ids,
                backend.encode(text).offsets,
            )

        check()


def tokenized(folder, text, **settings):
    return tokkit.tokenize(folder, text, **settings).texts[0]


def stages(result):
    return [(stage.stage, stage.block, list(stage.pieces)) for stage in result.stages]


def test_tokenize_shows_every_stage_by_name(folders):
    result = tokenized(folders("strange"), "A [MASK] PlainWord x!")
    assert stages(result) == [
        ("added_tokens", "", [" [MASK]", "plainword", "b"]),
        ("normalizer", "nfc", ["A", " PlainWord x!"]),
        ("normalizer", "strip", ["A", "PlainWord x!"]),
        ("normalizer", "lowercase", ["a", "plainword x!"]),
        ("normalizer", "replace", ["a", "plainword a b!"]),
        ("pre_tokenizer", "whitespace-split", ["a", " [MASK]", "plainword", "a", "b", "!"]),
        ("pre_tokenizer", "punctuation", ["a", " [MASK]", "plainword", "a", "b", "!"]),
        ("model", "WordLevel", ["a", " [MASK]", "plainword", "a", "b", "[UNK]"]),
        ("post_processor", "byte-level", ["a", " [MASK]", "plainword", "a", "b", "[UNK]"]),
        ("post_processor", "template", ["[CLS]", "a", " [MASK]", "plainword", "a", "b", "[UNK]"]),
    ]
    assert [result.tokens[position] for position in result.unknown] == ["[UNK]"]
    assert [result.tokens[position] for position in result.special] == ["[CLS]"]


def test_tokenize_offsets_are_of_the_original_text(folders):
    result = tokenized(folders("korean"), "Über 한글 👩‍👩‍👧", pair="zwei")
    given = (result.text, result.pair)
    words = {}
    for (start, end), word, of in zip(result.offsets, result.words, result.sequences, strict=True):
        if word is not None:
            words[of, word] = words.get((of, word), "") + given[of][start:end]
    assert words[0, 0] == "Über"
    assert words[0, 1] == "한글"
    assert words[1, 0] == "zwei"


def test_tokenize_knows_the_unknown_token_of_every_family(folders):
    assert tokenized(folders("unigram"), "aßb").unknown == [1]
    assert tokenized(folders("bare"), "aßb").unknown == []
    assert tokenized(folders("korean"), "\ue000 a").unknown == [1]


def test_tokenize_tells_what_a_model_leaves_out(folders):
    assert tokenized(folders("bare"), "aßb").lost == ["aßb"]
    assert tokenized(folders("bare"), "abab").lost == []
    assert tokenized(folders("gpt2"), "aßb \x00").lost == []
    rendered = as_tsv(reports.tokenize(tokkit.tokenize(folders("bare"), "aßb").as_dict()))
    assert "no token for all of\taßb" in rendered


class Heard(list):
    """A progress that keeps what is said."""

    def say(self, message):
        self.append(message)

    start = advance = finish = lambda self, *args, **totals: None
    cancelled = lambda self: False  # noqa: E731


def test_tokenize_does_not_cut_pad_or_leave_to_chance_and_says_so(tmp_path):
    tokenizer = bare()
    tokenizer.model.dropout = 0.9
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=9)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    said = Heard()
    result = tokkit.tokenize(tmp_path, ["ab" * 20], progress=said).texts[0]
    assert result.tokens == ["ab"] * 20
    assert result.stages[-1].pieces == result.tokens
    assert [sentence.partition(": ")[2] for sentence in said] == [
        "sets truncation at 2 tokens; not applied here",
        "sets padding; not applied here",
        "skips merges at random (dropout 0.9); not applied here",
    ]


@pytest.mark.parametrize("text", ["\udcff", "a\ud800"])
def test_tokenize_refuses_what_is_no_text(folders, text):
    with pytest.raises(UsageError, match="is not UTF-8"):
        tokkit.tokenize(folders("bare"), text)


def test_tokenize_says_on_which_text_a_tokenizer_fails(tmp_path):
    Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).save(str(tmp_path / "tokenizer.json"))
    content = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    content["model"] = {"type": "Unigram", "unk_id": None, "vocab": [["a", -1.0]]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    assert tokenized(tmp_path, "aa").tokens == ["a", "a"]
    with pytest.raises(InputError, match="the tokenizer fails on 'aßa'"):
        tokkit.tokenize(tmp_path, "aßa")


@pytest.mark.parametrize("width", [40, 80])
def test_tokenize_tables_fit_and_mark_the_unknown(folders, width):
    result = tokkit.tokenize(folders("korean"), ["the king \ue000 met 한국"]).as_dict()
    plain, colored = (as_text(reports.tokenize(result), width, color) for color in (False, True))
    assert max(map(cell_len, plain.splitlines())) <= width
    assert any(line.lstrip().startswith("? [UNK]") or "?   [UNK]" in line for line in plain.splitlines())
    assert "\x1b[1;37;41m[UNK]" in colored
    assert "\x1b[30;106mthe" in colored or "\x1b[30;103mthe" in colored


def test_tokenize_escapes_control_characters(folders):
    rendered = as_text(reports.tokenize(tokkit.tokenize(folders("gpt2"), "a\x1b[31mb\t").as_dict()), 80, True)
    assert "\x1b[31m" not in rendered
    assert "\\x1b" in rendered


def test_tokenize_command_gives_json_and_lines_of_standard_input(folders, tmp_path, capsys, monkeypatch):
    lines = write(tmp_path / "lines", "the king\r\n\n - \n한국")
    with lines.open(encoding="utf-8") as given:
        monkeypatch.setattr("sys.stdin", given)
        assert run(["tokenize", str(folders("bert-cased")), "--json", "--no-special", "-q"]) == 0
    texts = json.loads(capsys.readouterr().out)["texts"]
    assert [text["text"] for text in texts] == ["the king", "", " - ", "한국"]
    assert {"text", "tokens", "ids", "offsets", "unknown"} <= set(texts[0])
    backend = load(folders("bert-cased")).backend
    assert [text["ids"] for text in texts] == [
        backend.encode(text["text"], add_special_tokens=False).ids for text in texts
    ]


def token_lines(folder, capsys, *arguments):
    assert run(["tokenize", str(folder), *arguments, "-q"]) == 0
    heading, *lines = capsys.readouterr().out.split("special (+)\n")[1].splitlines()
    return heading.split("\t"), [line.split("\t") for line in lines]


def test_tokenize_command_prints_a_line_a_token(folders, capsys):
    heading, lines = token_lines(folders("roberta"), capsys, "a b")
    assert heading == ["", "token", "id", "at", "text", "word"]
    assert [line[1] for line in lines] == ["<s>", "a", "Ġb", "</s>"]


@pytest.mark.parametrize(("name", "second"), [("korean", "1"), ("roberta", "0")])
def test_tokenize_command_prints_the_segments_of_a_pair(folders, capsys, name, second):
    heading, lines = token_lines(folders(name), capsys, "왕 a", "--pair", "b")
    assert heading[3:5] == ["of", "segment"]
    of, segments = [line[3] for line in lines], [line[4] for line in lines]
    encoding = load(folders(name)).backend.encode("왕 a", "b")
    names = {None: "template", 0: "text", 1: "pair"}
    assert of == [names[sequence] for sequence in encoding.sequence_ids]
    assert segments == list(map(str, encoding.type_ids))
    assert segments[-1] == second
