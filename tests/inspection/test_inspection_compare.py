"""`compare`: every figure counted again in plain Python over `tokenizers`' own encodings."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import tokkit
from tests.inspection.inspection_tokenizers import saved, word_piece
from tests.tokenizer.tokenizer_texts import HARD, cut
from tokkit.cli.main import run
from tokkit.errors import InputError, UsageError
from tokkit.inspection.compare import compare
from tokkit.tokenizer.folder.load import load

TEXTS = [text for text in HARD if text] + [
    "don't panic",
    "한국어 한국어 문장",
    "don't panic",
    "aaa bbb " * 200,
]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """One of each family, trained on little."""
    folder = tmp_path_factory.mktemp("tokenizers")
    corpus = folder / "corpus.txt"
    corpus.write_text(cut("english", 20_000) + cut("korean", 20_000), "utf-8")
    tokkit.train_wordpiece(corpus, folder / "wordpiece", vocab_size=1500)
    tokkit.train_bpe(corpus, folder / "bpe", vocab_size=1500)
    tokkit.train_unigram(corpus, folder / "unigram", vocab_size=800, recipe="llama")
    return {name: str(folder / name) for name in ("wordpiece", "bpe", "unigram")}


@pytest.fixture
def data(write):
    rows = [{"text": text, "label": "xyz"[i % 3]} for i, text in enumerate(TEXTS)]
    return write("data.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def counted(folder, texts):
    """The figures of the rows in plain Python."""
    tokenizer = load(folder)
    unknown = tokenizer.id_of("unk")
    plain = [tokenizer.backend.encode(text, add_special_tokens=False) for text in texts]
    framed = [tokenizer.backend.encode(text) for text in texts]
    words = [word for text in texts for word in text.split()]
    pieces = {
        word: covering(tokenizer.backend.encode(f" {word}", add_special_tokens=False)) for word in words
    }
    tokens = sum(len(encoding.ids) for encoding in plain)
    return {
        "tokens": tokens,
        "words": len(words),
        "fertility": tokens / len(words),
        "bytes_per_token": sum(len(text.encode()) for text in texts) / tokens,
        "characters_per_token": sum(map(len, texts)) / tokens,
        "continued_words": sum(len(pieces[word]) >= 2 for word in words) / len(words),
        "unknown_rate": sum(encoding.ids.count(unknown) for encoding in plain) / tokens,
        "unknown_words": sum(unknown in pieces[word] for word in words) / len(words),
        "unknown_rows": sum(unknown in encoding.ids for encoding in plain) / len(texts),
        "truncated": {
            str(n): sum(len(encoding.ids) > n for encoding in framed) / len(texts)
            for n in sorted({128, 256, 512, tokenizer.max_length})
        },
        "vocabulary_used": len({i for encoding in plain for i in encoding.ids}) / tokenizer.vocab_size,
    }


def covering(encoding):
    """The ids of the tokens that hold some of the word after the space at 0."""
    ids = [i for i, (start, end) in zip(encoding.ids, encoding.offsets, strict=True) if end > 1]
    return ids or encoding.ids


@pytest.mark.parametrize("family", ["wordpiece", "bpe", "unigram"])
def test_compare_is_what_plain_python_counts(tokenizers, data, family):
    measures = compare(tokenizers[family], data, resamples=20).tokenizers[tokenizers[family]]
    for name, value in counted(tokenizers[family], TEXTS).items():
        assert measures[name] == pytest.approx(value, abs=1e-6), name
    for label in "xyz":
        texts = [text for i, text in enumerate(TEXTS) if "xyz"[i % 3] == label]
        expected = counted(tokenizers[family], texts)
        del expected["vocabulary_used"]
        for name, value in expected.items():
            assert measures["classes"][label][name] == pytest.approx(value, abs=1e-6), (label, name)


def test_compare_counts_special_tokens_in_truncation_alone(write, tmp_path):
    folder = saved(word_piece(["a", "b"]), tmp_path / "t", model_max_length=3)
    path = write("a.txt", "a\na b\n")
    measures = compare(folder, path).tokenizers[str(folder)]
    assert measures["tokens"] == 3
    assert measures["truncated"] == {"3": 0.5, "128": 0, "256": 0, "512": 0}
    assert measures["vocabulary_used"] == 0.4


def test_compare_words_are_cut_as_after_a_space(write, tmp_path):
    """A byte-level tokenizer that knows " low", not "low", keeps the word whole; a lone space is no piece."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, "lo", "Ġlo", "Ġlow", "hi"]
    merges = [("l", "o"), ("Ġ", "lo"), ("Ġlo", "w"), ("h", "i")]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    folder = saved(tokenizer, tmp_path / "t")
    measures = compare(folder, write("a.txt", "low low hi\n"), frequent_words=2).tokenizers[str(folder)]
    assert measures["tokens"] == 2 + 1 + 2  # lo w | Ġlow | Ġ hi
    assert measures["continued_words"] == 0
    assert measures["frequent_words_whole"] == 1


