"""`suggest_tokens`: what it promises is what the extended tokenizer saves, to the last token."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

import tokkit
from tests.inspection.inspection_tokenizers import saved, word_piece
from tests.tokenizer.tokenizer_texts import cut, write
from tokkit.cli.main import run
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.inspection.suggest import suggest_tokens
from tokkit.inspection.suggestion.cut_words import Model
from tokkit.progress import SILENT
from tokkit.tokenizer.folder.load import load


def with_words(tokenizer, words):
    """A WordPiece with more words in its vocabulary, by hand."""
    from tokenizers import Tokenizer

    content = json.loads(tokenizer.to_str())
    vocabulary = content["model"]["vocab"]
    for word in words:
        vocabulary.setdefault(word, len(vocabulary))
    return Tokenizer.from_str(json.dumps(content))


def tokens_of(tokenizer, lines):
    encodings = tokenizer.encode_batch(lines, add_special_tokens=False)
    return sum(len(encoding.ids) for encoding in encodings), sum(
        encoding.tokens.count("[UNK]") for encoding in encodings
    )


@pytest.mark.parametrize("language", ["english", "korean"])
def test_suggest_tokens_save_in_wordpiece_exactly_what_is_claimed(tmp_path, language):
    text = cut(language, 40_000)
    (tmp_path / "small.txt").write_text(text[:6000], "utf-8")
    (tmp_path / "corpus.txt").write_text(text, "utf-8")
    tokkit.train_wordpiece(tmp_path / "small.txt", tmp_path / "t", recipe="korean", vocab_size=700)
    result = suggest_tokens(tmp_path / "t", tmp_path / "corpus.txt", top=12)
    old = tokkit.tokenizer.folder.load.load(tmp_path / "t").backend
    lines = text.splitlines()
    added: list[str] = []
    for suggestion in result.suggestions:
        before, after = (
            tokens_of(with_words(old, words), lines) for words in (added, [*added, suggestion["token"]])
        )
        assert before[0] - after[0] == suggestion["tokens_saved"], suggestion
        assert before[1] - after[1] == suggestion["unknown_removed"], suggestion
        added.append(suggestion["token"])
    assert len(added) == 12
    assert (result.tokens, result.unknown) == tokens_of(old, lines)
    assert (result.tokens_after, result.unknown_after) == tokens_of(with_words(old, added), lines)
    worth = [suggestion["tokens_saved"] + suggestion["unknown_removed"] for suggestion in result.suggestions]
    assert worth == sorted(worth, reverse=True)


PIECES = ["a", "b", "c", "ab", "##a", "##b", "##c", "##ab", "##bc"]
WORDS = st.text("abcd", min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(WORDS, st.integers(1, 9), min_size=1, max_size=12), st.sets(st.sampled_from(PIECES)))
@example({"d": 2, "aa": 1, "daa": 2}, {"a", "##a"})  # "d" makes "daa" longer, until "daa" is a token itself
def test_suggest_tokens_are_those_that_trying_every_beginning_finds(tmp_path_factory, counted, pieces):
    """The greedy choice by brute force: add every beginning in turn, count, and keep the best."""
    old = word_piece(sorted(pieces))
    here = tmp_path_factory.mktemp("t")
    (here / "corpus.txt").write_text("".join(f"{word}\n" * count for word, count in counted.items()))
    rules = {"top": 4, "min_count": 1, "min_length": 1, "min_words": 1}
    result = suggest_tokens(saved(old, here / "t", unk_token="[UNK]"), here / "corpus.txt", **rules)

    encodings = old.encode_batch(list(counted), add_special_tokens=False)
    beginnings = {
        word[:end] for word, encoding in zip(counted, encodings, strict=True) for _, end in encoding.offsets
    }
    added: list[str] = []
    worth = []
    for suggestion in result.suggestions:
        now = costs(with_words(old, added), counted)
        gains = {}
        for beginning in beginnings - set(added):
            then = costs(with_words(old, [*added, beginning]), counted)
            if all(then[word][1] <= now[word][1] for word in counted):
                gains[beginning] = sum(n * (sum(now[word]) - sum(then[word])) for word, n in counted.items())
        best = max(gains.values())
        assert gains[suggestion["token"]] == best > 0
        worth.append(best)
        added.append(suggestion["token"])
    assert worth == [
        suggestion["tokens_saved"] + suggestion["unknown_removed"] for suggestion in result.suggestions
    ]


def costs(tokenizer, words):
    """Tokens of each word, and unknown ones among them."""
    encodings = tokenizer.encode_batch(list(words), add_special_tokens=False)
    return {
        word: (len(encoding.ids), encoding.tokens.count("[UNK]"))
        for word, encoding in zip(words, encodings, strict=True)
    }


@pytest.mark.parametrize("family", ["bpe", "unigram"])
def test_suggest_tokens_save_in_other_models_about_what_is_claimed(tmp_path, family):
    """BPE joins the steps to a token elsewhere too, so that it saves at least the sum."""
    text = cut("english", 60_000)
    (tmp_path / "small.txt").write_text(text[:6000], "utf-8")
    (tmp_path / "corpus.txt").write_text(text, "utf-8")
    train = {"bpe": tokkit.train_bpe, "unigram": tokkit.train_unigram}[family]
    train(tmp_path / "small.txt", tmp_path / "t", vocab_size=400)
    result = suggest_tokens(tmp_path / "t", tmp_path / "corpus.txt", tmp_path / "tokens.txt", top=20)
    claimed = sum(suggestion["tokens_saved"] for suggestion in result.suggestions)
    saved_in_all = result.tokens - result.tokens_after
    assert claimed <= saved_in_all <= 1.25 * claimed if family == "bpe" else saved_in_all >= 0.7 * claimed
    tokkit.add_tokens(
        tmp_path / "t", out=tmp_path / "more", native=True, tokens_file=str(tmp_path / "tokens.txt")
    )
    more = tokkit.tokenizer.folder.load.load(tmp_path / "more").backend
    assert tokens_of(more, text.splitlines(keepends=True))[0] == result.tokens_after


def test_suggest_tokens_in_bpe_of_two_pieces_saves_exactly_what_is_claimed(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokens = ["c", "o", "v", "i", "d", "s", "t", "co", "vi", "vid"]
    merges = [("c", "o"), ("v", "i"), ("vi", "d")]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    (tmp_path / "corpus.txt").write_text("covid covid covids cot\n" * 5)
    result = suggest_tokens(saved(tokenizer, tmp_path / "t"), tmp_path / "corpus.txt", top=1)
    [suggestion] = result.suggestions
    assert suggestion == {
        "token": "covid",
        "count": 15,
        "pieces_now": ["co", "vid"],
        "tokens_saved": 15,
        "unknown_removed": 0,
        "words": 2,
        "worse": 0,
        "vocabulary": ["covid"],
        "changes": [
            {"word": "covids", "count": 5, "before": ["co", "vid", "s"], "after": ["covid", "s"]},
        ],
    }
    assert result.tokens - result.tokens_after == 15


def test_suggest_tokens_counts_words_that_get_worse(tmp_path):
    """With "abc" added, "abcde" is no longer "ab ##cde": the longest beginning is taken first."""
    pieces = ["ab", "##c", "##cde", "##d", "##e"]
    (tmp_path / "corpus.txt").write_text("abc\n" * 9 + "abcde\n" * 2)
    result = suggest_tokens(
        saved(word_piece(pieces), tmp_path / "t", unk_token="[UNK]"), tmp_path / "corpus.txt", top=1
    )
    [suggestion] = result.suggestions
    assert (suggestion["token"], suggestion["tokens_saved"], suggestion["worse"]) == ("abc", 9 - 2, 2)
    assert suggestion["changes"] == [
        {"word": "abcde", "count": 2, "before": ["ab", "##cde"], "after": ["abc", "##d", "##e"]}
    ]
    assert result.as_dict()["saved_share"] == pytest.approx(7 / 22, abs=1e-6)


@pytest.mark.parametrize(
    ("pieces", "corpus", "shown"),
    [
        (["ab", "##c"], "abc", "9 (50.0% fewer)"),
        ([], "abc", "9 (as many)"),
        (["##d"], "abc abcd", "27 (50.0% more)"),
    ],
)
def test_the_tokens_with_all_suggestions_are_fewer_as_many_or_more(pieces, corpus, shown, tmp_path, capsys):
    (tmp_path / "corpus.txt").write_text(f"{corpus}\n" * 9)
    folder = saved(word_piece(pieces), tmp_path / "t", unk_token="[UNK]")
    assert run(["suggest-tokens", str(folder), str(tmp_path / "corpus.txt"), "--top", "1"]) == 0
    assert f"tokens with all of them\t{shown}\n" in capsys.readouterr().out


def test_suggest_tokens_tells_words_of_bytes_as_they_are_typed(tmp_path):
    (tmp_path / "corpus.txt").write_text("아주 돌다리 돌다리 돌다리는 돌다리를 돌다리의\n" * 5, "utf-8")
    tokkit.train_bpe(tmp_path / "corpus.txt", tmp_path / "t", vocab_size=257)
    [suggestion] = suggest_tokens(tmp_path / "t", tmp_path / "corpus.txt", top=1).suggestions
    assert suggestion["token"] == "돌다리"
    assert sorted(change["word"] for change in suggestion["changes"]) == ["돌다리는", "돌다리를", "돌다리의"]


def test_suggest_tokens_propose_words_alone(tmp_path):
    words = ["---", "12345", "x9", "wörter", "한국어", "e\u0301a", "עברית", "👩\u200d👩"]
    (tmp_path / "corpus.txt").write_text("".join(f"{word}\n" * 9 for word in words), "utf-8")
    pieces = sorted({prefix + letter for word in words for letter in word for prefix in ("", "##")})
    from tokenizers import pre_tokenizers

    tokenizer = word_piece(pieces)
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    folder = saved(tokenizer, tmp_path / "t", unk_token="[UNK]")

    def tokens(**rules):
        result = suggest_tokens(folder, tmp_path / "corpus.txt", whole_words=True, **rules)
        return {suggestion["token"] for suggestion in result.suggestions}

    assert tokens() == {"x9", "wörter", "한국어", "עברית"}
    assert tokens(letters=0) == {"12345", "x9", "wörter", "한국어", "עברית"}
    assert tokens(min_length=5) == {"wörter", "עברית"}
    assert tokens(min_count=10) == set()


def test_suggest_tokens_of_one_beginning_of_many_words(tmp_path):
    (tmp_path / "corpus.txt").write_text("한국은 한국이 한국을 한국에\n" * 3, "utf-8")
    pieces = ["한", "##국", "##은", "##이", "##을", "##에"]
    folder = saved(word_piece(pieces), tmp_path / "t", unk_token="[UNK]")
    first = suggest_tokens(folder, tmp_path / "corpus.txt", top=1).suggestions[0]
    assert (first["token"], first["tokens_saved"], first["words"]) == ("한국", 12, 4)
    assert (
        suggest_tokens(folder, tmp_path / "corpus.txt", whole_words=True).suggestions == []
    )  # 3 are too few
    assert suggest_tokens(folder, tmp_path / "corpus.txt", min_words=5).suggestions == []


def test_suggest_tokens_from_counts_are_those_of_the_corpus(tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(cut("english", 30_000), "utf-8")
    tokkit.train_wordpiece(corpus, tmp_path / "t", vocab_size=500)
    tokkit.count(corpus, tmp_path / "counts")
    direct = suggest_tokens(tmp_path / "t", corpus)
    counted = suggest_tokens(tmp_path / "t", counts=tmp_path / "counts")
    assert counted.suggestions == direct.suggestions
    assert (counted.tokens, counted.tokens_after) == (direct.tokens, direct.tokens_after)
    tokkit.count(corpus, tmp_path / "others", recipe="gpt2")
    with pytest.raises(UsageError, match="splits text in another way"):
        suggest_tokens(tmp_path / "t", counts=tmp_path / "others")
    with pytest.raises(UsageError, match="takes the place of a corpus"):
        suggest_tokens(tmp_path / "t", corpus, counts=tmp_path / "counts")


def test_suggest_tokens_writes_the_same_file_twice_and_never_over_another(tmp_path):
    corpus, out = tmp_path / "corpus.txt", tmp_path / "tokens.txt"
    corpus.write_text("covid covid covid covid covid\n")
    folder = saved(word_piece([*"covid", *(f"##{c}" for c in "ovid")]), tmp_path / "t", unk_token="[UNK]")
    suggest_tokens(folder, corpus, out, threads=1)
    assert out.read_text() == "covid\n"
    first = [out.read_bytes(), receipt(out)]
    with pytest.raises(OutputError):
        suggest_tokens(folder, corpus, out)
    suggest_tokens(folder, corpus, out, force=True, threads=2)
    assert [out.read_bytes(), receipt(out)] == first
    assert [file["name"] for file in first[1]["inputs"]] == ["t", "corpus.txt"]


def receipt(out):
    return json.loads(out.with_name(f"{out.name}.tokkit.json").read_bytes())["result"]


def test_suggest_tokens_refuses_what_it_cannot_read(tmp_path):
    (tmp_path / "corpus.txt").write_text("a b\n")
    with pytest.raises(InputError):
        suggest_tokens(tmp_path / "nowhere", tmp_path / "corpus.txt")
    folder = saved(word_piece(["a"]), tmp_path / "t")
    with pytest.raises(UsageError, match="name a corpus"):
        suggest_tokens(folder)
    with pytest.raises(UsageError, match="--top: 0 is below 1"):
        suggest_tokens(folder, tmp_path / "corpus.txt", top=0, progress=SILENT)


def test_suggest_tokens_command_shows_tables_and_json(tmp_path, capsys):
    (tmp_path / "corpus.txt").write_text("covid\ncovid\ncovidiot\n" * 5)
    folder = saved(word_piece([*"covidt", *(f"##{c}" for c in "ovidt")]), tmp_path / "t", unk_token="[UNK]")
    arguments = ["suggest-tokens", str(folder), str(tmp_path / "corpus.txt"), "-q", "--top", "1"]
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert "covid\t15\tc ##o ##v ##i ##d\t60\n" in printed
    assert "covid\tcovidiot\tc ##o ##v ##i ##d ##i ##o ##t\tcovid ##i ##o ##t\n" in printed
    assert run([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["command"], result["suggestions"][0]["tokens_saved"]) == ("suggest-tokens", 60)
    assert run(["suggest-tokens", str(folder), "nowhere.txt"]) == 3


@pytest.mark.parametrize("longest", [100, 12])
def test_suggest_tokens_and_doctor_count_words_that_are_too_long_alike(tmp_path, longest):
    """A word of more characters than the model takes is one unknown token, in whatever script."""
    long = ["ㅋ" * 101, "ab" * 50, "x" * 101, "e\u0301" * 60, "\U0001f602" * 101, "Donaudampfschifffahrt"]
    lines = [*cut("english", 9_000).splitlines(), *(f"the {word} day" for word in long for _ in range(5))]
    text = write(tmp_path / "corpus.txt", "\n".join(lines) + "\n")
    tokkit.train_wordpiece(
        text, tmp_path / "old", vocab_size=400, recipe="bert-cased", max_word_characters=longest
    )
    result = tokkit.suggest_tokens(tmp_path / "old", text, min_count=2)
    measured = tokkit.doctor(tmp_path / "old", data=text).measured
    backend = tokkit.tokenizer.folder.load.load(tmp_path / "old").backend
    assert (result.tokens, result.unknown) == tokens_of(backend, lines)
    assert result.tokens == measured["tokens"]
    assert round(result.unknown / result.tokens, 6) == measured["unknown_rate"]
    assert result.unknown_after >= 5 * sum(len(word) > longest for word in long if word.isalpha())


@pytest.mark.parametrize("prefix", ["##", ""])
def test_wordpieces_after_a_new_token_are_the_longest_that_fit(prefix, tmp_path):
    pieces = [*(f"{prefix}{piece}" for piece in ("cdefghijkl", "cdefghijk", "cd", "l", "x")), "x", "xc"]
    folder = saved(word_piece(pieces, continuing_subword_prefix=prefix), tmp_path / "t")
    model = Model.of(load(folder))
    assert model.tokens_after("xxcdefghijkl", "xx") == ["xx", f"{prefix}cdefghijkl"]
    assert model.tokens_after("xxcdefghijkll", "xx") == ["xx", f"{prefix}cdefghijkl", f"{prefix}l"]
    assert model.tokens_after("xxcdz", "xx") == ["xx"]


def test_tokens_of_bpe_after_a_new_token_are_all_that_begin_behind_it(tmp_path):
    tokens = {token: i for i, token in enumerate(["x", "c", "d", "cd"])}
    folder = saved(Tokenizer(models.BPE(tokens, [("c", "d")])), tmp_path / "t")
    model = Model.of(load(folder))
    assert model.tokens_after("xxcdd", "xx") == ["xx", "cd", "d"]
