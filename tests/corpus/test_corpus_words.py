"""Words of whole corpora: files and tables, threads, little memory, blocks of any size."""

from __future__ import annotations

import gzip
import random
import tempfile

import polars as pl
import pytest
from corpus_pipelines import RECIPE_PIPELINES, tokenizer
from corpus_texts import LETTERS, NUMBERS, PICTURES, SIGNS, difference, lines_of, readable, reference, texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tokkit
from tokkit.corpus import parts, reference_words, split_kernels, word_table, words
from tokkit.corpus.feed import CorpusFile, CorpusOptions, items, plan
from tokkit.errors import InputError
from tokkit.progress import SILENT
from tokkit.sources import streams
from tokkit.sources.formats import TableFormat

DISTINCT = ("bert-uncased", "korean", "gpt2", "llama")
"""Recipes whose pipelines differ in kind."""


def _corpus(*paths):
    return plan(paths, CorpusOptions())


def _counted(corpus, name, **options):
    counted = words.count_words(corpus, tokenizer(*RECIPE_PIPELINES[name]), SILENT, **options)
    assert counted.total == counted.words.counts.sum()
    return readable(counted.words, counted.raw)


def _wanted(corpus, name):
    return reference(tokenizer(*RECIPE_PIPELINES[name]), items(corpus))


def _random_text(size, seed=1):
    chosen = random.Random(seed)
    parts = (*LETTERS, *NUMBERS, *SIGNS, *PICTURES, "\n", "\r\n", "\x85\n", "\u3000")
    text = ""
    while len(text.encode()) < size:
        text += "".join(part + chosen.choice(("", " ")) for part in chosen.choices(parts, k=10_000))
    return text


@pytest.mark.parametrize("name", DISTINCT)
def test_words_are_the_same_for_any_threads_and_memory_and_those_of_the_reference(write, name):
    text = _random_text(200_000) + "한국어 \U0001d400 rare e\u0301\u0323 " * 1000
    files = _corpus(write("a.txt", text), write("b.txt", text[: len(text) // 3]))
    wanted = _wanted(files, name)
    for threads, memory in ((1, None), (2, None), (8, None), (1, 1), (3, 1), (2, 1 << 20)):
        assert difference(_counted(files, name, thread_count=threads, memory=memory), wanted) == {}


@pytest.mark.parametrize("name", DISTINCT)
def test_words_of_a_file_of_several_blocks(write, name, monkeypatch):
    if name != "gpt2":  # one kind is enough for blocks of their full size
        monkeypatch.setattr(streams, "BLOCK", streams.BLOCK // 8)
    files = _corpus(write("a.txt", _random_text(int(3.2 * streams.BLOCK), seed=2)))
    assert difference(_counted(files, name), _wanted(files, name)) == {}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(DISTINCT), st.integers(8, 40), st.lists(texts, min_size=1, max_size=8))
def test_words_are_the_same_for_blocks_of_any_size(write, name, size, parts):
    text = "".join(part + " x " for part in parts)
    corpus = [CorpusFile(write("a.txt", text), TableFormat("text"))]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(streams, "BLOCK", size)
        counted = _counted(corpus, name)
    read = text.removeprefix("\ufeff")  # a byte order mark is no text
    assert difference(counted, reference(tokenizer(*RECIPE_PIPELINES[name]), lines_of(read))) == {}


@pytest.mark.parametrize("name", DISTINCT)
def test_words_of_one_long_line_which_is_cut_within(write, monkeypatch, name):
    monkeypatch.setattr(streams, "BLOCK", 1 << 12)
    text = _random_text(50_000, seed=3).replace("\n", "\u2028  ")
    files = _corpus(write("a.txt", text))
    assert len(list(streams.text_blocks(files[0].path))) > 10
    assert difference(_counted(files, name), _wanted(files, name)) == {}


@pytest.mark.parametrize("name", DISTINCT)
def test_words_of_chunks_too_long_for_the_kernel(write, name):
    long = ("漢字かな交じり文、" + "x" * 100) * 40 + "é" * split_kernels.LONGEST
    files = _corpus(write("a.txt", f"{long} {long}\n{long}! a\n" + "y" * split_kernels.LONGEST + "\n"))
    assert difference(_counted(files, name), _wanted(files, name)) == {}


@pytest.mark.parametrize("name", DISTINCT)
def test_words_of_tables_are_those_of_their_rows(write, name):
    path = write("a.parquet", b"")
    rows = [
        "two\nlines  here",
        None,
        "",
        "nul \0 in\0side\0",
        " ",
        "\0",
        "e\u0301 \u0301",
        " lead",
        "x" * 5000,
        "\n\r\n",
    ]
    pl.DataFrame({"text": [*rows, *["again \n and"] * 1000], "n": 1}).write_parquet(path)
    files = _corpus(path, write("b.csv", 'text,label\n"quoted\ntext",x\n plain,y\n'))
    assert difference(_counted(files, name), _wanted(files, name)) == {}


def test_words_tell_the_bytes_they_were_counted_in(write):
    table, rows = write("a.parquet", b""), ["하나", "a\0b", ""]
    pl.DataFrame({"text": rows}).write_parquet(table)
    text, packed = write("b.txt", "\ufeff하나\r\n둘"), write("c.txt.gz", gzip.compress(b"one two\n"))
    counted = words.count_words(_corpus(table, text, packed), tokenizer((), ("byte-level",)), SILENT)
    assert counted.bytes == len("하나a\0b".encode()) + text.stat().st_size + len(b"one two\n")


def test_words_of_a_table_whose_rows_all_hold_nul(write):
    table = write("a.parquet", b"")
    pl.DataFrame({"text": ["a\0b c", "\0"]}).write_parquet(table)
    counted = words.count_words(_corpus(table), tokenizer((), ("whitespace-split",)), SILENT)
    assert (readable(counted.words, counted.raw), counted.bytes) == ({"a\0b": 1, "c": 1, "\0": 1}, 6)


@pytest.mark.parametrize("name", DISTINCT)
def test_words_know_nothing_of_the_byte_order_mark(write, name):
    with_mark, without = (
        _corpus(write("a.txt", "\ufeffa b\n\ufeffc\n")),
        _corpus(write("b.txt", "a b\n\ufeffc\n")),
    )
    assert _counted(with_mark, name) == _counted(without, name) == _wanted(with_mark, name)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"ab \xff c\n", ":200001: byte 4 (0xff) is not UTF-8"),
        (b"\xed\xa0\x80\n", ":200001: byte 1 (0xed) is not UTF-8"),
        (b"cut \xe3\x80", ":200001: byte 5 (0xe3) is not UTF-8"),
        (b"a\0b\n", ":200001: holds a NUL byte"),
    ],
)
def test_words_name_file_and_line_of_what_is_no_text(write, bad, message, threads):
    files = _corpus(write("good.txt", "a\n"), write("bad.txt", b"fine line\n" * 200_000 + bad))
    with pytest.raises(InputError, match=r"bad\.txt") as caught:
        _counted(files, "bert-uncased", thread_count=threads)
    assert message in caught.value.message