@pytest.mark.parametrize(("frequent_words", "share"), [(1, 1.0), (2, 0.5), (9, 0.3333)])
def test_compare_looks_at_so_many_frequent_words(write, tmp_path, frequent_words, share):
    folder = saved(word_piece(["a", "b", "##c"]), tmp_path / "t")
    path = write("a.txt", "a a a bc bc bcc\n")
    measures = compare(folder, path, frequent_words=frequent_words).tokenizers[str(folder)]
    assert measures["frequent_words_whole"] == pytest.approx(share, abs=1e-4)


def test_compare_round_trip_tells_lost_from_normalized(write, tmp_path):
    folder = saved(word_piece(["a", "b", "##b"]), tmp_path / "t")
    measures = compare(folder, write("a.txt", "a\nA\na  b\nz\n")).tokenizers[str(folder)]
    # "A" comes back in lower case, "a  b" with one space, "z" not at all; without a decoder "ab" is "a ##b"
    assert measures["round_trip"] == {"exact": 0.25, "normalized": 0.5, "without_spaces": 0.75}


def test_compare_groups_of_parallel_text_have_parity_and_gini(write, tmp_path):
    folder = saved(word_piece(["a", "b"]), tmp_path / "t")
    rows = "text,lang\na,en\na b,en\na b a,xx\na b a,xx\n"
    measures = compare(folder, write("a.csv", rows), by="lang").tokenizers[str(folder)]
    assert measures["parity"] == {"en": 1, "xx": 2}
    assert measures["gini"] == pytest.approx(1 / 6, abs=1e-6)
    assert {label: group["tokens"] for label, group in measures["groups"].items()} == {"en": 3, "xx": 6}
    uneven = compare(folder, write("b.csv", rows + "a,en\n"), by="lang").tokenizers[str(folder)]
    assert (uneven["parity"], uneven["gini"]) == (None, None)


def test_compare_claims_only_what_is_no_chance(write, tmp_path):
    fewer = saved(word_piece(["ab", "a", "##b"]), tmp_path / "few")
    many = saved(word_piece(["a", "##b"]), tmp_path / "many")
    same = saved(word_piece(["ab", "a", "##b", "c"]), tmp_path / "same")
    path = write("a.txt", "".join(f"ab {'ab ' * (i % 5)}\n" for i in range(40)))
    result = compare([fewer, many], path)
    assert result.fewest == {"tokens": str(fewer), "continued_words": str(fewer), "unknown_words": None}
    [tokens] = [comparison for comparison in result.comparisons if comparison["claim"] == "tokens"]
    assert (tokens["difference"], tokens["relative"]) == (-120, -0.5)
    assert tokens["interval"] == [-0.5, -0.5]
    assert tokens["p_value"] < tokens["p_value_holm"] < 0.001
    assert set(compare([fewer, same], path).fewest.values()) == {None}
    assert compare([fewer, many, same], path).fewest["tokens"] is None  # two are the fewest


def test_compare_does_not_praise_a_tokenizer_that_loses_words(write, tmp_path):
    lossy = saved(word_piece(["a"]), tmp_path / "lossy", unk_token="[UNK]")
    whole = saved(word_piece(["a", "##b"]), tmp_path / "whole", unk_token="[UNK]")
    result = compare([lossy, whole], write("a.txt", "ab abb\n" * 40))
    assert result.tokenizers[str(lossy)]["tokens"] < result.tokenizers[str(whole)]["tokens"]
    assert result.fewest == {"tokens": None, "continued_words": None, "unknown_words": str(whole)}


