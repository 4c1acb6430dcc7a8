"""Corpora that are not UTF-8: whatever reads one gives what it gives for the same text in UTF-8."""

from __future__ import annotations

import gzip
import json

import pytest

import tokkit
from tokkit.corpus import reference_words
from tokkit.corpus.feed import CorpusOptions, items, plan
from tokkit.errors import UsageError

LINES = [f"이 영화 {number}번 정말 재미있어요, 또 보고 싶다" for number in range(40)]
TEXT = "".join(f"{line}\n" for line in LINES)
FILES = {
    "txt": TEXT,
    "csv": "text,label\n" + "".join(f'"{line}",좋음\n' for line in LINES),
    "tsv": "text\tlabel\n" + "".join(f"{line}\t좋음\n" for line in LINES),
    "jsonl": "".join(json.dumps({"text": line}, ensure_ascii=False) + "\n" for line in LINES),
    "json": json.dumps([{"text": line} for line in LINES], ensure_ascii=False),
    "conll": "".join("".join(f"{word} O\n" for word in line.split()) + "\n" for line in LINES),
}


@pytest.mark.parametrize("encoding", ["cp949", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("ending", [*FILES, "csv.gz", "txt.gz"])
def test_encodings_of_a_corpus_in_any_format(write, ending, encoding):
    content = FILES[ending.removesuffix(".gz")].encode(encoding)
    path = write(f"a.{ending}", gzip.compress(content) if ending.endswith("gz") else content)
    fed = [text for batch in items(plan([path], CorpusOptions(encoding=encoding))) for text in batch]
    assert [text.rstrip("\n") for text in fed] == LINES


@pytest.mark.parametrize("pre_tokenizer", ["bert", "metaspace"])  # which may be cut, and which may not
@pytest.mark.parametrize("small", [True, False])
def test_encodings_of_a_corpus_give_the_same_tokenizer_and_counts(
    write, tmp_path, monkeypatch, pre_tokenizer, small
):
    if not small:
        monkeypatch.setattr(reference_words, "SMALL", 0)
        monkeypatch.setattr(reference_words, "SMALL_UNCOMPILED", 0)
    korean, utf8 = write("a.txt", TEXT.encode("utf-16")), write("b.txt", TEXT)
    settings = {"pre_tokenizer": pre_tokenizer, "vocab_size": 80, "progress": tokkit.progress.SILENT}
    one = tokkit.train_wordpiece(korean, tmp_path / "one", encoding="utf-16", **settings)
    two = tokkit.train_wordpiece(utf8, tmp_path / "two", **settings)
    assert (one.sha256, one.words) == (two.sha256, two.words)
    counts = [
        tokkit.count(path, tmp_path / name, encoding=encoding, pre_tokenizer=pre_tokenizer)
        for path, name, encoding in ((korean, "x", "utf-16"), (utf8, "y", None))
    ]
    assert counts[0].pieces == counts[1].pieces
    assert counts[0].distinct_pieces == counts[1].distinct_pieces


def test_encodings_of_parquet_are_refused(tmp_path):
    import polars as pl

    pl.DataFrame({"text": LINES}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="is for text"):
        plan([tmp_path / "a.parquet"], CorpusOptions(encoding="cp949"))


def test_encodings_of_files_of_tokens_and_samples(write, tmp_path):
    tokkit.train_wordpiece(write("a.txt", TEXT), tmp_path / "out", vocab_size=80)
    tokens, sample = write("tokens.txt", "재미있어요\n".encode("cp949")), write("s.txt", TEXT.encode("cp949"))
    added = tokkit.add_tokens(
        tmp_path / "out", tmp_path / "more", tokens_file=str(tokens), sample=[str(sample)], encoding="cp949"
    )
    assert added.added == ("재미있어요",)
    tokkit.trim(tmp_path / "out", tmp_path / "less", to=[str(sample)], encoding="cp949")
    suggested = tokkit.suggest_tokens(tmp_path / "less", [sample], encoding="cp949")
    assert any(suggestion["token"] == "재미있어요" for suggestion in suggested.as_dict()["suggestions"])
