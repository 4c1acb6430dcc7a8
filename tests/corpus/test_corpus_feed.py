"""What a trainer is fed with: lines of text files, texts of tables."""

from __future__ import annotations

import polars as pl
import pytest

from tokkit.corpus.feed import CorpusOptions, items, plan
from tokkit.errors import InputError


def _fed(*files, **options):
    return [text for batch in items(plan(files, CorpusOptions(**options))) for text in batch]


def test_feed_text_files_give_lines_with_their_newline_one_after_the_other(write):
    files = write("a.txt", "one\n\n two\u2028x\r\nlast"), write("b.txt", "\ufeffthree\n")
    assert _fed(*files) == ["one\n", "\n", " two\u2028x\r\n", "last", "three\n"]


def test_feed_is_what_the_reference_trainer_reads_from_files(write):
    from tokenizers import Tokenizer, models, trainers

    text = "a b\u2028c\x85d a\rb  a b\n" * 20 + "가 나 가\n"
    path = write("a.txt", text)
    fed, read = Tokenizer(models.WordLevel()), Tokenizer(models.WordLevel())
    trainer = trainers.WordLevelTrainer(show_progress=False, special_tokens=[])
    read.train([str(path)], trainer)
    fed.train_from_iterator(items(plan([path], CorpusOptions())), trainer)
    assert fed.get_vocab() == read.get_vocab()


def test_feed_tables_give_a_text_a_row_and_say_so(write, heard):
    parquet = write("b.parquet", b"")
    pl.DataFrame({"n": [1, 2], "body": ["x", None]}).write_parquet(parquet)
    files = write("a.csv", 'id,text,label\n1,"two\nlines",x\n2,,y\n3,b,z\n'), parquet
    assert [t for b in items(plan(files, CorpusOptions(), heard)) for t in b] == ["two\nlines", "b", "x"]
    assert f'{files[0]}: a table; the texts of its column "text" are read' in heard


def test_feed_format_text_reads_a_table_whole(write):
    assert _fed(write("a.csv", "text,label\na,b\n"), format="text") == ["text,label\n", "a,b\n"]


def test_feed_column_and_separator_are_taken_from_the_options(write):
    path = write("a.csv", "satz;art\na, b;x\n")
    assert _fed(path, text_column="art", sep=";") == ["x"]


def test_feed_tells_bytes_of_every_batch(write):
    sizes = []
    text, table = write("a.txt", "하나\nb\n"), write("a.csv", "text,label\n하나,x\n")
    list(items(plan([text, table], CorpusOptions()), sizes.append))
    assert sizes == [len("하나\nb\n".encode()), len("하나".encode())]


def test_feed_reads_a_table_in_batches(write, monkeypatch):
    monkeypatch.setattr("tokkit.sources.formats.batch.ROWS", 2)
    path = write("a.jsonl", "".join(f'{{"text": "t{i}"}}\n' for i in range(5)))
    assert [len(batch) for batch in items(plan([path], CorpusOptions()))] == [2, 2, 1]


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.txt", "", {}, "the file is empty"),
        ("a.csv", "text,label\n", {}, "has no rows, only a header"),
        ("a.csv", "text,label\na,b\n", {"text_column": "txt"}, 'no column "txt"'),
        ("a.csv", "so glad of it all,joy\n", {}, "looks like data"),
        ("a.txt", b"ab\xff\n", {}, ":1: byte 3 (0xff) is not UTF-8"),
    ],
)
def test_feed_plan_finds_what_is_wrong_before_work_starts(write, name, content, options, message):
    with pytest.raises(InputError) as caught:
        plan([write(name, content)], CorpusOptions(**options))
    assert message in caught.value.message
    assert caught.value.hint


def test_feed_a_table_without_header_names_an_option_that_there_is(write):
    with pytest.raises(InputError, match="looks like data") as caught:
        plan([write("a.csv", "so glad of it all,joy\nnot so glad of it,joy\n")], CorpusOptions())
    assert "--names" not in caught.value.hint


def test_feed_leaves_out_what_is_no_row_of_a_table_and_says_so(write, heard):
    path = write("a.csv", "Reviews\n\ntext;label\na b;x\ntext;label\nc;y\n")
    assert [text for batch in items(plan([path], CorpusOptions(), heard)) for text in batch] == ["a b", "c"]
    assert f"{path}:5: repeats the column names: left out" in heard.sentences
    assert f"{path}: skipped what is above the header in line 3: Reviews" in heard.sentences


@pytest.mark.parametrize(("quote", "texts"), [("none", ['"a ""b"""']), ('"', ['a "b"']), (None, ['a "b"'])])
def test_feed_quotes_are_what_the_option_or_the_file_says(write, quote, texts):
    assert _fed(write("a.tsv", 'text\tlabel\n"a ""b"""\tx\n'), quote=quote) == texts