def test_compare_same_command_same_result(tokenizers, data):
    names = list(tokenizers.values())
    assert compare(names, data).as_dict() == compare(names, data).as_dict()
    result = compare(names, data).as_dict()
    assert json.loads(json.dumps(result)) == result
    assert len(result["comparisons"]) == 9


def test_compare_intervals_hold_the_figure_and_can_be_left_out(tokenizers, data):
    name = tokenizers["bpe"]
    measures = compare(name, data).tokenizers[name]
    for metric, bounds in measures["intervals"].items():
        assert bounds[0] <= measures[metric] <= bounds[1], metric
    assert compare(name, data, resamples=0).tokenizers[name]["intervals"] == {}


def test_compare_reads_the_split_asked_for_and_leaves_rows_without_text_out(write, tmp_path):
    folder = saved(word_piece(["a"]), tmp_path / "t")
    write("d/train.csv", "text,label\na,x\n,x\na,\n")
    write("d/test.csv", "text,label\na,y\n")
    result = compare(folder, tmp_path / "d")
    assert (result.rows, result.left_out) == (3, 1)
    assert Counter({k: v["rows"] for k, v in result.tokenizers[str(folder)]["classes"].items()}) == {
        "x": 1,
        "y": 1,
    }
    assert compare(folder, tmp_path / "d", split="test").rows == 1


def test_compare_of_text_without_words(write, tmp_path):
    folder = saved(word_piece(["a"]), tmp_path / "t")
    measures = compare(folder, write("a.csv", 'text,label\n"  ",x\n')).tokenizers[str(folder)]
    assert (measures["tokens"], measures["fertility"], measures["bytes_per_token"]) == (0, None, None)
    assert measures["renyi_efficiency"] is measures["frequent_words_whole"] is None


def test_compare_refuses_what_cannot_be_compared(write, tmp_path):
    folder = saved(word_piece(["a"]), tmp_path / "t")
    path = write("a.csv", "text,label\na,x\n")
    with pytest.raises(UsageError, match="the same tokenizer as"):
        compare([folder, f"{folder}/"], path)
    with pytest.raises(UsageError, match="name a tokenizer"):
        compare([], path)
    with pytest.raises(InputError, match=r'no column "labl" \(did you mean "label"\?\)'):
        compare(folder, path, by="labl")
    with pytest.raises(InputError, match="no row has a text"):
        compare(folder, write("b.csv", "text,label\n,x\n,y\n"), text_column="text")


def test_compare_command_shows_tables_json_and_a_picture(write, tmp_path, capsys):
    folder = saved(word_piece(["a", "##b"]), tmp_path / "t")
    other = saved(word_piece(["a"]), tmp_path / "other")
    path = write("a.csv", "text,label\nab a,기쁨\na,슬픔\n")
    picture = tmp_path / "p.svg"
    assert run(["compare", str(folder), str(other), "--on", str(path), "--plot", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert "# By class\n" in printed
    assert "\nother\t기쁨\t1\t" in printed
    assert picture.read_bytes().startswith(b"<?xml")
    assert run(["compare", str(folder), "--on", str(path), "--json", "-q"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result)[:2] == ["schema", "command"]
    assert result["tokenizers"][str(folder)]["tokens"] == 4
    page = tmp_path / "p.html"
    assert run(["compare", str(folder), str(other), "--on", str(path), "--html", str(page), "-q"]) == 0
    printed = capsys.readouterr().out
    assert "By class" in page.read_text("utf-8")
    assert all(cell in page.read_text("utf-8") for cell in ("기쁨", "other", "tokens per word"))
    assert run(["compare", str(folder), "--on", str(path), "--html", str(page)]) == 4
    assert run(["compare", str(folder), "--on", str(path), "--plot", "p.pdf"]) == 2
    assert run(["compare", str(folder), "--on", str(path), "--plot", str(picture)]) == 4
    assert run(["compare", str(folder), "--on", "nowhere.csv"]) == 3