def test_words_refuse_a_corpus_without_any(write):
    with pytest.raises(InputError, match="holds no word"):
        _counted(_corpus(write("a.txt", "\x01 \u200b\n")), "bert-uncased")


@pytest.mark.long
def test_words_of_a_text_that_cannot_be_cut_are_refused_beyond_what_a_table_takes(tmp_path):
    path = tmp_path / "c.txt"
    with open(path, "wb") as file:
        for _ in range(269):
            file.write(b"a" * (1 << 20))
    with pytest.raises(InputError, match="without a space or line end"):
        _counted(_corpus(path), "gpt2")


@pytest.mark.parametrize("recipe", ["bert-uncased", "gpt2"])
def test_words_on_the_disk_are_those_in_memory(write, tmp_path, monkeypatch, recipe):
    lines = "".join(f"w{number % 3001} 단어{number % 401} é{number}\n" for number in range(9000))
    path = write("a.txt", lines)
    monkeypatch.setattr(reference_words, "SMALL", 0)
    monkeypatch.setattr(reference_words, "SMALL_UNCOMPILED", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    whole = tokkit.train_bpe(path, tmp_path / "whole", recipe=recipe, vocab_size=700)
    monkeypatch.setattr(word_table, "LEAST_MEMORY", 1 << 19)
    runs = []
    original = parts.write_run

    def write_run(*arguments):
        runs.append(arguments[0])
        original(*arguments)

    monkeypatch.setattr(parts, "write_run", write_run)
    little = tokkit.train_bpe(
        path, tmp_path / "little", recipe=recipe, vocab_size=700, memory="1KB", threads=2
    )
    assert len(runs) > 1
    assert (little.words, little.distinct_words) == (whole.words, whole.distinct_words)
    assert little.sha256 == whole.sha256
    assert not list(tmp_path.glob("tokkit-words-*"))
